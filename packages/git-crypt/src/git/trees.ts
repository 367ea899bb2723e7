import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GitCryptError } from "../errors.ts";
import { type GitPlace, gitSucceeds, recordsOf, tryGit } from "./git.ts";
import { oidsOf, sizesOf } from "./objects.ts";

/** An entry of a commit's tree. */
export interface TreeEntry {
  /** The name from the tree's top; its characters are bytes. */
  readonly name: string;
  /** git's mode: `100644`, `100755`, `120000` for a symlink, `160000` for a submodule. */
  readonly mode: string;
  readonly oid: string;
}

/** The same, with the size of what is stored in bytes; null for no blob, or one not here. */
export type SizedTreeEntry = TreeEntry & { readonly bytes: number | null };

/** So many bytes are listed of a tree: those of some two million files. */
const MOST_LISTED = 256 * 1024 * 1024;

/** Of which folder of a tree what is listed. */
export interface ListTreeOptions {
  /** The folder; the whole tree where it is left out. */
  readonly folder?: string | undefined;
  /** Whether folders in it are passed over: they may have any number of names below. */
  readonly isFlat?: boolean | undefined;
  /** In bytes. */
  readonly most?: number | undefined;
}

/**
 * Everything in a revision's tree, or in a folder of it; null if it is not here.
 *
 * A few kilobytes of trees make any number of names, where each names another a hundred times: such
 * a list has an end here.
 *
 * @throws GitCryptError TOO_MANY_FILES
 */
export function listTree(place: GitPlace, revision: string, options: ListTreeOptions = {}): TreeEntry[] | null {
  const { folder, isFlat = false, most = MOST_LISTED } = options;
  if (revision.startsWith("-")) return null; // It would be an option.
  const within = folder === undefined ? [] : ["--", `${folder}/`];
  const depth = isFlat ? [] : ["-r"];
  const args = ["--literal-pathspecs", "ls-tree", ...depth, "-z", "--full-tree", revision, ...within];
  const { status, stdout } = tryGit(place, args, undefined, most);
  if (stdout.length >= most) {
    throw new GitCryptError(
      "TOO_MANY_FILES",
      `${folder ?? "a commit"} lists more files than can be read: ${revision}`,
      {
        hint: "nothing was done; find the folder with `git ls-tree`, and take the commit that brought it off the branch",
      },
    );
  }
  if (status !== 0) return null;
  const entries = recordsOf(stdout).map(entryIn);
  return isFlat ? entries.filter(({ mode }) => mode !== TREE_MODE) : entries;
}

const TREE_MODE = "040000";

/** As `listTree`, with sizes: git opens each object for them. */
export function listSizedTree(place: GitPlace, revision: string): SizedTreeEntry[] | null {
  const entries = listTree(place, revision);
  if (entries === null) return null;
  const sizes = sizesOf(place, oidsOf(entries));
  return entries.map((entry) => Object.assign(entry, { bytes: sizes.get(entry.oid) ?? null }));
}

function entryIn(record: string): TreeEntry {
  const tab = record.indexOf("\t");
  const [mode = "", , oid = ""] = record.slice(0, tab).split(" ");
  return { name: record.slice(tab + 1), mode, oid };
}

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

/**
 * How git is to tell of differences, for {@link parseDifferences}. Without `-O` it would end where
 * `diff.orderFile` names a file that is not there.
 */
export const RAW: readonly string[] = ["--raw", "-z", "--no-abbrev", "--no-renames", "-O/dev/null"];

const RECORD = /^\n?:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) [A-Z]/;

const oidOf = (text: string): string | null => (/^0+$/.test(text) ? null : text);

const COMMIT = /^\n?[0-9a-f]{40,64}$/;

/** What git tells with {@link RAW}; anything between the records is passed over. */
export const parseDifferences = (output: Buffer): Difference[] => parseCommits(output).flat();

/** The same, commit by commit, where git also tells of each with `--format=%H`. */
export function parseCommits(output: Buffer): Difference[][] {
  const records = recordsOf(output);
  let current: Difference[] = [];
  const commits = [current];
  for (let at = 0; at < records.length; at++) {
    const record = records[at] ?? "";
    const match = RECORD.exec(record);
    if (match !== null) {
      const [, oldMode = "", newMode = "", before = "", after = ""] = match;
      const mode = oidOf(after) === null ? oldMode : newMode;
      current.push({ name: records[++at] ?? "", mode, before: oidOf(before), after: oidOf(after) });
    } else if (COMMIT.test(record)) commits.push((current = []));
  }
  return commits;
}
