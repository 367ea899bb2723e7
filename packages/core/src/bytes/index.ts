/*
 * Bytes, and their SHA-256, as Node has them. In browsers the condition `browser` of package.json
 * puts browser.ts in the place of this file.
 */

export { Buffer } from "node:buffer";

/** SHA-256 (FIPS 180-4), 32 bytes; text is taken as UTF-8. */
export function sha256Of(bytes: Uint8Array | string): Buffer {
  // node:crypto takes time to load, and most of what imports this file needs no digest.
  // oxlint-disable-next-line no-restricted-globals -- a part of Node without a side effect
  return process.getBuiltinModule("node:crypto").hash("sha256", bytes, "buffer");
}
