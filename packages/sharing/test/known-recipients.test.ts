import {
  createSealer,
  generateIdentity,
  parseRecipient,
  PassphraseRecipient,
  seal,
  SshRecipient,
} from "@git-vault/sealing";
import { readPublicKeys, type SshPublicKey } from "@git-vault/keys";
import { makeSshKey, peer, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { knownRecipients } from "../src/index.ts";
import { failureOf } from "./hands.ts";

const age = peer("age");
const rage = peer("rage");
const SECRET = Buffer.from("secret");

let folder: TemporaryFolder;
let ed: SshPublicKey;
let rsa: SshPublicKey;
let weak: SshPublicKey;
let stranger: SshPublicKey;

const make = async (name: string, type: "ed25519" | "rsa", bits?: number): Promise<SshPublicKey> => {
  const { publicKey } = await makeSshKey({ folder: folder.path, name, type, ...(bits === undefined ? {} : { bits }) });
  const key = readPublicKeys(publicKey)[0]?.key;
  if (!key) throw new Error("ssh-keygen made no key");
  return key;
};

beforeAll(async () => {
  folder = temporaryFolder();
  ed = await make("ed", "ed25519");
  rsa = await make("rsa", "rsa", 2048);
  weak = await make("weak", "rsa", 1024);
  stranger = await make("stranger", "ed25519");
});
afterAll(() => folder.remove());

const toKeys = (...keys: SshPublicKey[]): SshRecipient[] =>
  keys.map((key) => new SshRecipient(key, { allowWeak: true }));
const fingerprints = (keys: readonly SshPublicKey[]): string[] => keys.map(({ fingerprint }) => fingerprint);

describe("whom a message is sealed to", () => {
  test("is known in age's format where the keys are there, in the message's order", async () => {
    const message = await seal(SECRET, toKeys(weak, rsa, ed));
    const { keys, others, armor } = knownRecipients(message, [ed, stranger, rsa, weak]);
    expect(fingerprints(keys)).toEqual(fingerprints([weak, rsa, ed]));
    expect({ others, armor }).toEqual({ others: 0, armor: true });
  });

  test("is counted where the keys are not there", async () => {
    const message = await seal(SECRET, toKeys(ed, rsa, stranger));
    const { keys, others } = knownRecipients(message, [rsa]);
    expect(fingerprints(keys)).toEqual([rsa.fingerprint]);
    expect(others).toBe(2);
  });

  test.each(["ed", "rsa", "weak"] as const)(
    "is known in ssh-vault's format for %s, also of a quotation",
    async (name) => {
      const key = { ed, rsa, weak }[name];
      const message = await seal(SECRET, toKeys(key), { format: "ssh-vault" });
      const quoted = Buffer.from(message.toString().replaceAll(/^/gm, "> "));
      for (const text of [message, quoted]) {
        const known = knownRecipients(text, [stranger, ed, rsa, weak]);
        expect(fingerprints(known.keys)).toEqual([key.fingerprint]);
        expect(known.others).toBe(0);
      }
      expect(knownRecipients(message, [stranger])).toMatchObject({ keys: [], others: 1 });
    },
  );

  test("is not known of native age keys and of a passphrase", async () => {
    const { recipient } = await generateIdentity();
    const own = await seal(SECRET, [await parseRecipient(recipient)], { armor: false });
    expect(knownRecipients(own, [ed])).toEqual({ keys: [], others: 1, armor: false });
    const sealer = await createSealer([new PassphraseRecipient(Buffer.from("p"), { workFactor: 1 })]);
    const toPassphrase = Buffer.concat([sealer.push(SECRET), sealer.finish()]);
    expect(knownRecipients(toPassphrase, [ed])).toMatchObject({ keys: [], others: 1 });
  });

  test("is the same of a signed message", async () => {
    const signed = await seal(SECRET, toKeys(ed), {
      signature: { statement: Buffer.from("a statement"), signature: Buffer.from("a signature") },
    });
    expect(knownRecipients(signed, [ed])).toMatchObject({ keys: [{ fingerprint: ed.fingerprint }], others: 0 });
  });

  describe.each([age, rage])("by $label", ({ path, missing }) => {
    test.skipIf(missing)("is known, without the stanzas that are for nobody", async () => {
      for (let again = 0; again < 5; again += 1) {
        const args = ["-R", `${folder.path}/ed.pub`, "-R", `${folder.path}/rsa.pub`];
        const message = await runOk(path, args, { input: SECRET });
        const { keys, others, armor } = knownRecipients(message, [rsa, ed]);
        expect(fingerprints(keys).toSorted()).toEqual(fingerprints([ed, rsa]).toSorted());
        expect({ others, armor }).toEqual({ others: 0, armor: false });
      }
    });
  });

  test("cannot be told of what is no message", async () => {
    const error = await failureOf((async () => knownRecipients(Buffer.from("hello"), [ed]))());
    expect(error.code).toBe("UNKNOWN_FORMAT");
  });
});
