import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readOpenPgpArmor, type Ed25519PublicKey } from "@git-vault/keys";
import { hybridPeer, run, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeHeader } from "../src/age/header.ts";
import { MAX_STANZAS } from "../src/limits.ts";
import { wrapToEd25519 } from "../src/age/ssh-stanzas.ts";
import {
  generateIdentity,
  open,
  OpenPgpRecipient,
  parseIdentityFile,
  parseRecipient,
  readHeader,
  recoverMessage,
  seal,
  SealingError,
  type AgeIdentity,
  type Recipient,
} from "../src/index.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

/*
 * What a message may cost anyone who opens it: so many recipients as age takes, and one pass over a
 * text.
 */

/** Older ones have no such bound. */
const age = hybridPeer("age");
let folder: TemporaryFolder;
let identityFile: string;
let own: AgeIdentity;
let ownText: string;
let ssh: TestKey;

beforeAll(async () => {
  folder = temporaryFolder();
  const { identity, recipient } = await generateIdentity();
  ownText = recipient;
  [own] = (await parseIdentityFile(identity)) as [AgeIdentity];
  identityFile = join(folder.path, "identity");
  writeFileSync(identityFile, `${identity}\n`);
  ssh = await makeTestKey({ folder: folder.path, type: "ed25519" });
});
afterAll(() => folder.remove());

/** So many recipients, of whom the last can open. */
async function recipientsOf(count: number): Promise<Recipient[]> {
  const others = Array.from({ length: count - 1 }, async () => {
    const { recipient } = await generateIdentity();
    return parseRecipient(recipient);
  });
  return [...(await Promise.all(others)), await parseRecipient(ownText)];
}

/** A message with the same stanza for one's own key again and again, which opens nothing. */
function flood(count: number): Buffer {
  const stanza = wrapToEd25519(ssh.publicKey as Ed25519PublicKey, randomBytes(16));
  const one = encodeHeader([{ ...stanza, body: randomBytes(stanza.body.length) }], randomBytes(16)).toString("latin1");
  const end = one.indexOf("---");
  const start = one.indexOf("->");
  return Buffer.from(one.slice(0, start) + one.slice(start, end).repeat(count) + one.slice(end), "latin1");
}

describe("the number of recipients", () => {
  test.skipIf(age.missing)(`is at most 1024, which ${age.label} opens`, async () => {
    const message = await seal(Buffer.from("secret"), await recipientsOf(MAX_STANZAS));
    expect(String((await open(message, [own])).plaintext)).toBe("secret");
    expect(String(await runOk(age.path, ["-d", "-i", identityFile], { input: message }))).toBe("secret");
  });

  test("is refused above that in sealing, before anything is written", async () => {
    const error = { code: "UNUSABLE_RECIPIENT", message: "expected at most 1024 recipients for one message, got 1025" };
    const recipients = await recipientsOf(MAX_STANZAS + 1);
    await expect(seal(Buffer.from("secret"), recipients)).rejects.toMatchObject(error);
    const signature = { statement: Buffer.from("x"), signature: Buffer.from("y") };
    await expect(seal(Buffer.from("secret"), recipients.slice(1), { signature })).rejects.toMatchObject(error);
    const keys = Array.from({ length: MAX_STANZAS + 1 }, (_, at) => {
      const publicKey = { key: {}, fingerprint: String(at) };
      return new OpenPgpRecipient(publicKey as unknown as ConstructorParameters<typeof OpenPgpRecipient>[0]);
    });
    await expect(seal(Buffer.from("secret"), keys, { format: "openpgp" })).rejects.toMatchObject(error);
  });

  test.skipIf(age.missing)(`is refused above that in opening, as ${age.label} does, and no key is tried`, async () => {
    const args = Array.from({ length: MAX_STANZAS + 1 }, () => ["-r", ownText]).flat();
    const message = await runOk(age.path, args, { input: Buffer.from("secret") });
    expect((await run(age.path, ["-d", "-i", identityFile], { input: message })).status).toBe(1);
    const error = { code: "TOO_LARGE", message: "expected a message to at most 1024 recipients, got one with more" };
    await expect(open(message, [own])).rejects.toMatchObject(error);
    expect(() => readHeader(message)).toThrow(error.message);
  });

  test("bounds a flood of stanzas that all seem to be for one's own key", async () => {
    const identity = ssh.identity();
    await expect(open(flood(15_000), [identity])).rejects.toMatchObject({ code: "TOO_LARGE" });
    await expect(open(flood(MAX_STANZAS), [identity])).rejects.toMatchObject({ code: "NO_IDENTITY_MATCHED" });
  });

  test("is as many in OpenPGP, where each is a packet", () => {
    const packet = Buffer.concat([Buffer.from([0xc1, 12, 3]), randomBytes(8), Buffer.from([1, 0, 0])]);
    const data = Buffer.from([0xd2, 2, 1, 0]);
    const messageTo = (count: number): Buffer => Buffer.concat([...Array.from({ length: count }, () => packet), data]);
    expect(readHeader(messageTo(MAX_STANZAS)).stanzas).toHaveLength(MAX_STANZAS);
    expect(() => readHeader(messageTo(MAX_STANZAS + 1))).toThrow("expected a message to at most 1024 recipients");
  });
});

describe("a text of 2 MB", () => {
  const repeated = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(2_000_000 / text.length)));

  test.for([
    "-----BEGIN PGP MESSAGE-----\n",
    "BEGIN PGP MESSAGE ",
    "BEGINPGPMESSAGE",
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
    "-----END PGP MESSAGE-----\n",
    `BEGIN${" ".repeat(1000)}`,
    "BEGIN AGE ENCRYPTED FILE\nEND AGE ENCRYPTED FILE\n",
    "SSH-VAULT;AES256;aa\n",
    "SSH-VAULT;CHACHA20-POLY1305;SHA256:aa;bb;cc;dd\n",
  ])("of nothing but %j is read in one pass", { timeout: 60_000 }, (mark) => {
    for (const text of [
      repeated(mark),
      Buffer.concat([Buffer.from("-----BEGIN PGP MESSAGE-----\n"), repeated(mark)]),
    ]) {
      expect(recoverMessage(text).length).toBeGreaterThan(0);
      expect(() => readHeader(text)).toThrow(SealingError);
    }
  });

  test("with as many kinds of armor that never end has one block", { timeout: 60_000 }, () => {
    const kinds = Array.from({ length: 50_000 }, (_, at) => {
      const name = at.toString(26).replaceAll(/./g, (digit) => String.fromCharCode(65 + Number.parseInt(digit, 26)));
      return `-----BEGIN PGP ${name}-----\n`;
    });
    const block = "-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n";
    expect(readOpenPgpArmor(kinds.join("") + block)).toEqual([{ kind: "MESSAGE", bytes: Buffer.alloc(3) }]);
  });
});
