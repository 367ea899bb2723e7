import { parseHeader } from "./age/header.ts";
import { decodeArmor, wrapArmor } from "./age/armor.ts";
import { wrapLines } from "@git-vault/core";
import { viewOf } from "./buffers.ts";
import { readHeader } from "./open.ts";
import { recoverVault } from "./ssh-vault/recover.ts";

// What rich-text editors and chat programs put in unseen: soft hyphens, zero-width and direction
// marks, byte order marks.
const INVISIBLE = /[\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g;
const OTHER_SPACE = /[\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000\t]/g;
const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;
const QUOTATION = /^[ >`]+/;
const UTF16_LITTLE_ENDIAN = Buffer.from([0xff, 0xfe]);

const BEGIN = /BEGIN\s*AGE\s*ENCRYPTED\s*FILE/g;
const END = /END\s*AGE\s*ENCRYPTED\s*FILE/g;
// Nothing of this is in base64's alphabet: white space, quotation marks, and dashes, which editors
// join into longer ones.
const NOISE = /[\s>`\u2010-\u2015\u2212-]/g;

/**
 * Undoes what chat and mail programs do to a message in text form, so that it can be opened: byte
 * order marks, foreign line ends, indentation, `> ` quotation, Markdown code fences, non-breaking
 * and invisible characters, moved or lost line breaks, text before and after the message. The first
 * message in the text is returned in its own format's usual lines.
 *
 * A message that is whole, or binary, or not recognised is returned as it came. It throws for no
 * bytes, and what it returns may still be malformed or tampered with: only `open` can tell.
 */
export function recoverMessage(message: Uint8Array): Buffer {
  const input = viewOf(message);
  if (isWhole(input)) return input;
  const lines = linesOf(input);
  const text = lines.join("\n");
  const recovered = recoverArmor(text) ?? recoverOpenPgp(text) ?? recoverVault(lines);
  return recovered === null ? input : Buffer.from(recovered);
}

const isWhole = (input: Buffer): boolean => {
  try {
    readHeader(input);
    return true;
  } catch {
    return input.toString("latin1", 0, 22) === "age-encryption.org/v1\n";
  }
};

const linesOf = (input: Buffer): string[] => {
  const isUtf16 = input.subarray(0, 2).equals(UTF16_LITTLE_ENDIAN);
  return input
    .toString(isUtf16 ? "utf16le" : "utf8")
    .replaceAll(INVISIBLE, "")
    .replaceAll(OTHER_SPACE, " ")
    .split(LINE_END)
    .map((line) => trimEnd(line.replace(QUOTATION, "")));
};

const trimEnd = (line: string): string => {
  let end = line.length;
  while (end > 0 && (line[end - 1] === " " || line[end - 1] === "`")) end -= 1;
  return line.slice(0, end);
};

/** The first armored message that parses, else the first with both marks; or null. */
const recoverArmor = (text: string): string | null => {
  const begins = [...text.matchAll(BEGIN)].map(({ index, 0: mark }) => index + mark.length);
  const candidates: string[] = [];
  let next = 0;
  for (const { index: end } of text.matchAll(END)) {
    // The nearest begin line before this end line that no earlier end line has taken.
    let start: number | undefined;
    for (; next < begins.length && (begins[next] ?? 0) <= end; next += 1) start = begins[next];
    if (start !== undefined) candidates.push(wrapArmor(text.slice(start, end).replaceAll(NOISE, "")));
  }
  return candidates.find(parses) ?? candidates[0] ?? null;
};

const parses = (armor: string): boolean => {
  try {
    parseHeader(decodeArmor(Buffer.from(armor)));
    return true;
  } catch {
    return false;
  }
};

const OPENPGP_BEGIN = /BEGIN\s*PGP\s*MESSAGE/;
const OPENPGP_END = /END\s*PGP\s*MESSAGE/;
const OPENPGP_HEADERS = /^(?:Version|Comment|Hash|Charset|MessageID): .*$/gm;

/** The first armored OpenPGP message; null if there is none. */
const recoverOpenPgp = (text: string): string | null => {
  // One pattern for both marks would look for the end once for each beginning.
  const begin = OPENPGP_BEGIN.exec(text);
  if (begin === null) return null;
  const rest = text.slice(begin.index + begin[0].length);
  const end = OPENPGP_END.exec(rest);
  if (end === null) return null;
  const content = rest.slice(0, end.index);
  const base64 = content.replaceAll(OPENPGP_HEADERS, "").replaceAll(NOISE, "");
  // The checksum, which nothing needs, begins with a padding character where none belongs.
  const whole = base64.replace(/=[A-Za-z0-9+/]{4}$/, "");
  return ["-----BEGIN PGP MESSAGE-----", "", ...wrapLines(whole, 64), "-----END PGP MESSAGE-----", ""].join("\n");
};
