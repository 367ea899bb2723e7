import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  hybridPeer,
  peer,
  run,
  runOk,
  temporaryFolder,
  variants,
  type Peer,
  type TemporaryFolder,
} from "@git-vault/testkit";
import { openTerminal } from "@git-vault/testkit/terminal";
import {
  armor as typageArmor,
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  generateIdentity,
  open,
  parseIdentityFile,
  parseRecipient,
  PassphraseIdentity,
  PassphraseRecipient,
  readHeader,
  seal,
  type AgeKeyKind,
} from "../src/index.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

const CHUNK = 64 * 1024;
/**
 * The payload is the same for every kind of key: with SSH keys, all of these are always tried. 256
 * chunks are the first whose counter has two bytes.
 */
const SIZES = variants(CHUNK + 1, 0, 1, CHUNK - 1, CHUNK, 256 * CHUNK, 256 * CHUNK + 1);
/** Fewer: each takes the other program's whole work factor. */
const PASSPHRASE_SIZES = variants(CHUNK + 1, 0, 256 * CHUNK + 1);

const newest = hybridPeer("age");
const keygen = hybridPeer("age-keygen");
const PEERS: readonly { title: string; program: Peer; kinds: readonly AgeKeyKind[] }[] = [
  { title: "the distribution's age", program: peer("age", { in: "path" }), kinds: ["x25519"] },
  { title: "the newest age", program: newest, kinds: ["x25519", "hybrid"] },
  { title: "rage", program: peer("rage"), kinds: ["x25519"] },
];

let folder: TemporaryFolder;
let rsa: TestKey | undefined;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

let files = 0;
const write = (content: Uint8Array | string): string => {
  files += 1;
  const path = join(folder.path, `file-${files}`);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};

/** A key pair that we made. */
const makeKey = async (kind: AgeKeyKind) => {
  const generated = await generateIdentity(kind);
  const [identity] = await parseIdentityFile(generated.identity);
  if (identity === undefined) throw new Error("no identity");
  return {
    ...generated,
    own: await parseRecipient(generated.recipient),
    ownIdentity: identity,
    path: write(generated.identity),
  };
};

describe.each(PEERS)("$title and age's own keys", ({ program, kinds }) => {
  describe.skipIf(program.missing).each(kinds)(`${program.label}: %s`, (kind) => {
    test.each(SIZES)("opens what we sealed, and seals what we open: %i bytes", async (size) => {
      const key = await makeKey(kind);
      const plaintext = randomBytes(size);
      for (const armor of [true, false]) {
        const ours = await seal(plaintext, [key.own], { armor });
        const opened = await runOk(program.path, ["-d", "-i", key.path], { input: ours });
        expect(opened.equals(plaintext)).toBe(true);
        const theirs = await runOk(program.path, ["-e", ...(armor ? ["-a"] : []), "-r", key.recipient], {
          input: plaintext,
        });
        expect((await open(theirs, [key.ownIdentity])).plaintext.equals(plaintext)).toBe(true);
      }
    });

    test("each of several recipients opens a message, ours and theirs", async () => {
      const keys = [await makeKey(kind), await makeKey(kind), await makeKey(kind)];
      const ours = await seal(
        Buffer.from("for all"),
        keys.map(({ own }) => own),
      );
      const listed = keys.flatMap(({ recipient }) => ["-r", recipient]);
      const theirs = await runOk(program.path, ["-e", ...listed], { input: "for all" });
      for (const { path, ownIdentity } of keys) {
        expect((await runOk(program.path, ["-d", "-i", path], { input: ours })).toString()).toBe("for all");
        expect((await open(theirs, [ownIdentity])).plaintext.toString()).toBe("for all");
      }
    });

    test("does not open our message to somebody else", async () => {
      const [key, other] = [await makeKey(kind), await makeKey(kind)];
      const { status } = await run(program.path, ["-d", "-i", other.path], {
        input: await seal(randomBytes(9), [key.own]),
      });
      expect(status).not.toBe(0);
    });
  });

  test.skipIf(program.missing)(`${program.label}: age's and SSH keys stand in one message`, async () => {
    const key = await makeKey("x25519");
    const ed25519 = await makeTestKey({ type: "ed25519", folder: folder.path, name: `ed-${files}` });
    rsa ??= await makeTestKey({ type: "rsa", bits: 3072, folder: folder.path });
    const ours = await seal(Buffer.from("for all"), [ed25519.recipient, key.own, rsa.recipient]);
    const listed = ["-r", key.recipient, "-R", ed25519.publicKeyPath, "-R", rsa.publicKeyPath];
    const theirs = await runOk(program.path, ["-e", ...listed], { input: "for all" });
    for (const path of [key.path, ed25519.privateKeyPath, rsa.privateKeyPath]) {
      expect((await runOk(program.path, ["-d", "-i", path], { input: ours })).toString()).toBe("for all");
    }
    for (const identity of [key.ownIdentity, ed25519.identity(), rsa.identity()]) {
      expect((await open(theirs, [identity])).plaintext.toString()).toBe("for all");
    }
  });

  test.skipIf(program.missing).each(PASSPHRASE_SIZES)(
    `${program.label}: passphrase messages open both ways: %i bytes`,
    async (size) => {
      const plaintext = randomBytes(size);
      const passphrase = Buffer.from("blåbær jam 12");
      const message = write(await seal(plaintext, [new PassphraseRecipient(passphrase, { workFactor: 12 })]));
      const opened = join(folder.path, `opened-${files}`);
      using opening = openTerminal(program.path, ["-d", "-o", opened, message], { env: withoutPinentry() });
      await opening.waitFor(/passphrase/i);
      opening.type("blåbær jam 12\r");
      expect((await opening.ended).status).toBe(0);
      // Some make no file for no bytes.
      const isNoFile = size === 0 && !existsSync(opened);
      expect(isNoFile || readFileSync(opened).equals(plaintext)).toBe(true);

      const sealed = join(folder.path, `sealed-${files}`);
      using sealing = openTerminal(program.path, ["-p", "-o", sealed, write(plaintext)], { env: withoutPinentry() });
      await sealing.waitFor(/passphrase/i);
      sealing.type("blåbær jam 12\r");
      await sealing.waitFor(/confirm/i);
      sealing.type("blåbær jam 12\r");
      expect((await sealing.ended).status).toBe(0);
      const { plaintext: result } = await open(readFileSync(sealed), [new PassphraseIdentity(passphrase)]);
      expect(result.equals(plaintext)).toBe(true);
      // Ours takes far less work to try.
      await expect(open(readFileSync(message), [new PassphraseIdentity(Buffer.from("blabær"))])).rejects.toMatchObject({
        code: "WRONG_PASSPHRASE",
      });
    },
  );
});

/** rage asks through pinentry where there is one. */
const withoutPinentry = (): NodeJS.ProcessEnv => ({ ...process.env, PINENTRY_PROGRAM: "" });

describe("age-keygen", () => {
  describe.skipIf(keygen.missing || newest.missing).each([
    ["x25519", []],
    ["hybrid", ["-pq"]],
  ] as const)(`${keygen.label}: %s`, (kind, flags) => {
    test("writes identity files that we read, with the recipient that we find", async () => {
      const file = await runOk(keygen.path, flags);
      const [identity, ...others] = await parseIdentityFile(file);
      const recipient = /# public key: (\S+)/.exec(file.toString())?.[1] ?? "";
      expect(others).toHaveLength(0);
      expect(identity?.kind).toBe(kind);
      expect(String(await identity?.recipient())).toBe(recipient);
      const message = await runOk(newest.path, ["-e", "-r", recipient], { input: "hello" });
      expect((await open(message, identity ? [identity] : [])).plaintext.toString()).toBe("hello");
    });

    test("finds the recipient of the identity that we made", async () => {
      const { identity, recipient } = await generateIdentity(kind);
      expect((await runOk(keygen.path, ["-y"], { input: `${identity}\n` })).toString().trim()).toBe(recipient);
    });
  });
});

describe("post-quantum and classical recipients", () => {
  test.skipIf(newest.missing)(`are not mixed, as by ${newest.label}, unless that is allowed expressly`, async () => {
    const [hybrid, second, classical] = [await makeKey("hybrid"), await makeKey("hybrid"), await makeKey("x25519")];
    const ssh = await makeTestKey({ type: "ed25519", folder: folder.path, name: "mixed" });
    for (const [own, flags] of [
      [classical.own, ["-r", classical.recipient]],
      [ssh.recipient, ["-R", ssh.publicKeyPath]],
    ] as const) {
      const theirs = await run(newest.path, ["-e", "-r", hybrid.recipient, ...flags], { input: "x" });
      expect({ status: theirs.status, stderr: theirs.stderr }).toMatchObject({
        status: 1,
        stderr: expect.stringContaining("can't mix post-quantum and classic recipients"),
      });
      for (const recipients of [
        [hybrid.own, own],
        [own, hybrid.own, second.own],
      ]) {
        await expect(seal(randomBytes(3), recipients)).rejects.toMatchObject({ code: "MIXED_RECIPIENTS" });
        const message = await seal(Buffer.from("mixed"), recipients, { allowMixed: true });
        const opened = await runOk(newest.path, ["-d", "-i", hybrid.path], { input: message });
        expect(opened.toString()).toBe("mixed");
      }
    }
    expect(readHeader(await seal(randomBytes(3), [hybrid.own, second.own])).stanzas).toHaveLength(2);
  });
});

describe("typage in the same process", () => {
  describe.each([
    ["x25519", generateX25519Identity],
    ["hybrid", generateHybridIdentity],
  ] as const)("with %s keys", (kind, generate) => {
    test.each(SIZES)("opens what we sealed, and seals what we open: %i bytes", async (size) => {
      const plaintext = randomBytes(size);
      const text = await generate();
      const recipient = await identityToRecipient(text);
      const [identity] = await parseIdentityFile(text);
      expect(identity?.kind).toBe(kind);
      expect(String(await identity?.recipient())).toBe(recipient);

      const encrypter = new Encrypter();
      encrypter.addRecipient(recipient);
      const theirs = await encrypter.encrypt(plaintext);
      for (const message of [theirs, Buffer.from(typageArmor.encode(theirs))]) {
        expect((await open(message, identity ? [identity] : [])).plaintext.equals(plaintext)).toBe(true);
      }

      const decrypter = new Decrypter();
      decrypter.addIdentity(text);
      const ours = await seal(plaintext, [await parseRecipient(recipient)]);
      expect(Buffer.from(await decrypter.decrypt(typageArmor.decode(ours.toString()))).equals(plaintext)).toBe(true);
    });
  });

  test("opens and seals passphrase messages", async () => {
    const encrypter = new Encrypter();
    encrypter.setPassphrase("correct horse");
    encrypter.setScryptWorkFactor(10);
    const theirs = await encrypter.encrypt("hello");
    const passphrase = Buffer.from("correct horse");
    expect((await open(theirs, [new PassphraseIdentity(passphrase)])).plaintext.toString()).toBe("hello");
    const decrypter = new Decrypter();
    decrypter.addPassphrase("correct horse");
    const ours = await seal(Buffer.from("hello"), [new PassphraseRecipient(passphrase, { workFactor: 10 })], {
      armor: false,
    });
    expect(await decrypter.decrypt(ours, "text")).toBe("hello");
  });
});
