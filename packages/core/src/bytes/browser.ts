import { sha256 as digest } from "@noble/hashes/sha2.js";
import { Buffer as BrowserBuffer } from "buffer/index.js";

/*
 * What index.ts has, for browsers: the package `buffer`, which is a Uint8Array with Node's methods,
 * and SHA-256 of noble.
 */

/** Node's Buffer, without `base64url` and the pool. */
export type Buffer = globalThis.Buffer;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same methods in all that we use
export const Buffer: typeof globalThis.Buffer = BrowserBuffer as unknown as typeof globalThis.Buffer;

/** SHA-256 (FIPS 180-4), 32 bytes; text is taken as UTF-8. */
export function sha256Of(bytes: Uint8Array | string): Buffer {
  return Buffer.from(digest(typeof bytes === "string" ? Buffer.from(bytes) : bytes));
}
