import { GitCryptError } from "../errors.ts";
import { areWords, type GitPlace, listOf, recordsOf, runGit } from "./git.ts";
import { DEFAULT_KEY_NAME, isKeyName } from "../format/key-name.ts";
import { isWithin, VAULT_FOLDER } from "./own-folders.ts";

/** An entry of the index. The characters of `name` are bytes. */
export interface IndexEntry {
  readonly name: string;
  /** git's mode: `100644`, `100755`, `120000` for a symlink, `160000` for a submodule. */
  readonly mode: string;
  readonly oid: string;
  /** 0, or 1 to 3 for the sides of a conflict. */
  readonly stage: number;
  /** Whether git keeps it out of the work tree: a sparse checkout. */
  readonly skipped: boolean;
}

/** An entry whose attributes name a key. */
export interface ProtectedEntry extends IndexEntry {
  readonly keyName: string;
}

/** The place of a repository that has a work tree. */
export interface WorkTreePlace extends GitPlace {
  readonly topLevel: string;
}

/** @throws GitCryptError NO_WORK_TREE for a bare repository. */
export function assertWorkTree<T extends GitPlace>(place: T): asserts place is T & WorkTreePlace {
  if (place.topLevel !== null) return;
  throw new GitCryptError("NO_WORK_TREE", "expected a repository with a work tree, got a bare one or its .git folder", {
    hint: "change to the work tree, or clone the repository first",
  });
}

export const isRegular = ({ mode }: { readonly mode: string }): boolean => mode.startsWith("100");

const FILTER = "git-crypt";

/** The name of the filter, and of the diff and merge drivers, of a key. */
export const filterOf = (keyName: string): string => (keyName === DEFAULT_KEY_NAME ? FILTER : `${FILTER}-${keyName}`);

/** The key that a filter stands for; null for other filters. */
export function keyNameOf(filter: string): string | null {
  if (filter === FILTER) return DEFAULT_KEY_NAME;
  const name = filter.startsWith(`${FILTER}-`) ? filter.slice(FILTER.length + 1) : "";
  return isKeyName(name) && name !== DEFAULT_KEY_NAME ? name : null;
}

/** Whether a name is one of `paths`, or lies in such a folder; any is where there are none. */
function findsWithin(paths: readonly string[]): (name: string) => boolean {
  if (paths.length === 0) return () => true;
  const wanted = new Set(paths.map((path) => path.replace(/\/$/, "")));
  return (name) => {
    for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1))
      if (wanted.has(name.slice(0, end))) return true;
    return false;
  };
}

/** The index: the whole of it, or what lies at or below `paths`, whose characters are bytes. */
export function listIndex(place: GitPlace, ...paths: readonly string[]): IndexEntry[] {
  // What is remembered whole is not asked for in parts.
  const asked = place.answers === undefined && areWords(paths) ? paths : [];
  const records = recordsOf(runGit(place, ["--literal-pathspecs", "ls-files", "-t", "-s", "-z", "--", ...asked]));
  const isWanted = findsWithin(paths);
  return records.flatMap((record) => {
    const tab = record.indexOf("\t");
    const name = record.slice(tab + 1);
    if (!isWanted(name)) return [];
    const [tag = "", mode = "", oid = "", stage = ""] = record.slice(0, tab).split(" ");
    return [{ name, mode, oid, stage: Number(stage), skipped: tag === "S" }];
  });
}

/** What takes an entry's place in the index. */
export interface NewEntry {
  readonly name: string;
  /** As git writes it; `0` removes the entry, whatever its oid. */
  readonly mode: string;
  readonly oid: string;
  readonly skipped: boolean;
}

/** An entry with another blob. */
export const withBlob = ({ name, mode, skipped }: IndexEntry, oid: string): NewEntry => ({ name, mode, oid, skipped });

/** Adds entries, those outside a sparse checkout as such. git re-reads their files. */
export function putEntries(place: GitPlace, entries: readonly NewEntry[]): void {
  if (entries.length === 0) return;
  const records = entries.map(({ name, mode, oid }) => `${mode} ${oid}${mode === "0" ? "" : " 0"}\t${name}`);
  runGit(place, ["update-index", "-z", "--index-info"], listOf(records));
  const skipped = entries.filter((entry) => entry.skipped && entry.mode !== "0").map(({ name }) => name);
  if (skipped.length > 0) runGit(place, ["update-index", "-z", "--skip-worktree", "--stdin"], listOf(skipped));
}

/** git's answers, in order: a name, an attribute, and its value. */
function askAttributes(
  place: GitPlace,
  names: readonly string[],
  attributes: readonly string[],
  from: "index" | "work tree" = "work tree",
): string[] {
  if (names.length === 0) return [];
  const cached = from === "index" ? ["--cached"] : [];
  return recordsOf(runGit(place, ["check-attr", ...cached, "--stdin", "-z", ...attributes], listOf(names)));
}

/** The values of `attributes` for `names`, in order, read `from` the index or work tree. */
export function attributesOf(
  place: GitPlace,
  names: readonly string[],
  attributes: readonly string[],
  from?: "index" | "work tree",
): string[][] {
  const records = askAttributes(place, names, attributes, from);
  const width = attributes.length;
  return names.map((_, at) => attributes.map((__, index) => records[3 * (at * width + index) + 2] ?? "unspecified"));
}

/** The names of the keys that protect files of the index, each once. */
export const protectedKeyNames = (place: GitPlace): string[] => [
  ...new Set(listProtected(place).map(({ keyName }) => keyName)),
];

/** The protected entries of the index, with symlinks, submodules and conflict sides. */
export function listProtected(place: GitPlace, from?: "index" | "work tree"): ProtectedEntry[] {
  return withKeyNames(place, listIndex(place), from);
}

/**
 * Those of `entries` that lie on protected paths, with the values of further `attributes`. The own
 * folder is none, whatever attributes somebody wrote: it is to be read by who has no key yet.
 */
export function withKeyNames<T extends { readonly name: string }>(
  place: GitPlace,
  entries: readonly T[],
  from?: "index" | "work tree",
  attributes: readonly string[] = [],
): (T & { readonly keyName: string; readonly values: readonly string[] })[] {
  const all = attributesOf(
    place,
    entries.map(({ name }) => name),
    ["filter", ...attributes],
    from,
  );
  return entries.flatMap((entry, at) => {
    const [filter = "", ...values] = all[at] ?? [];
    const keyName = keyNameAt(entry.name, filter);
    return keyName === null ? [] : [{ ...entry, keyName, values }];
  });
}

/** The filter of each of `names`, in order, as git says it; read `from` the index or work tree. */
export function filtersOf(place: GitPlace, names: readonly string[], from?: "index" | "work tree"): string[] {
  const records = askAttributes(place, names, ["filter"], from);
  return names.map((_, at) => records[3 * at + 2] ?? "unspecified");
}

/** The key by which a filter protects a path; null where it does not, as in the own folder. */
export function keyNameAt(name: string, filter: string | undefined): string | null {
  // The folder is looked at last: most paths have no filter of ours.
  const keyName = filter === undefined ? null : keyNameOf(filter);
  return keyName === null || isWithin([VAULT_FOLDER], name) ? null : keyName;
}
