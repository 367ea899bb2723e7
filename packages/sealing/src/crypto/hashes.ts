import { createHmac, hkdfSync } from "node:crypto";

/** HMAC with SHA-256 (RFC 2104), 32 bytes. */
export function hmac(key: Uint8Array, message: Uint8Array): Buffer {
  return createHmac("sha256", key).update(message).digest();
}

/** HKDF with SHA-256 (RFC 5869), 32 bytes unless told otherwise. */
export function hkdf(keyMaterial: Uint8Array, salt: Uint8Array, info: Uint8Array | string, length = 32): Buffer {
  return Buffer.from(hkdfSync("sha256", keyMaterial, salt, info, length));
}
