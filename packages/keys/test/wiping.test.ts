import { createDecipheriv } from "node:crypto";
import bcrypt from "bcrypt-pbkdf";
import { temporaryFolder } from "@git-vault/testkit";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readPrivateKey } from "../src/index.ts";
import { makeKey, sshKeygen } from "./make-key.ts";

/*
 * Secrets are overwritten when done. The spies see the buffers that the libraries are given and
 * return, and change nothing.
 */

const passphrase = "a passphrase";
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

describe.skipIf(sshKeygen.missing)(`unlocking a key of ${sshKeygen.label} leaves`, () => {
  afterEach(() => vi.restoreAllMocks());

  /** What node:crypto's decryption returns. */
  const spyOnDecryption = (): (() => Buffer[]) => {
    const { prototype } = createDecipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).constructor as {
      prototype: { update(data: Uint8Array): Buffer };
    };
    const spy = vi.spyOn(prototype, "update");
    return () => spy.mock.results.map(({ value }) => value as Buffer);
  };

  test.each(["aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"])(
    "neither the key of %s nor the private section in memory",
    async (cipher) => {
      using folder = temporaryFolder();
      const made = await makeKey(folder.path, "key", { cipher, passphrase, rounds: 1 });
      const derive = vi.spyOn(bcrypt, "pbkdf");
      const outputs = spyOnDecryption();
      const key = await readPrivateKey(made.bytes).unlock(Buffer.from(passphrase));
      expect(derive).toHaveBeenCalledOnce();
      const [, , , , material] = derive.mock.lastCall ?? [];
      expect(material?.length).toBeGreaterThanOrEqual(44);
      expect(isZero(material ?? Buffer.of(1))).toBe(true);
      // chacha20-poly1305 draws its one-time key from the cipher as well.
      expect(outputs()).toHaveLength(cipher.startsWith("chacha20") ? 2 : 1);
      expect(outputs().every(isZero)).toBe(true);
      expect(key.type === "ssh-ed25519" && !isZero(key.seed)).toBe(true);
    },
  );

  test("no private section in memory after a wrong passphrase", async () => {
    using folder = temporaryFolder();
    for (const cipher of ["aes256-ctr", "aes256-gcm@openssh.com"]) {
      const made = await makeKey(folder.path, cipher, { cipher, passphrase, rounds: 1 });
      const outputs = spyOnDecryption();
      await expect(readPrivateKey(made.bytes).unlock(Buffer.from("wrong"))).rejects.toThrow("did not decrypt");
      expect(outputs()).toHaveLength(1);
      expect(outputs().every(isZero)).toBe(true);
      vi.restoreAllMocks();
    }
  });
});
