/*
 * The cryptography that the parts of this package share which browsers run as well: node:crypto's.
 * In browsers the name `#crypto` means browser.ts, which has the same functions; see `imports` in
 * package.json.
 */

import { encryptOaepSync } from "./rsa-oaep.ts";

export { randomBytes, timingSafeEqual } from "node:crypto";
export { type Aead, NONCE_BYTES, openAead, openChunk, sealAead, sealChunk, TAG_BYTES } from "./aead.ts";
export { hkdf, hmac } from "./hashes.ts";
export { generateX25519, publicScalar, x25519, type X25519PrivateKey, x25519PublicKey } from "./x25519.ts";

/** As rsa-oaep.ts has it; browsers give a promise. */
export const encryptOaep: (...parameters: Parameters<typeof encryptOaepSync>) => Buffer | Promise<Buffer> =
  encryptOaepSync;
