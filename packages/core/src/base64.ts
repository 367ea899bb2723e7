import { Buffer } from "@git-vault/core/bytes";

/** Standard base64 (RFC 4648 section 4), or the same without its padding. */
export type Padding = "padded" | "unpadded";

const NO_PADDING = /={1,2}$/;

/** Encodes bytes. */
export function encodeBase64(bytes: Uint8Array, padding: Padding = "padded"): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return padding === "padded" ? text : text.replace(NO_PADDING, "");
}

/**
 * Decodes text; null unless it is exactly what `encodeBase64` gives for the decoded bytes. Buffer
 * skips foreign characters and takes the URL-safe alphabet and loose bits at the end, so only
 * encoding again shows that there is one way to write the bytes.
 */
export function decodeBase64(text: string, padding: Padding = "padded"): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return encodeBase64(bytes, padding) === text ? bytes : null;
}
