import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GitOutput, type GitPlace, gitSucceeds, recordsOf, tryGit } from "./git.ts";
import { isLackingObject, oidsOf, sizesOf } from "./objects.ts";

/** An entry of a commit's tree. */
export interface TreeEntry {
  /** The name from the tree's top; its characters are bytes. */
  readonly name: string;
  /** git's mode: `100644`, `100755`, `120000` for a symlink, `160000` for a submodule. */
  readonly mode: string;
  readonly oid: string;
  /** The size in bytes of what is stored; null for what is no blob, or is not here. */
  readonly bytes: number | null;
}

/** Everything in a revision's tree, or in a folder of it; null if it is not here. */
export function listTree(place: GitPlace, revision: string, folder?: string): TreeEntry[] | null {
  if (revision.startsWith("-")) return null; // It would be an option.
  const within = folder === undefined ? [] : ["--", `${folder}/`];
  const list = (...options: string[]): GitOutput =>
    tryGit(place, ["--literal-pathspecs", "ls-tree", "-r", ...options, "-z", "--full-tree", revision, ...within]);
  const sized = list("-l");
  if (sized.status === 0) return entriesIn(sized.stdout);
  if (!isLackingObject(sized)) return null;
  const plain = list();
  if (plain.status !== 0) return null;
  const entries = entriesIn(plain.stdout);
  const sizes = sizesOf(place, oidsOf(entries));
  return entries.map((entry) => Object.assign(entry, { bytes: sizes.get(entry.oid) ?? null }));
}

const entriesIn = (output: Buffer): TreeEntry[] =>
  recordsOf(output).map((record) => {
    const tab = record.indexOf("\t");
    const [mode = "", , oid = "", size = "-"] = record.slice(0, tab).split(/ +/);
    return { name: record.slice(tab + 1), mode, oid, bytes: /^\d+$/.test(size) ? Number(size) : null };
  });

/**
 * Gives `action` a place whose index is that of a commit, since attributes are looked up in an
 * index and the repository's own may be ahead of the commit, or not be there. Null where the
 * commit, or a part of its tree, is not here.
 */
export function withIndexOf<T>(place: GitPlace, commit: string, action: (place: GitPlace) => T): T | null {
  const folder = mkdtempSync(join(tmpdir(), "git-vault-index-"));
  try {
    const at = { ...place, env: { ...place.env, GIT_INDEX_FILE: join(folder, "index") } };
    return gitSucceeds(at, "read-tree", commit) ? action(at) : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that differs between two trees, or between a tree and the index. */
export interface Difference {
  /** Its characters are bytes. */
  readonly name: string;
  /** That of the later one; of the earlier one where the file was removed. */
  readonly mode: string;
  /** The blobs' names; null where there is no such file. */
  readonly before: string | null;
  readonly after: string | null;
}

/** How git is to tell of differences, for {@link parseDifferences}. */
export const RAW: readonly string[] = ["--raw", "-z", "--no-abbrev", "--no-renames"];

const RECORD = /^\n?:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) [A-Z]/;

const oidOf = (text: string): string | null => (/^0+$/.test(text) ? null : text);

/** What git tells with {@link RAW}; anything between the records is passed over. */
export function parseDifferences(output: Buffer): Difference[] {
  const records = recordsOf(output);
  const result: Difference[] = [];
  for (let at = 0; at + 1 < records.length; at++) {
    const match = RECORD.exec(records[at] ?? "");
    if (match === null) continue;
    const [, oldMode = "", newMode = "", before = "", after = ""] = match;
    const mode = oidOf(after) === null ? oldMode : newMode;
    result.push({ name: records[++at] ?? "", mode, before: oidOf(before), after: oidOf(after) });
  }
  return result;
}
