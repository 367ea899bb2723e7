import { createCipheriv, createHash, createHmac } from "node:crypto";

/*
 * A key of git-crypt and what it encrypts, written by hand from git-crypt's format: see
 * docs/git-crypt.md.
 */

const AES_KEY = createHash("sha256").update("the AES key of git-vault's tests").digest();
const HMAC_KEY = createHash("sha512").update("the HMAC key of git-vault's tests").digest();

const numbers = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
  return bytes;
};

/** A key file, for tests of which the key is no subject. */
export const GIT_CRYPT_KEY: Buffer = Buffer.concat([
  Buffer.from("\0GITCRYPTKEY"),
  numbers(2, 0, 1, 4, 0),
  numbers(3, AES_KEY.length),
  AES_KEY,
  numbers(5, HMAC_KEY.length),
  HMAC_KEY,
  numbers(0),
]);

/** What git-crypt stores of a file with that content. */
export function encryptWithGitCrypt(content: Uint8Array): Buffer {
  const nonce = createHmac("sha1", HMAC_KEY).update(content).digest().subarray(0, 12);
  const cipher = createCipheriv("aes-256-ctr", AES_KEY, Buffer.concat([nonce, Buffer.alloc(4)]));
  return Buffer.concat([Buffer.from("\0GITCRYPT\0"), nonce, cipher.update(content)]);
}
