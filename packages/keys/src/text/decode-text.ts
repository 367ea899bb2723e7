import { Buffer } from "@git-vault/core/bytes";

/*
 * What programs that show, send and store text do to bytes, and how it is undone. One layer for
 * messages and keys: what is found in the text is for its own parser to judge.
 */

// What rich-text editors and chat programs put in unseen: soft hyphens, zero-width and direction
// marks, byte order marks, variation selectors; and NUL, of UTF-16 that was read as bytes. Made
// where it is needed: V8 takes a while to look it up.
const invisible = (): RegExp => /[\0\p{Default_Ignorable_Code_Point}]/gu;
const OTHER_SPACE = /[\t\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]/g;
const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;
const DASHES = /[\u2010-\u2015\u2212\u2E3A\u2E3B\uFE58\uFE63]/g;
/** Of terminals: colours, titles, bracketed paste, and a character that was typed over. */
const TERMINAL = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])|[^\n]?\x08/g; // oxlint-disable-line no-control-regex -- they are what is removed
const BLOCK_TAG = /<\/?(?:br|p|div|li|tr|td|pre|h\d|blockquote)\b[^<>]{0,300}>/gi;
const OTHER_TAG = /<\/?[a-z][^<>]{0,300}>/gi;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  equals: "=",
  gt: ">",
  hyphen: "-",
  lt: "<",
  nbsp: " ",
  newline: "\n",
  plus: "+",
  quot: '"',
  semi: ";",
  colon: ":",
  shy: "",
  sol: "/",
  zwnj: "",
};

/** The text that bytes are: UTF-8, or UTF-16 with a byte order mark or by its look, or Latin-1. */
export function decodeText(bytes: Uint8Array): string {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mark = all.length < 2 ? 0 : all.readUInt16BE();
  const zeros = (parity: number): number =>
    all.subarray(0, 256).filter((byte, index) => byte === 0 && index % 2 === parity).length * 4;
  const looked = Math.min(all.length, 256);
  if (mark === 0xfffe || zeros(1) > looked) return all.toString("utf16le").replace(/^\uFEFF/, "");
  if (mark === 0xfeff || zeros(0) > looked)
    return Buffer.from(all.subarray(0, all.length & ~1))
      .swap16()
      .toString("utf16le")
      .replace(/^\uFEFF/, "");
  const text = all.toString("utf8");
  const isUtf8 = !text.includes("\uFFFD") || Buffer.from(text).equals(all);
  return (isUtf8 ? text : all.toString("latin1")).replace(/^\uFEFF/, "");
}

const fromCode = (code: number): string => (code > 0 && code < 0x110000 ? String.fromCodePoint(code) : "");

const entity = (whole: string, decimal?: string, hex?: string, name?: string): string => {
  if (decimal !== undefined) return fromCode(Number(decimal));
  if (hex !== undefined) return fromCode(Number.parseInt(hex, 16));
  return ENTITIES[(name ?? "").toLowerCase()] ?? whole;
};

/**
 * The lines of a text as it was before it was shown, escaped or typeset: without what cannot be
 * seen, control sequences and HTML, with strings' escapes (`\n`, `\u002b`), full-width letters,
 * foreign line ends and dashes undone. In linear time.
 */
export function plainLines(text: string): string[] {
  return text
    .replaceAll(TERMINAL, "")
    .replaceAll(invisible(), "")
    .replaceAll(/(?<!\\)\\+u([0-9a-f]{4})/gi, (_, hex: string) => fromCode(Number.parseInt(hex, 16)))
    .replaceAll(/(?<!\\)\\+[nr]/g, "\n")
    .replaceAll(/(?<!\\)\\+([/"'t])/g, (_, character: string) => (character === "t" ? " " : character))
    .replaceAll(BLOCK_TAG, "\n")
    .replaceAll(OTHER_TAG, "")
    .replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, entity)
    .replaceAll(/[\uFF01-\uFF5E]/g, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0))
    .replaceAll(invisible(), "")
    .replaceAll(OTHER_SPACE, " ")
    .replaceAll(DASHES, "-")
    .split(LINE_END);
}

/**
 * The other texts that a text may stand for: percent-encoded as in an address or a form, and
 * quoted-printable as in mail. None where nothing looks like it.
 */
export function decodedTexts(text: string): string[] {
  const texts: string[] = [];
  if (/%(?:0A|0D|20|2B|2F|3D|3B|2D)/i.test(text)) {
    const isForm = /BEGIN\+[A-Z]/i.test(text);
    texts.push((isForm ? text.replaceAll("+", " ") : text).replaceAll(/%([0-9a-f]{2})/gi, byteText));
  }
  if (/=(?:3D|2B|2D|20|0D|0A)|=\r?\n/i.test(text))
    texts.push(text.replaceAll(/=[ \t]*\r?\n/g, "").replaceAll(/=([0-9a-f]{2})/gi, byteText));
  return texts;
}

const byteText = (_: string, hex: string): string => fromCode(Number.parseInt(hex, 16));
