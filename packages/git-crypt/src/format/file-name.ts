import { join } from "node:path";
import { printable } from "@git-vault/core";

/**
 * A file's name in a repository, from its top folder, with `/` between folders. Names are bytes and
 * need not be text.
 */
export interface FileName {
  /** For people: as `printable` gives it, however long it is. */
  readonly path: string;
  /** The name itself. */
  readonly bytes: Buffer;
}

const bytesOf = (name: string): Buffer => Buffer.from(name, "latin1");

/** The public form of a name whose characters are bytes. */
export const fileName = (name: string): FileName => ({
  path: printable(bytesOf(name), { longest: Number.POSITIVE_INFINITY }),
  bytes: bytesOf(name),
});

/** How messages show a name whose characters are bytes. */
export const shown = (name: string): string => printable(bytesOf(name));

/** Where the file of that name lies, as the file system takes it. */
export function locate(topLevel: string, name: string): string | Buffer {
  if (/^[\x20-\x7e]*$/.test(name)) return join(topLevel, name);
  return Buffer.concat([Buffer.from(`${topLevel}/`), bytesOf(name)]);
}

/** A few names for a message, of many. */
export function someOf(names: readonly string[]): string {
  const some = names.slice(0, 3).map(shown).join(", ");
  return names.length > 3 ? `${some} and ${names.length - 3} more` : some;
}
