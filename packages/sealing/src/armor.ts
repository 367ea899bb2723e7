import { decodeBase64, encodeBase64, wrapLines } from "./base64.ts";
import { malformed } from "./malformed.ts";

/*
 * The text form of an age message (C2SP age.md, "ASCII armor"): strict PEM (RFC 7468 section 3).
 */

const BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----";
const END = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS = 64;

/** Writes the text form: lines of 64 characters, each ended by LF. */
export function encodeArmor(message: Uint8Array): Buffer {
  return Buffer.from(wrapArmor(encodeBase64(message, "padded")));
}

/** Puts base64 into lines between the begin and the end line. */
export function wrapArmor(base64: string): string {
  return [BEGIN, ...wrapLines(base64, COLUMNS), END, ""].join("\n");
}

/**
 * Reads the text form. Line ends may be CRLF, and white space may surround the whole; nothing else is tolerated.
 *
 * Throws SealingError `MALFORMED_MESSAGE`.
 */
export function decodeArmor(text: Uint8Array): Buffer {
  const lines = linesOf(text);
  if (lines[0] !== BEGIN) throw malformed("its first line is not the begin line of age's armor and nothing else");
  if (lines.at(-1) !== END) throw malformed("its last line is not the end line of age's armor and nothing else");
  const body = lines.slice(1, -1);
  const last = body.pop() ?? "";
  const isWrapped = body.every((line) => line.length === COLUMNS) && last.length <= COLUMNS;
  if (!isWrapped || (last === "" && lines.length > 2)) {
    throw malformed(`its armor is not in lines of ${COLUMNS} characters, of which the last may be shorter`);
  }
  const message = decodeBase64([...body, last].join(""), "padded");
  if (message === null) throw malformed("its armor is not canonical padded base64");
  return message;
}

const linesOf = (text: Uint8Array): string[] =>
  Buffer.from(text.buffer, text.byteOffset, text.byteLength)
    .toString("latin1")
    .trim()
    .split("\n")
    .map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
