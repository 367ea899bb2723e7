import { createCipheriv, createDecipheriv } from "node:crypto";
import { freeMemory } from "../buffers.ts";

/**
 * ChaCha20-Poly1305 (RFC 8439) or AES-256-GCM (NIST SP 800-38D): 32-byte key, 12-byte nonce,
 * 16-byte tag.
 */
export type Aead = "chacha20-poly1305" | "aes-256-gcm";

/** The length of the tag that `sealAead` appends. */
export const TAG_BYTES = 16;
/** The length of the nonce that both ciphers take. */
export const NONCE_BYTES = 12;

const NONE: Buffer = Buffer.alloc(0);
// Without an explicit length, Node's GCM takes tags as short as four bytes.
const OPTIONS = { authTagLength: TAG_BYTES };

/** Encrypts: the ciphertext, as long as the plaintext, and the tag. */
export function sealAead(
  aead: Aead,
  key: Buffer,
  nonce: Buffer,
  plaintext: Uint8Array,
  associated: Buffer = NONE,
): Buffer {
  // Node's types tie each name to an overload of its own.
  const cipher =
    aead === "aes-256-gcm" ? createCipheriv(aead, key, nonce, OPTIONS) : createCipheriv(aead, key, nonce, OPTIONS);
  cipher.setAAD(associated, { plaintextLength: plaintext.length });
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Decrypts what `sealAead` gives; null for another key, nonce or associated data. */
export function openAead(
  aead: Aead,
  key: Buffer,
  nonce: Buffer,
  sealed: Buffer,
  associated: Buffer = NONE,
): Buffer | null {
  if (sealed.length < TAG_BYTES) return null;
  const end = sealed.length - TAG_BYTES;
  const decipher =
    aead === "aes-256-gcm" ? createDecipheriv(aead, key, nonce, OPTIONS) : createDecipheriv(aead, key, nonce, OPTIONS);
  decipher.setAAD(associated, { plaintextLength: end });
  decipher.setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    return null;
  }
}

/**
 * Encrypts by ChaCha20-Poly1305 into `out` from `at` on, without a list or a copy more than needed.
 *
 * @returns where the tag ends in `out`
 */
export function sealChunk(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, out: Buffer, at: number): number {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, OPTIONS);
  const sealed = cipher.update(plaintext);
  const end = at + sealed.copy(out, at);
  freeMemory(sealed);
  cipher.final();
  return end + cipher.getAuthTag().copy(out, end);
}

/**
 * Decrypts what `sealChunk` gives into `out` from `at` on.
 *
 * @returns false for another key or nonce, after which nothing was written
 */
export function openChunk(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, out: Buffer, at: number): boolean {
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv("chacha20-poly1305", key, nonce, OPTIONS);
  decipher.setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    return false;
  }
  plaintext.copy(out, at);
  plaintext.fill(0);
  freeMemory(plaintext);
  return true;
}
