import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";

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

/** HKDF with SHA-256 (RFC 5869), 32 bytes. */
export function hkdf(keyMaterial: Uint8Array, salt: Uint8Array, info: Uint8Array | string): Buffer {
  return Buffer.from(hkdfSync("sha256", keyMaterial, salt, info, 32));
}
