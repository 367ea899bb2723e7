import { createDecipheriv, generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import bcrypt from "bcrypt-pbkdf";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readPrivateKey, signMessage } from "../src/index.ts";
import { makeKey, puttygen, sshKeygen } from "./make-key.ts";

/*
 * Secrets are overwritten when done. The spies see the buffers that the libraries are given and
 * return, and change nothing.
 */

const passphrase = "a passphrase";
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

afterEach(() => vi.restoreAllMocks());

/** What node:crypto's decryption returns from now on. */
const spyOnDecryption = (): (() => Buffer[]) => {
  const { prototype } = createDecipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).constructor as {
    prototype: { update(data: Uint8Array): Buffer };
  };
  const spy = vi.spyOn(prototype, "update");
  return () => spy.mock.results.map(({ value }) => value as Buffer);
};

/** What `Buffer.concat` returns from now on, of that length. */
const spyOnConcat = (): ((length: number) => Buffer[]) => {
  const spy = vi.spyOn(Buffer, "concat");
  return (length) => spy.mock.results.map(({ value }) => value as Buffer).filter((bytes) => bytes.length === length);
};

/** An Ed25519 seed after the 16 bytes that precede it in PKCS#8. */
const SEED_IN_DER = 48;

describe.skipIf(sshKeygen.missing)(`unlocking a key of ${sshKeygen.label} leaves`, () => {
  test.each(["aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"])(
    "neither the key of %s nor the private section nor the seed in memory",
    async (cipher) => {
      using folder = temporaryFolder();
      const made = await makeKey(folder.path, "key", { cipher, passphrase });
      const derive = vi.spyOn(bcrypt, "pbkdf");
      const outputs = spyOnDecryption();
      const joined = spyOnConcat();
      const key = await readPrivateKey(made.bytes).unlock(Buffer.from(passphrase));
      expect(derive).toHaveBeenCalledOnce();
      const [, , , , material] = derive.mock.lastCall ?? [];
      expect(material?.length).toBeGreaterThanOrEqual(44);
      expect(isZero(material ?? Buffer.of(1))).toBe(true);
      // chacha20-poly1305 draws its one-time key from the cipher as well.
      expect(outputs()).toHaveLength(cipher.startsWith("chacha20") ? 2 : 1);
      expect(outputs().every(isZero)).toBe(true);
      expect(joined(SEED_IN_DER)).toHaveLength(1);
      expect(joined(SEED_IN_DER).every(isZero)).toBe(true);
      expect(key.type === "ssh-ed25519" && !isZero(key.seed)).toBe(true);
    },
  );

  test("no private section in memory after a wrong passphrase", async () => {
    using folder = temporaryFolder();
    for (const cipher of ["aes256-ctr", "aes256-gcm@openssh.com"]) {
      const made = await makeKey(folder.path, cipher, { cipher, passphrase });
      const outputs = spyOnDecryption();
      await expect(readPrivateKey(made.bytes).unlock(Buffer.from("wrong"))).rejects.toThrow("did not decrypt");
      expect(outputs()).toHaveLength(1);
      expect(outputs().every(isZero)).toBe(true);
      vi.restoreAllMocks();
    }
  });

  test.skipIf(puttygen.missing)(
    `nothing of the same in memory where ${puttygen.label} converted it, nor the keys of its cipher and MAC`,
    async () => {
      using folder = temporaryFolder();
      const made = await makeKey(folder.path, "key");
      const [passphraseFile, ppk] = [join(folder.path, "passphrase"), join(folder.path, "key.ppk")];
      writeFileSync(passphraseFile, passphrase);
      const protection = ["--new-passphrase", passphraseFile, "--ppk-param", "version=2"];
      await runOk(puttygen.path, [made.path, "-O", "private", "-o", ppk, ...protection]);
      const file = readPrivateKey(readFileSync(ppk));
      const outputs = spyOnDecryption();
      const joined = spyOnConcat();
      await file.unlock(Buffer.from(passphrase));
      expect(outputs()).toHaveLength(1);
      expect(outputs().every(isZero)).toBe(true);
      // The keys of the cipher and of the MAC, and 16 bytes of IV.
      expect(joined(32 + 16 + 20)).toHaveLength(1);
      expect(joined(32 + 16 + 20).every(isZero)).toBe(true);
    },
  );
});

test("reading an Ed25519 key in PKCS#8 leaves no export of it in memory", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const text = privateKey.export({ format: "pem", type: "pkcs8" });
  const spy = vi.spyOn(Object.getPrototypeOf(privateKey) as typeof privateKey, "export");
  await readPrivateKey(Buffer.from(text)).unlock();
  const exported = spy.mock.results.map(({ value }) => value as Buffer).filter(({ length }) => length === SEED_IN_DER);
  // Once to learn the public half, and once to unlock.
  expect(exported).toHaveLength(2);
  expect(exported.every(isZero)).toBe(true);
});

test("signing with an Ed25519 key leaves no secret in memory", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = await readPrivateKey(Buffer.from(privateKey.export({ format: "pem", type: "pkcs8" }))).unlock();
  const joined = spyOnConcat();
  await signMessage(key, { namespace: "test", message: Buffer.from("a message") });
  const secrets = joined(64);
  expect(secrets.length).toBeGreaterThanOrEqual(1);
  expect(isZero(secrets[0] ?? Buffer.of(1))).toBe(true);
});
