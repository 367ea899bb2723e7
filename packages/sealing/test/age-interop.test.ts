import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPrivateKey } from "@git-vault/keys";
import { peer, run, runOk, temporaryFolder, type TemporaryFolder, variants } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { open, readHeader, seal, SshIdentity } from "../src/index.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

const KINDS = [
  ["Ed25519", { type: "ed25519" }],
  ["RSA 2048", { type: "rsa", bits: 2048 }],
  ["RSA 3072", { type: "rsa", bits: 3072 }],
  ["RSA 4096", { type: "rsa", bits: 4096 }],
] as const;

const CHUNK = 64 * 1024;
/** Around every chunk border: 256 chunks are the first whose counter has two bytes. */
const SIZES = [0, 1, 148, CHUNK - 1, CHUNK, CHUNK + 1, 256 * CHUNK, 256 * CHUNK + 1];

/** The payload is the same for every kind of key. */
const sizesOf = (kind: string): readonly number[] => (kind === "Ed25519" ? SIZES : variants(148, ...SIZES));

const PEERS = [
  ["the distribution's age", peer("age", { in: "path" }), []],
  ["the newest age", peer("age"), []],
  ["rage", peer("rage"), []],
] as const;

let folder: TemporaryFolder;
const keys = new Map<string, TestKey>();
const keyOf = (name: string): TestKey => {
  const key = keys.get(name);
  if (key === undefined) throw new Error(`no test key ${name}`);
  return key;
};

beforeAll(async () => {
  folder = temporaryFolder();
  for (const [name, options] of KINDS) {
    keys.set(name, await makeTestKey({ ...options, folder: folder.path, name: name.replace(" ", "-") }));
  }
});
afterAll(() => folder.remove());

describe.each(PEERS)("%s", (_, program) => {
  const name = program.label;

  describe.skipIf(program.missing).each(KINDS)(`${name} and a key of type %s`, (kind) => {
    test.each(sizesOf(kind))("opens what we sealed: %i bytes", async (size) => {
      const payload = randomBytes(size);
      const { recipient, privateKeyPath } = keyOf(kind);
      for (const armor of [true, false]) {
        const message = await seal(payload, [recipient], { armor });
        const opened = await runOk(program.path, ["-d", "-i", privateKeyPath], { input: message });
        expect(opened.equals(payload)).toBe(true);
      }
    });

    test.each(sizesOf(kind))("seals what we open: %i bytes", async (size) => {
      const payload = randomBytes(size);
      const { identity, publicKeyPath } = keyOf(kind);
      for (const armor of [["-a"], []]) {
        const message = await runOk(program.path, ["-e", ...armor, "-R", publicKeyPath], { input: payload });
        const { plaintext, format } = await open(message, [identity()]);
        expect(format).toBe("age");
        expect(plaintext.equals(payload)).toBe(true);
      }
    });
  });

  test.skipIf(program.missing)(`${name}: each of several recipients opens a message, ours and theirs`, async () => {
    const all = KINDS.map(([kind]) => keyOf(kind));
    const payload = randomBytes(148);
    const ours = await seal(
      payload,
      all.map(({ recipient }) => recipient),
    );
    const listed = all.flatMap(({ publicKeyPath }) => ["-R", publicKeyPath]);
    const theirs = await runOk(program.path, ["-e", ...listed], { input: payload });
    expect(readHeader(theirs).stanzas.filter(({ type }) => type.startsWith("ssh-"))).toHaveLength(4);
    for (const { identity, privateKeyPath } of all) {
      expect((await open(theirs, [identity()])).plaintext).toEqual(payload);
      expect(await runOk(program.path, ["-d", "-i", privateKeyPath], { input: ours })).toEqual(payload);
    }
  });

  test.skipIf(program.missing)(`${name} refuses our message after one bit of it changed`, async () => {
    const { recipient, privateKeyPath } = keyOf("Ed25519");
    const message = await seal(Buffer.from("secret"), [recipient], { armor: false });
    message.writeUInt8((message.at(-1) ?? 0) ^ 1, message.length - 1);
    const { status } = await run(program.path, ["-d", "-i", privateKeyPath], { input: message });
    expect(status).not.toBe(0);
  });
});

describe("private keys with a passphrase", () => {
  const age = peer("age");
  const passphrase = "correct horse";

  /** A copy of a test key's private key, encrypted by ssh-keygen: making RSA keys again is slow. */
  const encryptedCopy = async (kind: string, ...format: string[]): Promise<SshIdentity> => {
    const path = join(folder.path, `encrypted-${randomBytes(4).toString("hex")}`);
    writeFileSync(path, readFileSync(keyOf(kind).privateKeyPath), { mode: 0o600 });
    await runOk("ssh-keygen", ["-q", "-p", "-a", "1", "-P", "", "-N", passphrase, ...format, "-f", path]);
    const file = readPrivateKey(readFileSync(path));
    expect(file.encrypted).toBe(true);
    return new SshIdentity(file, async () => Buffer.from(passphrase));
  };

  test.skipIf(age.missing).each(KINDS)(`open what ${age.label} sealed to %s`, async (kind) => {
    const payload = randomBytes(148);
    const message = await runOk(age.path, ["-e", "-R", keyOf(kind).publicKeyPath], { input: payload });
    expect((await open(message, [await encryptedCopy(kind)])).plaintext).toEqual(payload);
  });

  test.skipIf(age.missing)(`open it from an encrypted PEM file too, for ${age.label}`, async () => {
    const path = join(folder.path, "payload");
    writeFileSync(path, "from a file");
    const message = await runOk(age.path, ["-e", "-R", keyOf("RSA 3072").publicKeyPath, path]);
    const { plaintext } = await open(message, [await encryptedCopy("RSA 3072", "-m", "PEM")]);
    expect(plaintext.toString()).toBe("from a file");
  });
});
