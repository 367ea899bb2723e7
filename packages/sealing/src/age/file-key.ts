import { Buffer } from "@git-vault/core/bytes";
import { openAead, sealAead, TAG_BYTES } from "#crypto";

/** The length of an age file key. */
export const FILE_KEY_BYTES = 16;
/** The length of a wrapped one. */
export const WRAPPED_BYTES: number = FILE_KEY_BYTES + TAG_BYTES;

// Each wrapping key is used once, so its nonce can be constant.
const ZERO_NONCE = Buffer.alloc(12);

/** Wraps a 16-byte file key under a wrapping key, which is overwritten. */
export function wrapFileKey(wrapKey: Buffer, fileKey: Buffer): Buffer {
  const body = sealAead("chacha20-poly1305", wrapKey, ZERO_NONCE, fileKey);
  wrapKey.fill(0);
  return body;
}

/** Unwraps a 32-byte body under a wrapping key, which is overwritten; null under the wrong key. */
export function unwrapFileKey(wrapKey: Buffer, body: Buffer): Buffer | null {
  const fileKey = openAead("chacha20-poly1305", wrapKey, ZERO_NONCE, body);
  wrapKey.fill(0);
  return fileKey;
}
