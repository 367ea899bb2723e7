import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CommonPlace } from "./git.ts";
import { removeStaleLocks, replaceLocked, retry, statOf } from "./lock-files.ts";
import { SHARED } from "./write-file.ts";

/** The attributes of this clone alone, which outweigh all `.gitattributes`. */
const pathOf = ({ commonDir }: CommonPlace): string => join(commonDir, "info", "attributes");

/** The line by which git passes files of attributes through a filter of ours, in any folder. */
export const WATCHING_LINE = ".gitattributes filter=git-vault-attributes\n";

/** What the attributes of this clone alone say; empty where git reads none, or cannot. */
export function readInfoAttributes(place: CommonPlace): string {
  try {
    return readFileSync(pathOf(place), "latin1");
  } catch {
    return "";
  }
}

/**
 * Changes them: the whole file or nothing, and under a lock, so that no line of another program is
 * lost. A link stays one. Where the file is there and cannot be read, it is left as it is.
 *
 * @param change gives the new text; it is asked again where others wrote meanwhile. Characters are
 * bytes
 * @returns whether the file says what was wanted
 */
export function changeInfoAttributes(place: CommonPlace, change: (text: string) => string): boolean {
  const named = pathOf(place);
  try {
    const path = statOf(named) === undefined ? named : realpathSync(named);
    mkdirSync(dirname(path), { recursive: true, mode: SHARED.folderMode });
    return retry(() => {
      removeStaleLocks(path);
      const before = statOf(path);
      const text = before === undefined ? "" : readFileSync(path, "latin1");
      const changed = change(text);
      if (changed === text) return true;
      const mode = before === undefined ? SHARED.mode : Number(before.mode) & 0o777;
      return replaceLocked(path, before, (own) => writeFileSync(own, changed, { encoding: "latin1", mode }));
    });
  } catch {
    return false;
  }
}
