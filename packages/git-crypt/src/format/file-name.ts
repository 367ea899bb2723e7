import { join } from "node:path";

/**
 * A file's name in a repository, from its top folder, with `/` between folders. Names are bytes and
 * need not be text.
 */
export interface FileName {
  /**
   * For people: UTF-8 where it is that; control characters and other bytes as `\xNN`, a backslash
   * doubled.
   */
  readonly path: string;
  /** The name itself. */
  readonly bytes: Buffer;
}

const isPlain = (name: string): boolean => /^[\x20-\x5b\x5d-\x7e]*$/.test(name);

const escaped = (bytes: Iterable<number>): string =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

/** Control characters, and those that change how the text around them is shown. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The printable form of a name whose characters are bytes. Two names never have the same. */
export function printable(name: string): string {
  if (isPlain(name)) return name;
  const bytes = Buffer.from(name, "latin1");
  const text = bytes.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(bytes)) {
    return [...bytes]
      .map((byte) => (byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCodePoint(byte) : escaped([byte])))
      .join("");
  }
  return text.replaceAll("\\", "\\\\").replaceAll(UNSAFE, (character) => escaped(Buffer.from(character)));
}

/** The public form of a name whose characters are bytes. */
export const fileName = (name: string): FileName => ({ path: printable(name), bytes: Buffer.from(name, "latin1") });

/** Where the file of that name lies, as the file system takes it. */
export function locate(topLevel: string, name: string): string | Buffer {
  if (isPlain(name)) return join(topLevel, name);
  return Buffer.concat([Buffer.from(`${topLevel}/`), Buffer.from(name, "latin1")]);
}

/** A few names for a message, of many. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(printable).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
