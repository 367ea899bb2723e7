import { malformed } from "../errors.ts";

/*
 * The outer form of OpenPGP data (RFC 9580): a sequence of packets, in binary or in ASCII armor.
 * openpgp.js reads what is in a packet.
 */

/** One packet (section 4). */
export interface OpenPgpPacket {
  /** Its type ID: 1 for a session key that is encrypted to a public key, 6 for a public key, … */
  readonly tag: number;
  /** What the header announces; for a body that comes in parts, only the first of them. */
  readonly body: Buffer;
  /** Where in the bytes it begins. */
  readonly start: number;
  /** Where the next one begins; null for a body that comes in parts or has no announced length. */
  readonly end: number | null;
}

/** One block of ASCII armor (section 6.2). */
export interface OpenPgpArmor {
  /** What the begin line calls it, such as `PUBLIC KEY BLOCK` or `MESSAGE`. */
  readonly kind: string;
  readonly bytes: Buffer;
}

/** The packets that a key begins with. */
export const PUBLIC_KEY = 6;
export const SECRET_KEY = 5;

const MARK = /-----(?:BEGIN PGP ([A-Z ]{1,40})-----[ \t]*\r?\n|END PGP ([A-Z ]{1,40})-----)/g;
const HEADER = /^[A-Za-z][\w-]*: /;

/** Whether a text begins with a block of OpenPGP armor. */
export const isOpenPgpArmor = (text: string): boolean => /^[\s\uFEFF]*-----BEGIN PGP /.test(text);

/** Whether bytes begin as a key of that kind does, in binary or in armor. */
export function beginsAsKey(bytes: Uint8Array, kind: "PUBLIC" | "PRIVATE"): boolean {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [, armored] =
    /^(?:\xEF\xBB\xBF)?\s*-----BEGIN PGP ([A-Z]+) KEY BLOCK-----/.exec(all.toString("latin1", 0, 4096)) ?? [];
  if (armored !== undefined) return armored === kind;
  try {
    const [first] = readOpenPgpPackets(all);
    const isKey = first?.tag === (kind === "PUBLIC" ? PUBLIC_KEY : SECRET_KEY);
    return isKey && [3, 4, 5, 6].includes(first.body[0] ?? 0);
  } catch {
    return false;
  }
}

/**
 * Reads every block of armor in a text and skips what is between them. As the standard says, the
 * checksum is ignored: what is inside is authenticated by itself.
 *
 * @throws KeyError `MALFORMED_KEY` for a block that is not base64
 */
export function readOpenPgpArmor(text: string): OpenPgpArmor[] {
  const blocks: OpenPgpArmor[] = [];
  // Where the blocks began that are not ended yet, by kind: one pass, whatever the marks are.
  const begun = new Map<string, number>();
  for (const { 0: mark, 1: begins, 2: ends, index } of text.matchAll(MARK)) {
    if (begins !== undefined && !begun.has(begins)) begun.set(begins, index + mark.length);
    const start = ends === undefined ? undefined : begun.get(ends);
    if (ends === undefined || start === undefined) continue;
    blocks.push({ kind: ends, bytes: decode(text.slice(start, index)) });
    begun.clear();
  }
  return blocks;
}

function decode(content: string): Buffer {
  const lines = content.split("\n").map((line) => line.trim());
  const blank = lines.indexOf("");
  // A blank line ends the headers; some programs leave it out if there are none.
  const body = HEADER.test(lines[0] ?? "") ? lines.slice(blank + 1) : lines;
  const base64 = body.filter((line) => line !== "" && !/^=[A-Za-z0-9+/]{4}$/.test(line)).join("");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.replace(/=+$/, "").length % 4 === 1) {
    throw damaged("its armor is not base64");
  }
  return Buffer.from(base64, "base64");
}

/**
 * Reads packets one after another, until one whose end is not announced.
 *
 * @throws KeyError `MALFORMED_KEY` for what is no header, or a packet that is cut short
 */
export function* readOpenPgpPackets(bytes: Buffer): Generator<OpenPgpPacket, void, undefined> {
  for (let start = 0; start < bytes.length;) {
    const { tag, header, length } = readHeader(bytes, start);
    const body = start + header;
    const end = length === null ? null : body + length;
    if (end !== null && end > bytes.length) throw damaged("it is cut short");
    yield { tag, start, end, body: bytes.subarray(body, end ?? bytes.length) };
    if (end === null) return;
    start = end;
  }
}

/** The packet's header at that place (sections 4.2.1 and 4.2.2); an unannounced length is null. */
function readHeader(bytes: Buffer, at: number): { tag: number; header: number; length: number | null } {
  const first = bytes[at] ?? 0;
  if ((first & 0x80) === 0) throw damaged("a packet does not begin where one should");
  if ((first & 0x40) === 0) {
    const tag = (first >> 2) & 15;
    if ((first & 3) === 3) return { tag, header: 1, length: null };
    const size = 1 << (first & 3);
    return { tag, header: 1 + size, length: readNumber(bytes, at + 1, size) };
  }
  const tag = first & 63;
  const one = readNumber(bytes, at + 1, 1);
  if (one < 192) return { tag, header: 2, length: one };
  if (one < 224) return { tag, header: 3, length: ((one - 192) << 8) + readNumber(bytes, at + 2, 1) + 192 };
  if (one < 255) return { tag, header: 2, length: null };
  return { tag, header: 6, length: readNumber(bytes, at + 2, 4) };
}

function readNumber(bytes: Buffer, at: number, size: number): number {
  if (at + size > bytes.length) throw damaged("it is cut short");
  return bytes.readUIntBE(at, size);
}

const damaged = (why: string): Error => malformed("OpenPGP data", why);
