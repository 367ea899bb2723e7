import { accessSync, constants } from "node:fs";
import { printable } from "@git-vault/core";
import { GitCryptError, unwritableFolder } from "../errors.ts";
import { fileName, type FileName, someOf } from "../format/file-name.ts";
import { assertKeyName } from "../format/key-name.ts";
import { assertIndexFree, refreshIndex } from "../git/index-file.ts";
import { assertWorkTree, listProtected, type WorkTreePlace } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { WorkTree } from "../git/work-tree.ts";
import { otherWorktrees } from "../git/worktrees.ts";
import { type KeyRing, readKeyRing } from "../keys/key-ring.ts";
import { assertNoRotation } from "../keys/rotation-journal.ts";
import { namesOfRetired, removeKey, removeRetired } from "../keys/stored-keys.ts";
import { type StatedFile, stateFiles } from "./file-states.ts";
import { isGuard, keysIn, readSettings, removeSettings, writeGuards } from "./filter-config.ts";
import { guardKeys } from "./guard.ts";
import { keptByGit } from "./kept-by-git.ts";
import { leftPlaintext } from "./left-plaintext.ts";
import { type Progress, putBack, type Rewriting, rewriteFiles, type Rewritten } from "./rewrite-files.ts";

/** How a repository is locked. */
export interface LockOptions {
  /** By it the keys are guarded: see {@link guardKeys}. Without it they are not. */
  readonly filterCommand?: string | undefined;
  /** The keys to lock: all that are here where left out. */
  readonly keyNames?: readonly string[] | undefined;
  /**
   * Whether edited protected files are encrypted with their edits, instead of stopping it: nothing
   * is lost, and unlocking brings the edits back. Also passes over work trees whose folder cannot
   * be found.
   */
  readonly force?: boolean;
  /** Whether the other work trees that share the keys are locked along. */
  readonly allWorktrees?: boolean;
  /** Is told, after each file of a work tree, how many are encrypted, of how many. */
  readonly progress?: Progress | undefined;
}

/** What locking did. */
export interface LockResult {
  /** The keys that were removed, sorted. */
  readonly keyNames: readonly string[];
  /** How many files were encrypted, in all work trees. */
  readonly encrypted: number;
  /** Protected files that are not encrypted in the index either: they stay readable. */
  readonly clear: readonly FileName[];
  /**
   * Files with plaintext that git does not track: untracked and ignored ones on protected paths,
   * and copies of protected files that editors left.
   */
  readonly left: readonly LeftFile[];
  /**
   * Paths in git's own folders with lines of files in the clear, which may be of protected ones.
   */
  readonly keptByGit: readonly string[];
  /** Work trees whose folder cannot be found now, and which may hold decrypted files. */
  readonly unseen: readonly string[];
  /** The top folders of the work trees that were locked. */
  readonly worktrees: readonly string[];
  /** The names of keys that are not here now, and guarded. */
  readonly guarded: readonly string[];
}

/** A file that locking does not encrypt. */
export interface LeftFile extends FileName {
  /** The top folder of its work tree. */
  readonly worktree: string;
}

interface Tree {
  readonly place: Repository & WorkTreePlace;
  readonly workTree: WorkTree;
  readonly files: readonly StatedFile[];
}

type Keys = ReadonlyMap<string, KeyRing>;

function lookAt(place: Repository, keyNames: readonly string[], keys: Keys): Tree {
  assertWorkTree(place);
  const workTree = new WorkTree(place.topLevel, place.gitDir);
  const entries = listProtected(place).filter(({ keyName }) => keyNames.includes(keyName));
  return { place, workTree, files: stateFiles(workTree, entries, keys) };
}

/** The other work trees that must be locked along. */
function lookAtOthers(repository: Repository, keyNames: readonly string[], keys: Keys, options: LockOptions): Tree[] {
  const others = otherWorktrees(repository);
  const unreachable = others.find((other) => other.repository === null);
  if (unreachable !== undefined && options.force !== true) {
    const message = `the work tree ${printable(unreachable.path)} shares the key and cannot be read`;
    throw new GitCryptError("OTHER_WORKTREES", message, {
      hint: "restore its folder, remove it with git worktree remove, or force it",
    });
  }
  const trees = others.flatMap((other) =>
    other.repository === null ? [] : [lookAt(other.repository, keyNames, keys)],
  );
  const open = trees.find(({ files }) => files.some(({ state }) => state === "open" || state === "change"));
  if (open !== undefined && options.allWorktrees !== true) {
    const message = `the work tree ${printable(open.place.topLevel)} shares the key and holds decrypted files`;
    throw new GitCryptError("OTHER_WORKTREES", message);
  }
  return trees;
}

function refuseChanges({ place, files }: Tree): void {
  const changed = files.filter(({ state }) => state === "change").map(({ entry }) => entry.name);
  if (changed.length === 0) return;
  const message = `protected files in ${printable(place.topLevel)} have changes that are not staged: ${someOf(changed)}`;
  throw new GitCryptError("MODIFIED", message, {
    hint: "stage, commit or stash them, or force it, which encrypts them with their changes",
  });
}

/** The keys that lie here or whose filter is configured. */
function presentKeys(repository: Repository): string[] {
  const settings = readSettings(repository);
  const filtered = keysIn(settings).filter((name) => !isGuard(settings, name));
  return [...new Set([...repository.keyNames(), ...filtered])].toSorted();
}

function readKeys(repository: Repository, keyNames: readonly string[]): Map<string, KeyRing> {
  const stored = repository.keyNames();
  return new Map(keyNames.filter((name) => stored.includes(name)).map((name) => [name, readKeyRing(repository, name)]));
}

/** Encrypts the files of all trees, or of none. */
function sealTrees(trees: readonly Tree[], keys: Keys, progress: Progress | undefined): Rewritten[] {
  const done: { rewriting: Rewriting; rewritten: Rewritten }[] = [];
  try {
    for (const { workTree, files } of trees) {
      const rewriting: Rewriting = { workTree, keys, to: "sealed", progress };
      const plain = files.filter(({ state, found }) => state === "open" || (state === "change" && found !== null));
      done.push({ rewriting, rewritten: rewriteFiles(rewriting, plain) });
    }
  } catch (error) {
    for (const { rewriting, rewritten } of done) putBack(rewriting, rewritten.done, error);
    throw error;
  } finally {
    for (const { workTree } of trees) workTree.tidy();
  }
  return done.map(({ rewritten }) => rewritten);
}

function refreshTree({ place, workTree, files }: Tree, { fresh }: Rewritten): void {
  const all = new Map(fresh);
  for (const { entry, state, found } of files) {
    if (state === "sealed" && found !== null) all.set(entry.name, { oid: entry.oid, stat: found.stat });
  }
  refreshIndex(place, workTree, all);
}

/** Where the settings could not be removed in the end, the files would be encrypted for nothing. */
function assertWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw unwritableFolder(error, "permission denied");
  }
}

/**
 * Locks a repository: encrypts the protected files of its work tree again, and then removes the
 * keys, and puts a guard in the place of the filter.
 *
 * Keys and settings belong to all work trees of a repository. It therefore refuses while another
 * one holds decrypted files, which would be committed in the clear without the filter, unless they
 * are locked together. Where a file cannot be written, everything is put back; a locking that was
 * killed is finished by another, and until then the filter stays.
 *
 * @throws GitCryptError UNWRITABLE for a .git that cannot be written, MODIFIED, OTHER_WORKTREES,
 * INDEX_LOCKED, UNFINISHED, NO_SUCH_KEY, LOCKED, NOT_GIT_CRYPT, INVALID_KEY_NAME, NO_WORK_TREE:
 * nothing was changed; CONFIG_LOCKED: the files are encrypted, and key and filter are still there;
 * UNWRITABLE, GIT_FAILED.
 */
export function lock(repository: Repository, options: LockOptions = {}): LockResult {
  const { filterCommand } = options;
  assertWorkTree(repository);
  assertNoRotation(repository.commonDir);
  assertIndexFree(repository);
  assertWritable(repository.commonDir);
  const present = presentKeys(repository);
  // Without key and filter nothing is left to encrypt: retired keys that another program left are
  // removed, whatever the files are.
  const left = namesOfRetired(repository).filter((name) => !present.includes(name));
  const named = options.keyNames ?? [...present, ...left];
  for (const name of named) {
    assertKeyName(name);
    if (!present.includes(name) && !left.includes(name)) repository.readKey(name);
  }
  const keyNames = named.filter((name) => !left.includes(name));
  const keys = readKeys(repository, keyNames);
  try {
    const trees = [lookAt(repository, keyNames, keys), ...lookAtOthers(repository, keyNames, keys, options)];
    const keyless = trees
      .flatMap(({ files }) => files)
      .find(({ entry, state }) => state === "change" && !keys.has(entry.keyName));
    if (keyless !== undefined) repository.readKey(keyless.entry.keyName);
    if (options.force !== true) for (const tree of trees) refuseChanges(tree);
    const rewritten = sealTrees(trees, keys, options.progress);
    for (const [at, tree] of trees.entries()) {
      const result = rewritten[at];
      if (result !== undefined) refreshTree(tree, result);
    }
    const changed = rewritten.flatMap((result) => result.changed);
    if (changed.length > 0) {
      throw new GitCryptError("MODIFIED", `files changed while the command ran: ${someOf(changed)}`, {
        hint: "run the command again",
      });
    }
    // The guard takes the filter's place before the key goes: no content passes between.
    if (filterCommand !== undefined) writeGuards(repository, named, { filterCommand });
    for (const name of named) {
      if (filterCommand === undefined) removeSettings(repository, name);
      removeKey([...trees.map(({ place }) => place.gitDir), repository.commonDir], name);
      removeRetired(repository, name);
    }
    return {
      keyNames: named.toSorted(),
      encrypted: rewritten.reduce((sum, { done }) => sum + done.length, 0),
      clear: trees.flatMap(({ files }) =>
        files.filter(({ state }) => state === "clear").map(({ entry }) => fileName(entry.name)),
      ),
      left: trees.flatMap(({ place }) =>
        leftPlaintext(place, named).map((name) => Object.assign(fileName(name), { worktree: place.topLevel })),
      ),
      keptByGit: [...new Set(trees.flatMap(({ place }) => keptByGit(place)))],
      unseen: otherWorktrees(repository).flatMap(({ path, repository: found }) => (found === null ? path : [])),
      worktrees: trees.map(({ place }) => place.topLevel),
      guarded: filterCommand === undefined ? [] : guardKeys(repository, { filterCommand }, named),
    };
  } finally {
    for (const ring of keys.values()) ring.wipe();
  }
}
