import { hkdfSync } from "node:crypto";

/** HKDF with SHA-256 (RFC 5869), 32 bytes. */
export function hkdf(keyMaterial: Uint8Array, salt: Uint8Array, info: Uint8Array | string): Buffer {
  return Buffer.from(hkdfSync("sha256", keyMaterial, salt, info, 32));
}
