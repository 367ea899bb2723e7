import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { locate } from "../format/file-name.ts";
import { filterLines, type FilterLine, type Macros, macrosIn } from "./attribute-lines.ts";
import { commitOf, type CommonPlace, type GitPlace, recordsOf, runGit, typedSetting } from "./git.ts";
import { readInfoAttributes, WATCHING_LINE } from "./info-attributes.ts";
import { oidsOf } from "./objects.ts";
import { type IndexEntry, isRegular, listIndex } from "./protected-files.ts";
import { readSmallBlobs } from "./tracked-files.ts";

/** What all files of attributes say of filters at one time, by the path of each. */
export type AttributeState = ReadonlyMap<string, readonly FilterLine[]>;

/** In bytes: git itself reads no larger file of attributes. */
export const MOST_ATTRIBUTES: number = 100 * 1024 * 1024;

export const ATTRIBUTES_FILE = ".gitattributes";

export const isAttributesFile = (name: string): boolean =>
  name === ATTRIBUTES_FILE || name.endsWith(`/${ATTRIBUTES_FILE}`);

/** All files of attributes below the top folder. */
export const ATTRIBUTES_PATHSPEC: string = `:(top,glob)**/${ATTRIBUTES_FILE}`;

function readText(path: string | Buffer): string | null {
  try {
    const bytes = readFileSync(path);
    return bytes.length > MOST_ATTRIBUTES ? null : bytes.toString("latin1");
  } catch {
    return null;
  }
}

/**
 * The files of attributes outside of the work tree that git reads: they win over, or yield. Without
 * the line of ours that leads git to a filter for files of attributes themselves.
 */
export function readOutside(place: CommonPlace): { strongest: string; weakest: string } {
  const home = place.env["XDG_CONFIG_HOME"] ?? join(place.env["HOME"] ?? "", ".config");
  const global = typedSetting(place, "core.attributesFile", "path") ?? join(home, "git/attributes");
  return {
    strongest: readInfoAttributes(place).replace(WATCHING_LINE, ""),
    weakest: readText(global) ?? "",
  };
}

/** A file of attributes, as the index and the work tree have it. */
export interface AttributesFile {
  readonly name: string;
  readonly text: string;
}

/** What can be asked of the attributes that are there now. */
export interface PresentAttributes {
  /** As git uses them when it adds a file: of the work tree, else of the index. */
  readonly used: readonly AttributesFile[];
  readonly staged: readonly AttributesFile[];
}

const folderOf = (name: string): string => name.slice(0, Math.max(name.lastIndexOf("/"), 0));

/** The files of attributes that folders may have. */
export const attributesFilesIn = (folders: Iterable<string>): string[] =>
  [...folders].map((folder) => (folder === "" ? ATTRIBUTES_FILE : `${folder}/${ATTRIBUTES_FILE}`));

/** The folders that names lie in, with those above, from the top, which is the empty name. */
export function foldersOf(names: Iterable<string>): Set<string> {
  const folders = new Set([""]);
  for (const name of names) {
    let folder = name;
    do folder = folderOf(folder);
    while (!folders.has(folder) && folders.add(folder));
  }
  return folders;
}

/**
 * The files of attributes that git reads for some names: those of the work tree, tracked, untracked
 * or ignored, or where they are not there those of the index.
 *
 * @param index the whole of it, or all of its files of attributes
 * @param seen blobs that were read, those of these files among them; null where none were
 */
export function readPresent(
  place: GitPlace,
  index: readonly IndexEntry[],
  names: readonly string[],
  seen: ReadonlyMap<string, Buffer> | null = null,
): PresentAttributes {
  const folders = foldersOf(names);
  const tracked = index.filter(
    (entry) => isRegular(entry) && isAttributesFile(entry.name) && folders.has(folderOf(entry.name)),
  );
  const blobs = seen ?? readSmallBlobs(place, oidsOf(tracked), MOST_ATTRIBUTES);
  const staged = tracked.map(({ name, oid }) => ({ name, text: blobs.get(oid)?.toString("latin1") ?? "" }));
  const { topLevel } = place;
  if (topLevel === null) return { used: staged, staged };
  const used = new Map(staged.map(({ name, text }) => [name, text]));
  for (const name of attributesFilesIn(folders)) {
    const path = locate(topLevel, name);
    const text = lstatSync(path, { throwIfNoEntry: false })?.isFile() === true ? readText(path) : null;
    if (text !== null) used.set(name, text);
  }
  return { used: [...used].map(([name, text]) => ({ name, text })), staged };
}

/** The same of the files that are tracked, in a repository whose index was not listed. */
export function listPresent(place: GitPlace): PresentAttributes {
  const names = recordsOf(
    runGit(place, ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ATTRIBUTES_PATHSPEC]),
  );
  return readPresent(place, names.length === 0 ? [] : listIndex(place, ...names), names);
}

function stateOf(files: readonly AttributesFile[], macros: Macros): AttributeState {
  return new Map(files.map(({ name, text }) => [name, filterLines(text, macros)]));
}

const textsOf = (files: readonly AttributesFile[]): string[] => files.map(({ text }) => text);

/** The state of `files`; git takes macros from files at the top alone, where the others fail. */
const stateAlone = (files: readonly AttributesFile[]): AttributeState =>
  stateOf(files, macrosIn(textsOf(files.filter(({ name }) => name === ATTRIBUTES_FILE))));

/**
 * All lines of now that assign `filter`: those that git uses, and from outside of the work tree.
 */
export const presentLines = (place: CommonPlace, files: readonly AttributesFile[]): FilterLine[] => {
  const [state] = presentStates(place, { used: files, staged: [] });
  return state === undefined ? [] : [...state.values()].flat();
};

/** The texts of now: those that git uses, and from outside of the work tree. */
export function presentTexts(place: CommonPlace, files: readonly AttributesFile[]): string[] {
  const { strongest, weakest } = readOutside(place);
  return [weakest, ...textsOf(files), strongest];
}

/** The states of now: of what git uses, with what lies outside of the work tree, and the index. */
export function presentStates(place: CommonPlace, { used, staged }: PresentAttributes): AttributeState[] {
  const { strongest, weakest } = readOutside(place);
  const top = used.find(({ name }) => name === ATTRIBUTES_FILE)?.text ?? "";
  const macros = macrosIn([weakest, top, strongest]);
  const state = new Map(stateOf(used, macros));
  const atTop = [weakest, top, strongest].flatMap((text) => filterLines(text, macros));
  return [state.set(ATTRIBUTES_FILE, atTop), stateAlone(staged)];
}

/** Whether a clone lacks older commits. */
export const isShallow = ({ commonDir }: CommonPlace): boolean => existsSync(join(commonDir, "shallow"));

/**
 * The branches that share no commit with HEAD, from whose files the work tree may be, as after
 * `git checkout --orphan`. None in a shallow clone, which does not know.
 */
export function unrelatedTips(place: CommonPlace): string[] {
  if (isShallow(place)) return [];
  const roots =
    commitOf(place, "HEAD") === null ? "" : runGit(place, ["rev-list", "--max-parents=0", "HEAD"]).toString();
  const others = roots.split("\n").flatMap((root) => (root === "" ? [] : `--no-contains=${root}`));
  const args = ["for-each-ref", "--format=%(objectname)", ...others, "refs/heads", "refs/remotes"];
  return [...new Set(runGit(place, args).toString().split("\n").filter(Boolean))];
}

/** The commits that a commit of now is made on. */
export const tipsOf = (place: CommonPlace): string[] =>
  [
    "HEAD",
    // No other storage of references than in files keeps this one elsewhere.
    ...(existsSync(join(place.gitDir, "MERGE_HEAD")) ? ["MERGE_HEAD"] : []),
  ].flatMap((name) => commitOf(place, name) ?? []);
