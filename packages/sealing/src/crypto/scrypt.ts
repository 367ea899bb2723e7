import { scrypt as nodeScrypt } from "node:crypto";

const BLOCK_SIZE = 8;

/**
 * scrypt (RFC 7914) with r = 8 and p = 1, 32 bytes.
 *
 * @param workFactor the base-two logarithm of N; it takes 2^workFactor KiB of memory
 *
 * Throws the runtime's error where there is not enough memory.
 */
export function scrypt(passphrase: Uint8Array, salt: Uint8Array, workFactor: number): Promise<Buffer> {
  const N = 2 ** workFactor;
  // scrypt takes 128 · r · N bytes (RFC 7914 section 2) and a little more; Node allows itself 32
  // MiB unless told otherwise.
  const options = { N, r: BLOCK_SIZE, p: 1, maxmem: 128 * BLOCK_SIZE * (N + 64) };
  return new Promise((resolve, reject) => {
    nodeScrypt(passphrase, salt, 32, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
