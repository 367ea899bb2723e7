import { createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { armor, Decrypter } from "age-encryption";
import { armorSignature, readPrivateKey, readSignature, signMessage, type PrivateKey } from "@git-vault/keys";
import { peer, run, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  encodeStatement,
  generateIdentity,
  open,
  parseIdentityFile,
  readHeader,
  seal,
  SIGNATURE_STANZA,
  verifyMessage,
  type AgeIdentity,
  type AgeKeyKind,
  type AgeRecipient,
  type AttachedSignature,
  type MessageStatement,
  type Opened,
  type Stanza,
} from "../src/index.ts";
import { sealSignature } from "../src/age/attached-signature.ts";
import { hkdf, sealAead } from "../src/crypto/index.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

const sshKeygen = peer("ssh-keygen");
const plaintext = Buffer.from("a secret\n");
const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** Bytes after their length. */
const wireString = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

let folder: TemporaryFolder;
let alice: TestKey;
let bob: TestKey;
let carol: TestKey;
let aliceKey: PrivateKey;

beforeAll(async () => {
  folder = temporaryFolder();
  const make = (name: string): Promise<TestKey> => makeTestKey({ type: "ed25519", name, folder: folder.path });
  [alice, bob, carol] = [await make("alice"), await make("bob"), await make("carol")];
  aliceKey = await readPrivateKey(readFileSync(alice.privateKeyPath)).unlock();
});
afterAll(() => folder.remove());

/** A native age key. */
const makeNative = async (
  kind: AgeKeyKind = "x25519",
): Promise<{ recipient: AgeRecipient; identity: AgeIdentity; file: string }> => {
  const { identity: file } = await generateIdentity(kind);
  const [identity] = await parseIdentityFile(file);
  if (identity === undefined) throw new Error("expected an identity");
  return { recipient: await identity.recipient(), identity, file };
};

const fingerprint = ({ recipient }: TestKey): string => recipient.publicKey.fingerprint;

const statementTo = (...recipients: string[]): MessageStatement => ({
  from: "github:alice",
  date: "2026-11-25T09:30:00Z",
  digest: sha256(plaintext),
  recipients,
});

const sign = async (statement: Buffer, key = aliceKey, namespace = "git-vault"): Promise<AttachedSignature> => ({
  statement,
  signature: (await signMessage(key, { namespace, message: statement })).blob,
});

const verify = ({ signature, plaintext: opened }: Opened, openedBy: string): ReturnType<typeof verifyMessage> => {
  if (signature === null) throw new Error("expected a signature");
  return verifyMessage(signature, { digest: sha256(opened), openedBy });
};

test("the statement is these lines", () => {
  expect(encodeStatement({ ...statementTo("SHA256:abc", "age1xyz"), digest: Buffer.alloc(32, 0xab) }).toString()).toBe(
    `git-vault message v1\nfrom github:alice\ndate 2026-11-25T09:30:00Z\nsha256 ${"ab".repeat(32)}\nto SHA256:abc\nto age1xyz\n`,
  );
  expect(encodeStatement({ ...statementTo("x"), from: null }).toString()).not.toContain("from");
  for (const change of [
    { from: "https://example.org/alice.keys" },
    { from: "github:a\nb" },
    { date: "yesterday" },
    { date: "2026-99-99T09:30:00Z" },
    { recipients: [] },
    { recipients: ["a b"] },
    { digest: Buffer.alloc(31) },
  ]) {
    expect(() => encodeStatement({ ...statementTo("x"), ...change })).toThrow(RangeError);
  }
});

describe("a signed message", () => {
  test.for([true, false])("is told to be alice's by those who open it, with armor %s", async (isArmored) => {
    const native = await makeNative();
    const recipients = [fingerprint(bob), fingerprint(carol), String(native.recipient)];
    const signature = await sign(encodeStatement(statementTo(...recipients)));
    const message = await seal(plaintext, [bob.recipient, carol.recipient, native.recipient], {
      armor: isArmored,
      signature,
    });
    for (const [identity, openedBy] of [
      [bob.identity(), recipients[0]],
      [carol.identity(), recipients[1]],
      [native.identity, recipients[2]],
    ] as const) {
      const opened = await open(message, [identity]);
      expect(opened.plaintext).toEqual(plaintext);
      expect(verify(opened, openedBy ?? "")).toMatchObject({ from: "github:alice", recipients });
      expect(verify(opened, openedBy ?? "").publicKey.fingerprint).toBe(fingerprint(alice));
    }
    // Nobody else sees who sent it.
    expect(readHeader(message).stanzas.at(-1)).toMatchObject({ type: SIGNATURE_STANZA, args: [] });
    expect(message.toString("latin1")).not.toContain("alice");
  });

  test("is as docs/formats.md has it, and ssh-keygen verifies it", async () => {
    const statement = encodeStatement(statementTo(fingerprint(bob)));
    const message = await seal(plaintext, [bob.recipient], { armor: false, signature: await sign(statement) });
    const { stanzas } = readHeader(message);
    const fileKey = await bob.identity().unwrapFileKey(stanzas);
    const body = stanzas.at(-1)?.body ?? Buffer.alloc(0);
    expect(body.length).toBe(1024 + 16);
    const key = Buffer.from(hkdfSync("sha256", fileKey ?? "", "", "git-vault/signature v1", 32));
    const decipher = createDecipheriv("chacha20-poly1305", key, Buffer.alloc(12), { authTagLength: 16 });
    decipher.setAuthTag(body.subarray(-16));
    const content = Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]);
    const end = 4 + content.readUInt32BE();
    expect(content.subarray(4, end)).toEqual(statement);
    const signature = content.subarray(end + 4, end + 4 + content.readUInt32BE(end));
    expect(content.subarray(end + 4 + signature.length).every((byte) => byte === 0)).toBe(true);

    writeFileSync(join(folder.path, "allowed"), `alice ${readFileSync(`${alice.privateKeyPath}.pub`, "utf8")}`);
    writeFileSync(join(folder.path, "signature"), armorSignature(readSignature(signature)));
    const args = ["-Y", "verify", "-f", join(folder.path, "allowed"), "-I", "alice", "-n", "git-vault"];
    const { status } = await run(sshKeygen.path, [...args, "-s", join(folder.path, "signature")], { input: statement });
    expect(status).toBe(0);
  });

  test.for([
    ["the distribution's age", peer("age", { in: "path" })],
    ["the newest age", peer("age")],
    ["rage", peer("rage")],
  ] as const)("is opened by %s", async ([, program], { skip }) => {
    skip(program.missing, program.label);
    for (const isArmored of [true, false]) {
      const signature = await sign(encodeStatement(statementTo(fingerprint(bob))));
      const message = await seal(plaintext, [bob.recipient], { armor: isArmored, signature });
      expect(await runOk(program.path, ["-d", "-i", bob.privateKeyPath], { input: message })).toEqual(plaintext);
    }
  });

  test("is opened by typage", async () => {
    const native = await makeNative();
    const signature = await sign(encodeStatement(statementTo(String(native.recipient))));
    const message = await seal(plaintext, [native.recipient], { signature });
    const decrypter = new Decrypter();
    decrypter.addIdentity(native.file);
    expect(Buffer.from(await decrypter.decrypt(armor.decode(message.toString())))).toEqual(plaintext);
  });

  test("of post-quantum recipients stays one", async () => {
    const native = await makeNative("hybrid");
    const signature = await sign(encodeStatement(statementTo(String(native.recipient))));
    const opened = await open(await seal(plaintext, [native.recipient], { signature }), [native.identity]);
    expect(verify(opened, String(native.recipient)).from).toBe("github:alice");
  });
});

describe("a signature does not match", () => {
  const failing = async (
    attached: AttachedSignature,
    openedBy = fingerprint(bob),
    secret = plaintext,
  ): Promise<string> => {
    const opened = await open(await seal(secret, [bob.recipient], { signature: attached }), [bob.identity()]);
    try {
      verify(opened, openedBy);
    } catch (error) {
      expect(error).toMatchObject({ code: "BAD_SIGNATURE" });
      return String(error);
    }
    throw new Error("expected it not to fit");
  };

  test("where a recipient seals the secret again to others", async () => {
    // Alice sealed it to Carol, who seals the same to Bob.
    const signature = await sign(encodeStatement(statementTo(fingerprint(carol))));
    expect(await failing(signature)).toContain("it was made for a message to other recipients");
  });

  test("where the secret is another one", async () => {
    const signature = await sign(encodeStatement(statementTo(fingerprint(bob))));
    expect(await failing(signature, fingerprint(bob), Buffer.from("another"))).toContain("for another secret");
  });

  test("where it is by another key, for another purpose, or over another statement", async () => {
    const statement = encodeStatement(statementTo(fingerprint(bob)));
    const otherKey = await readPrivateKey(readFileSync(carol.privateKeyPath)).unlock();
    const mine = await sign(statement);
    const others = await sign(statement, otherKey);
    // The signature of one key under the name of the other.
    const swapped = Buffer.from(mine.signature);
    others.signature.subarray(-64).copy(swapped, swapped.length - 64);
    expect(await failing({ statement, signature: swapped })).toContain("its key did not sign this message");
    expect(await failing(await sign(statement, aliceKey, "git"))).toContain("its key did not sign this message");
    const changed = Buffer.from(statement.toString().replace("alice", "bobby"));
    expect(await failing({ ...mine, statement: changed })).toContain("its key did not sign this message");
    expect(await failing({ ...mine, signature: randomBytes(100) })).toContain("malformed SSH signature");
  });

  test.for([
    ["another version", (text: string) => text.replace("v1", "v2")],
    ["of a grant", (text: string) => text.replace("message", "grant")],
    ["without recipients", (text: string) => text.replace(/to .*\n/, "")],
    ["with a further line", (text: string) => `${text}\n`],
    ["with CRLF", (text: string) => text.replaceAll("\n", "\r\n")],
    ["with a URL for a name", (text: string) => text.replace("github:alice", "https://example.org/alice.keys")],
    ["without a date", (text: string) => text.replace(/date .*\n/, "")],
    ["with a date that is none", (text: string) => text.replace("11-25", "13-45")],
    ["that is empty", () => ""],
  ] as const)("where its statement is one %s", async ([, change]) => {
    const statement = Buffer.from(change(encodeStatement(statementTo(fingerprint(bob))).toString()));
    expect(await failing(await sign(statement))).toContain("its statement is malformed");
  });

  // Anyone who can open the message can write its header again, with any stanzas under its file
  // key: here as a recipient that wraps to them.
  const NONE = Buffer.alloc(0);
  const encrypted = (fileKey: Buffer, content: Buffer): Stanza => {
    const body = sealAead(
      "chacha20-poly1305",
      hkdf(fileKey, NONE, "git-vault/signature v1"),
      Buffer.alloc(12),
      content,
    );
    return { type: SIGNATURE_STANZA, args: [], body };
  };
  const content = ({ statement, signature }: AttachedSignature, padding = Buffer.alloc(100)): Buffer =>
    Buffer.concat([wireString(statement), wireString(signature), padding]);
  const openWith = async (stanzas: (fileKey: Buffer) => Stanza[]): Promise<Opened> => {
    const message = await seal(plaintext, [bob.recipient, { wrapFileKey: stanzas }]);
    return open(message, [bob.identity()]);
  };

  test.for([
    ["of another message", (_, attached) => [sealSignature(randomBytes(16), attached)]],
    ["there twice", (fileKey, attached) => [sealSignature(fileKey, attached), sealSignature(fileKey, attached)]],
    ["one with an argument", (fileKey, attached) => [{ ...sealSignature(fileKey, attached), args: ["argument"] }]],
    ["one without a body", () => [{ type: SIGNATURE_STANZA, args: [], body: NONE }]],
    [
      "padded with something else than zeros",
      (fileKey, attached) => [encrypted(fileKey, content(attached, Buffer.of(0, 1)))],
    ],
    ["cut within the signature", (fileKey, attached) => [encrypted(fileKey, content(attached, NONE).subarray(0, -1))]],
    ["without a signature", (fileKey, { statement }) => [encrypted(fileKey, wireString(statement))]],
    ["cut within a length", (fileKey) => [encrypted(fileKey, Buffer.alloc(3))]],
  ] as const satisfies readonly (readonly [string, (fileKey: Buffer, attached: AttachedSignature) => Stanza[]])[])(
    "if its stanza is %s",
    async ([, stanzas]) => {
      const attached = await sign(encodeStatement(statementTo(fingerprint(bob))));
      await expect(openWith((fileKey) => stanzas(fileKey, attached))).rejects.toMatchObject({
        code: "TAMPERED_MESSAGE",
        message: expect.stringContaining("its header has a malformed signature of the sender"),
      });
      // The same, and nothing wrong with it.
      const opened = await openWith((fileKey) => [encrypted(fileKey, content(attached))]);
      expect(verify(opened, fingerprint(bob)).from).toBe("github:alice");
    },
  );

  test("if its stanza was taken out, which the header's MAC covers", async () => {
    const signature = await sign(encodeStatement(statementTo(fingerprint(bob))));
    const message = await seal(plaintext, [bob.recipient], { armor: false, signature });
    const cut = Buffer.from(
      message.toString("latin1").replace(/-> git-vault\/signature\n[^]*?\n(?=---)/, ""),
      "latin1",
    );
    expect(cut.length).toBeLessThan(message.length);
    await expect(open(cut, [bob.identity()])).rejects.toMatchObject({ code: "TAMPERED_MESSAGE" });
  });

  test("and ssh-vault's format and a passphrase have no place for one", async () => {
    const signature = await sign(encodeStatement(statementTo(fingerprint(bob))));
    await expect(seal(plaintext, [bob.recipient], { format: "ssh-vault", signature })).rejects.toThrow(RangeError);
  });
});
