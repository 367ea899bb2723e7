import { Buffer, sha256Of } from "@git-vault/core/bytes";

/*
 * Names that come from outside (files of a commit, comments of keys, accounts) reach a terminal, a
 * log and a reviewer. They are data: they must not move the cursor, and no name may pass for
 * another.
 */

/**
 * What cannot be seen, or changes how the text around it is shown: control and format characters,
 * lone surrogates, blanks other than the space, and the space itself at either end.
 */
const unsafe = (): RegExp =>
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}|^ | $/gu;
/** In text that is not in the composed form (NFC), a mark may look like a composed letter. */
const marks = (): RegExp => /\p{M}/gu;
/** What needs no such look, which takes V8 a millisecond the first time: visible ASCII. */
const PLAIN = /^(?! )[ -~]*(?<! )$/;
/** What only an escaped or a shortened name may hold. */
const LIKE_ESCAPED = /\\[x…]/;
/** In characters. */
const LONGEST = 200;

const escapeBytes = (bytes: Iterable<number>): string =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

/** Of a lone surrogate, which UTF-8 cannot hold: what its three bytes would be. */
const bytesOf = (character: string): Iterable<number> => {
  const code = character.charCodeAt(0);
  const isLone = character.length === 1 && (code & 0xf800) === 0xd800;
  return isLone ? [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)] : Buffer.from(character);
};

const escapeCharacter = (character: string): string => escapeBytes(bytesOf(character));

function escapeName(text: string): string {
  const isLikeEscaped = LIKE_ESCAPED.test(text);
  if (!isLikeEscaped && PLAIN.test(text)) return text;
  const isComposed = text === text.normalize();
  if (!isLikeEscaped && isComposed && text.search(unsafe()) === -1) return text;
  const escaped = text.replaceAll("\\", "\\\\").replaceAll(unsafe(), escapeCharacter);
  return isComposed ? escaped : escaped.replaceAll(marks(), escapeCharacter);
}

/** A name of bytes that are not UTF-8: what is not ASCII is escaped. */
const escapeRaw = (bytes: Uint8Array): string =>
  [...bytes]
    .map((byte) =>
      byte === 0x5c ? "\\\\" : byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : escapeBytes([byte]),
    )
    .join("");

/** Keeps the start, and tells names apart by their SHA-256. */
function shorten(name: string, longest: number): string {
  if (name.length <= longest) return name;
  return `${name.slice(0, longest - 20)}\\…${sha256Of(name).toString("hex", 0, 8)}`;
}

/** How a name is shown. An object, so that `names.map(printable)` gives no index for a length. */
export interface PrintableOptions {
  /** In characters: 200 where it is left out; Infinity where programs read the name as well. */
  readonly longest?: number;
}

/**
 * The form in which a name from outside is shown to people: as it is where that is safe, else with
 * `\xNN` for each byte that is not, and with each backslash doubled. A longer name ends with the
 * first 64 bits of its SHA-256. Two different names never print alike.
 *
 * @param name text, or bytes that may be UTF-8, such as git's file names
 */
export function printable(name: string | Uint8Array, { longest = LONGEST }: PrintableOptions = {}): string {
  if (typeof name === "string") return shorten(escapeName(name), longest);
  const text = Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString("utf8");
  return shorten(Buffer.from(text).equals(name) ? escapeName(text) : escapeRaw(name), longest);
}
