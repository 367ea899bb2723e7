/** Standard base64 (RFC 4648 section 4), or the same without its padding. */
export type Padding = "padded" | "unpadded";

const NO_PADDING = /={1,2}$/;

/** Encodes bytes. */
export function encodeBase64(bytes: Uint8Array, padding: Padding): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return padding === "padded" ? text : text.replace(NO_PADDING, "");
}

/** Decodes text; null where it is not exactly what `encodeBase64` gives for the decoded bytes. */
export function decodeBase64(text: string, padding: Padding): Buffer | null {
  // Buffer skips over foreign characters and takes the URL-safe alphabet too, so only encoding
  // again tells what came.
  const bytes = Buffer.from(text, "base64");
  return encodeBase64(bytes, padding) === text ? bytes : null;
}

/**
 * Cuts text into lines of `columns` characters, of which the last may be shorter; none for empty
 * text.
 */
export function wrapLines(text: string, columns = 64): string[] {
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += columns) lines.push(text.slice(at, at + columns));
  return lines;
}
