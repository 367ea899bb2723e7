import { hash } from "node:crypto";
import { readBlobs, readChosenBlobs, sizesOf, tryGit, type Repository } from "@git-vault/git-crypt";
import { claimedId, isEntryId, MAX_ENTRY_BYTES } from "@git-vault/members";
import { SharingError } from "../errors.ts";
import { LOG_FOLDER } from "../log-places.ts";
import type { SeenBlobs } from "./log-files.ts";

/*
 * Which commits did what to the log's files. Somebody whose branch is merged may have put any
 * number of files there and taken them out again, any number of times: a few kilobytes say so, and
 * git would need gigabytes to list it. So git is asked for a list that ends, and where it does not
 * end there, each tree is read once, and what could be no entry is passed over.
 */

/** A file by an entry's name that is another in a commit than in each of its parents. */
export interface FileChange {
  readonly name: string;
  /** git's name for it; null for none, or what is no regular file. */
  readonly is: string | null;
  /** The same in each parent. */
  readonly was: readonly (string | null)[];
}

/** A commit that touched the log, or a merge. */
export interface Walked {
  readonly id: string;
  readonly parents: readonly string[];
  /** Many commits may have one list. */
  readonly changes: readonly FileChange[];
}

/** How much is read, in bytes: see `MOST`. */
export interface Bounds {
  /** Of what git lists, commit by commit. */
  readonly listed: number;
  /** Of the names of commits. */
  readonly commits: number;
  /** Of all different trees together. */
  readonly trees: number;
  /** Of all different files that have an entry's name for their contents. */
  readonly files: number;
}

const MiB = 1024 * 1024;

/** A log of a hundred thousand entries needs less of each. */
export const MOST: Bounds = { listed: 32 * MiB, commits: 256 * MiB, trees: 2048 * MiB, files: 256 * MiB };

/** The blobs by entries' names, of which those are kept that could be entries. */
export class EntryBlobs {
  readonly #repository: Repository;
  readonly #seen: SeenBlobs;
  readonly #ids = new Map<string, string>();
  readonly #missing = new Set<string>();
  #left: number;

  /** @param seen what was read before; what is kept is added */
  constructor(repository: Repository, seen: SeenBlobs, most: number) {
    this.#repository = repository;
    this.#seen = seen;
    this.#left = most;
  }

  /**
   * Reads what is wanted, by git's names for it and the names that it lies by.
   *
   * @throws SharingError HISTORY_TOO_LARGE
   */
  read(wanted: ReadonlyMap<string, ReadonlySet<string>>): void {
    const unread = [...wanted].flatMap(([oid, names]) => {
      const id = this.#ids.get(oid);
      // What was passed over by another name may lie by its own as well.
      const isKnown = id !== undefined && (!names.has(id) || this.#seen.has(oid));
      return isKnown || this.#missing.has(oid) ? [] : [oid];
    });
    for (const oid of unread) this.#note(oid, this.#seen.get(oid));
    const others = unread.filter((oid) => !this.#seen.has(oid));
    const isChosen = (oid: string, content: Buffer): boolean => {
      this.#note(oid, content);
      if (wanted.get(oid)?.has(this.#ids.get(oid) ?? "") !== true) return false;
      this.#left -= content.length;
      if (this.#left < 0) throw tooLarge("the files of its history are more than 256 MiB");
      return true;
    };
    const { sizes, blobs } = readChosenBlobs(this.#repository, others, { most: MAX_ENTRY_BYTES, isChosen });
    for (const [oid, content] of blobs) this.#seen.set(oid, content);
    // What is too large for an entry is here, and is none.
    for (const oid of others) if (!sizes.has(oid)) this.#missing.add(oid);
  }

  #note(oid: string, content: Buffer | undefined): void {
    if (content !== undefined) this.#ids.set(oid, claimedId(content));
  }

  /** Whether a blob is not in this clone. */
  isMissing(oid: string): boolean {
    return this.#missing.has(oid);
  }

  /** Whether a blob could be the entry of this name, or nobody can tell. */
  isPlausible(name: string, oid: string): boolean {
    return this.#ids.get(oid) === name || this.#missing.has(oid);
  }
}

const tooLarge = (problem: string): SharingError =>
  new SharingError("HISTORY_TOO_LARGE", `too much was committed where the members log lies: ${problem}`, {
    hint: "take these commits off the branch, or work in a clone whose history begins after them",
  });

/** Merges stay in a walk whole: which parent is the first decides what arrived first. */
export const TOUCHING: readonly string[] = ["--full-history", "--parents"];

/** Commits to begin at and the log's path: a command line has an end. */
const linesOf = (starts: readonly string[]): Buffer => Buffer.from([...starts, "--", `${LOG_FOLDER}/`, ""].join("\n"));

/** A commit that touched the log, and its parents among those. */
interface Commit {
  readonly id: string;
  readonly parents: readonly string[];
  /** git's name for the log's tree there; that of the empty one where there is no log. */
  readonly tree: string;
  /** The same in each parent; the empty one alone where it has none. */
  readonly before: readonly string[];
}

/**
 * The commits that touched the log, the newest first; null where git cannot tell. What their files
 * hold that could be entries is read into `blobs`.
 *
 * Folders in the log's folder are not looked into: a few kilobytes make any number of names there.
 *
 * @throws SharingError HISTORY_TOO_LARGE
 */
export function walk(
  repository: Repository,
  starts: readonly string[],
  blobs: EntryBlobs,
  bounds: Bounds = MOST,
): Walked[] | null {
  const words = ["--literal-pathspecs", "rev-list", ...TOUCHING, "--stdin"];
  const { status, stdout } = tryGit(repository, words, linesOf(starts), bounds.commits);
  if (stdout.length >= bounds.commits) throw tooLarge("it has too many commits");
  if (status !== 0) return null;
  const named = stdout
    .toString("latin1")
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(" "));
  if (named.length === 0) return [];
  const trees = treesOf(repository, [...new Set(named.flat())]);
  if (trees === null) return null;
  const empty = emptyTreeFor(named[0]?.[0] ?? "");
  const treeOf = (commit: string): string => trees.get(commit) ?? empty;
  const commits = named.map(([id = "", ...parents]): Commit => {
    const before = parents.length === 0 ? [empty] : parents.map(treeOf);
    return { id, parents, tree: treeOf(id), before };
  });
  const listed = listChanges(repository, commits, bounds);
  if (listed === "endless") return walkTrees(repository, commits, [...trees.values()], blobs, bounds);
  return listed && withoutJunk(listed, blobs);
}

/** What each commit did; those between the same trees did the same. */
function walkedBy(
  commits: readonly Commit[],
  changesOf: (tree: string, before: readonly string[]) => FileChange[],
): Walked[] {
  const known = new Map<string, FileChange[]>();
  return commits.map(({ id, parents, tree, before }) => {
    const key = [tree, ...before].join(" ");
    const changes = known.get(key) ?? changesOf(tree, before);
    known.set(key, changes);
    return { id, parents, changes };
  });
}

const SHOWN = ["--raw", "--no-abbrev", "--no-renames", "-O/dev/null", "--ignore-submodules=none", "--diff-filter=d"];

/** git's name for a tree without anything, as long as another of its names. */
export const emptyTreeFor = (oid: string): string => hash(oid.length === 64 ? "sha256" : "sha1", "tree 0\0", "hex");

/** What differs between two trees: git's name for each file as it was, and as it is. */
type Differences = ReadonlyMap<string, { readonly is: string | null; readonly was: string | null }>;

/** What each commit did, as git lists it; null where git cannot tell. */
function listChanges(repository: Repository, commits: readonly Commit[], bounds: Bounds): Walked[] | "endless" | null {
  const pairs = new Set(
    commits.flatMap(({ tree, before }) => (before.includes(tree) ? [] : before.map((one) => `${one} ${tree}`))),
  );
  const asked = Buffer.from([...pairs, ""].join("\n"));
  const { status, stdout } = tryGit(repository, ["diff-tree", "--stdin", ...SHOWN], asked, bounds.listed);
  if (stdout.length >= bounds.listed) return "endless";
  if (status !== 0) return null;
  const found = new Map<string, Differences>();
  let current = new Map<string, { is: string | null; was: string | null }>();
  for (const line of stdout.toString("latin1").split("\n")) {
    if (pairs.has(line)) found.set(line, (current = new Map()));
    else {
      const [, wasMode = "", isMode = "", was = "", is = "", name = ""] = CHANGED.exec(line) ?? [];
      if (isEntryId(name)) current.set(name, { is: regular(isMode, is), was: regular(wasMode, was) });
    }
  }
  return walkedBy(commits, (tree, before) => inAll(before.map((one) => found.get(`${one} ${tree}`))));
}

/** A line of a change: both modes, both names of objects, what happened, and the path. */
const CHANGED = /^:([0-7]{6}) ([0-7]{6}) ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [A-Z]+\t(.*)$/;

const regular = (mode: string, oid: string): string | null => (mode.startsWith("100") ? oid : null);

/** What differs from each parent. */
function inAll([first, ...others]: readonly (Differences | undefined)[]): FileChange[] {
  return [...(first ?? [])].flatMap(([name, { is, was }]) => {
    const more = others.map((one) => one?.get(name));
    return more.includes(undefined) ? [] : [{ name, is, was: [was, ...more.map((one) => one?.was ?? null)] }];
  });
}

function withoutJunk(walked: readonly Walked[], blobs: EntryBlobs): Walked[] {
  const lists = new Set(walked.map(({ changes }) => changes));
  const wanted = new Map<string, Set<string>>();
  for (const changes of lists) for (const { name, is } of changes) if (is !== null) want(wanted, is, name);
  blobs.read(wanted);
  const kept = new Map(
    [...lists].map((changes) => [
      changes,
      changes.filter(({ name, is }) => is !== null && blobs.isPlausible(name, is)),
    ]),
  );
  return walked.map(({ id, parents, changes }) => ({ id, parents, changes: kept.get(changes) ?? [] }));
}

function want(wanted: Map<string, Set<string>>, oid: string, name: string): void {
  const names = wanted.get(oid);
  if (names === undefined) wanted.set(oid, new Set([name]));
  else names.add(name);
}

/* Tree by tree. */

/** The same as `walk`, whatever the commits did: each different tree is read once. */
function walkTrees(
  repository: Repository,
  commits: readonly Commit[],
  trees: readonly string[],
  blobs: EntryBlobs,
  bounds: Bounds,
): Walked[] | null {
  const held = readHeld(repository, trees, blobs, bounds);
  return held && walkedBy(commits, (tree, before) => changesBetween(tree, before, held));
}

/** The log's tree of each commit that has one; null where some are not here. */
function treesOf(repository: Repository, commits: readonly string[]): Map<string, string> | null {
  const asked = Buffer.from(commits.map((id) => `${id}:${LOG_FOLDER}\n`).join(""));
  const args = ["cat-file", "--batch-check=%(objectname) %(objecttype)", "--buffer"];
  const { stdout } = tryGit(repository, args, asked);
  const lines = stdout.toString("latin1").split("\n").slice(0, -1);
  // An older git ends at what a partial clone lacks.
  if (lines.length < commits.length) return null;
  return new Map(
    commits.flatMap((id, at) => {
      const tree = /^([0-9a-f]+) tree$/.exec(lines[at] ?? "")?.[1];
      return tree === undefined ? [] : [[id, tree] as const];
    }),
  );
}

/** What could be an entry in a tree: git's name for its file, by its own. */
type Held = ReadonlyMap<string, string>;

/** So many bytes of trees are looked at together. */
const GROUP = 32 * MiB;

/** What each tree holds that could be an entry; null where some are not here. */
function readHeld(
  repository: Repository,
  trees: readonly string[],
  blobs: EntryBlobs,
  bounds: Bounds,
): Map<string, Held> | null {
  const wanted = new Set(trees);
  const sizes = sizesOf(repository, wanted, "tree");
  if (sizes.size < wanted.size) return null;
  const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (all > bounds.trees) throw tooLarge(`${sizes.size} different lists of its files, and together more than is read`);
  const held = new Map<string, Held>();
  let group: [tree: string, content: Buffer][] = [];
  let bytes = 0;
  const flush = (): void => {
    const names = new Map<string, Set<string>>();
    const found = group.map(([tree, content]) => [tree, [...filesIn(content, tree.length / 2)]] as const);
    for (const [, files] of found) for (const [name, oid] of files) want(names, oid, name);
    blobs.read(names);
    for (const [tree, files] of found) {
      const plausible = files.filter(([name, oid]) => blobs.isPlausible(name, oid));
      held.set(tree, new Map(plausible));
    }
    group = [];
    bytes = 0;
  };
  for (const one of readBlobs(repository, sizes)) {
    group.push(one);
    bytes += one[1].length;
    if (bytes >= GROUP) flush();
  }
  flush();
  return held;
}

const NAME_LENGTH = 64;

/** The regular files by entries' names in a tree as git stores it: mode, name, bytes of the oid. */
function* filesIn(content: Buffer, oidBytes: number): Generator<[name: string, oid: string]> {
  for (let at = 0; at < content.length;) {
    const blank = content.indexOf(32, at);
    const end = content.indexOf(0, blank);
    const next = end + 1 + oidBytes;
    if (end - blank - 1 === NAME_LENGTH && blank - at === 6 && content.toString("latin1", at, at + 3) === "100") {
      const name = content.toString("latin1", blank + 1, end);
      if (isEntryId(name)) yield [name, content.toString("hex", end + 1, next)];
    }
    at = next;
  }
}

const NOTHING: Held = new Map();

function changesBetween(tree: string, before: readonly string[], held: ReadonlyMap<string, Held>): FileChange[] {
  if (before.includes(tree)) return [];
  const parents = before.map((one) => held.get(one) ?? NOTHING);
  return [...(held.get(tree) ?? NOTHING)].flatMap(([name, is]) => {
    const was = parents.map((one) => one.get(name) ?? null);
    return was.includes(is) ? [] : [{ name, is, was }];
  });
}
