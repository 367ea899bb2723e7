import { GitCryptError } from "../errors.ts";
import { fileName, type FileName } from "../format/file-name.ts";
import { keyId } from "../format/key-id.ts";
import { assertIndexFree, type FreshFile, refreshIndex } from "../git/index-file.ts";
import {
  assertWorkTree,
  filterOf,
  type IndexEntry,
  listIndex,
  withKeyNames,
  type WorkTreePlace,
} from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { assertUsesGitCrypt } from "../git/uses-git-crypt.ts";
import { WorkTree } from "../git/work-tree.ts";
import { retirementsIn } from "../keys/committed-retired-keys.ts";
import { chooseKeys, type GivenKey, storedKey } from "../keys/given-keys.ts";
import { retiredKey } from "../keys/key-ring.ts";
import { assertNoRotation } from "../keys/rotation-journal.ts";
import { keyFolders, removeKey, removeRetired, storeKey, storeRetired } from "../keys/stored-keys.ts";
import { tryKey } from "../keys/try-key.ts";
import { type StatedFile, stateFiles } from "./file-states.ts";
import { type FilterCommands, readSettings, removeSettings, settingsOf, writeSettings } from "./filter-config.ts";
import { guardKeys } from "./guard.ts";
import { type Progress, type Rewriting, rewriteFiles } from "./rewrite-files.ts";
import { watchAttributes } from "./watched-attributes.ts";

/** How a repository is unlocked. */
export interface UnlockOptions extends FilterCommands {
  /** Is told, after each file, how many are decrypted, of how many. */
  readonly progress?: Progress | undefined;
  /** The names of keys that are guarded, too, where they are not here: see {@link guardKeys}. */
  readonly guard?: readonly string[] | undefined;
}

/** A key that unlocked. */
export interface UnlockedKey {
  readonly name: string;
  /** Whether it was tried on an encrypted file; false where there is none. */
  readonly verified: boolean;
  /** Whether the repository had the keys of this name and this filter before. */
  readonly wasUnlocked: boolean;
}

/** What unlocking did. */
export interface UnlockResult {
  readonly keys: readonly UnlockedKey[];
  /** How many files were decrypted. */
  readonly decrypted: number;
  /** How many protected files sparse checkout keeps out of the work tree. */
  readonly outside: number;
  /** Protected files that were never encrypted. */
  readonly clear: readonly FileName[];
  /** Edited files, left as they are. */
  readonly changed: readonly FileName[];
  /** Files that the key does not open, left encrypted: damaged, or of another key. */
  readonly unopened: readonly FileName[];
  /** Symbolic links and submodules on protected paths: they are never encrypted. */
  readonly irregular: readonly FileName[];
  /** The names of keys that protect paths and are not here: git refuses plaintext there. */
  readonly guarded: readonly string[];
}

/**
 * Tries a key before anything is written; gives whether any file showed that it is the right one.
 */
function admit(
  repository: Repository & WorkTreePlace,
  { name, ring, isNamed, before }: GivenKey,
  index: readonly IndexEntry[],
  files: readonly StatedFile[],
): boolean {
  const own = files.filter(({ entry }) => entry.keyName === name);
  const entries = own.map(({ entry }) => entry);
  const sealed = own.flatMap(({ state, found }) => (state === "sealed" ? (found?.content ?? []) : []));
  const isOpen = own.some(({ state }) => state === "open");
  const fit = isOpen ? "fits" : tryKey(repository, ring, entries, sealed);
  // The one who wrote such a name proves nothing, but the key opens nothing of now either: that it
  // opens the past is what is to be expected of it.
  const isOld = !isNamed && retirementsIn(index, name).some(({ id }) => id === keyId(ring.stored));
  if (isOld && !isOpen && sealed.every((blob) => ring.keyOf(blob) === null)) throw retiredKey(name);
  if (!isNamed && fit === "wrong") {
    throw new GitCryptError("WRONG_KEY", `the key ${name} does not open this repository's files`, {
      hint: "nothing was changed; check that the key belongs to this repository",
    });
  }
  if (!isNamed && before === "other" && fit === "unknown") {
    const message = `the repository already has a different key named ${name}, and no encrypted file shows which one is right`;
    throw new GitCryptError("OTHER_KEY", message, {
      hint: "nothing was changed; lock the repository to remove the other key first",
    });
  }
  if (!isNamed && before === "none" && fit === "unknown") assertUsesGitCrypt(repository);
  return fit === "fits";
}

/**
 * Puts keys and settings, before any file is open, since that may fail; gives what takes them away
 * again, and which were all there.
 */
function install(
  repository: Repository,
  keys: readonly GivenKey[],
  commands: FilterCommands,
): { readonly uninstall: () => void; readonly present: ReadonlySet<string> } {
  const undo: (() => void)[] = [watchAttributes(repository, commands)];
  const uninstall = (): void => {
    for (const action of undo.toReversed()) action();
  };
  const present = new Set<string>();
  try {
    for (const key of keys) {
      const done = undo.length;
      installKey(repository, key, commands, undo);
      if (undo.length === done) present.add(key.name);
    }
  } catch (error) {
    uninstall();
    throw error;
  }
  return { uninstall, present };
}

function installKey(
  repository: Repository,
  { name, ring, bytes }: GivenKey,
  commands: FilterCommands,
  undo: (() => void)[],
): void {
  // Before the key that replaced them: else their files would be taken for changed ones.
  const added = storeRetired(repository, name, ring.retired);
  if (added.length > 0) undo.push(() => removeRetired(repository, name, added));
  const before = storedKey(repository, name)?.bytes ?? null;
  if (before?.equals(bytes) !== true) {
    const folders = keyFolders(repository, name);
    undo.push(() => (before === null ? removeKey(folders, name) : storeKey(folders, name, before)));
    storeKey(folders, name, bytes);
  }
  const settings = [...readSettings(repository)].filter(([setting]) => setting.split(".")[1] === filterOf(name));
  if (writeSettings(repository, settingsOf(name, commands))) {
    undo.push(() => {
      removeSettings(repository, name);
      writeSettings(repository, settings);
    });
  }
}

const namesOf = (files: readonly StatedFile[], ...states: StatedFile["state"][]): FileName[] =>
  files.filter(({ state }) => states.includes(state)).map(({ entry }) => fileName(entry.name));

function openFiles(
  repository: Repository & WorkTreePlace,
  files: readonly StatedFile[],
  rewriting: Rewriting,
  uninstall: () => void,
): Omit<UnlockResult, "keys" | "guarded"> {
  const closed = files.filter(({ state }) => state === "sealed" || state === "sealed-change");
  let rewritten;
  try {
    rewritten = rewriteFiles(rewriting, closed);
  } catch (error) {
    // Without the filter, a file that is still decrypted would be committed in the clear.
    if (!(error instanceof GitCryptError && error.code === "HALFWAY")) uninstall();
    throw error;
  }
  const fresh = new Map<string, FreshFile>(rewritten.fresh);
  for (const { entry, state, found } of files) {
    if (state === "open" && found !== null) fresh.set(entry.name, { oid: entry.oid, stat: found.stat });
  }
  refreshIndex(repository, rewriting.workTree, fresh);
  return {
    decrypted: rewritten.done.length,
    outside: files.filter(({ state }) => state === "outside").length,
    clear: namesOf(files, "clear"),
    changed: [...namesOf(files, "change"), ...rewritten.changed.map(fileName)],
    unopened: rewritten.unopened.map(fileName),
    irregular: namesOf(files, "irregular"),
  };
}

/**
 * Unlocks a repository with key files: stores each key where git-crypt does (mode 0600, in the
 * folder that linked worktrees share), configures the filter and decrypts the files of this work
 * tree.
 *
 * Where a log of members says which keys may be used, several of a name may be given, and no other:
 * that of the branch, which may be one that is here, is stored, and the others are kept to read
 * with, as the one is that was stored before. Where the branch has no key that may encrypt, one is
 * stored all the same, to read with. Retired keys that commits hold are stored along, so that older
 * commits can be checked out. Keys that protect paths and are not here are guarded, see
 * {@link guardKeys}.
 *
 * Each key is tried on encrypted files before anything is written; without a log, that tells
 * whether it is the right one, and only one of a name is taken. One file that opens is enough:
 * those that do not, such as damaged ones, are named and left as they are, and so are edited ones.
 * Where a file cannot be written, everything is put back. What is already done is not done again,
 * so that an unlocking that was killed is finished by another. Symbolic links, submodules and files
 * outside of a sparse checkout are left alone.
 *
 * @throws GitCryptError WRONG_KEY, OTHER_KEY, NOT_GIT_CRYPT, RETIRED_KEY, UNFINISHED,
 * INDEX_LOCKED, CONFIG_LOCKED, MALFORMED_KEY_FILE, NO_WORK_TREE: nothing was changed; UNWRITABLE:
 * everything was put back; HALFWAY; GIT_FAILED.
 */
export function unlock(repository: Repository, keyFiles: readonly Uint8Array[], options: UnlockOptions): UnlockResult {
  assertWorkTree(repository);
  assertNoRotation(repository.commonDir);
  assertIndexFree(repository);
  const given = chooseKeys(repository, keyFiles);
  try {
    const keys = new Map(given.map(({ name, ring }) => [name, ring]));
    const index = listIndex(repository);
    // The keys of older commits, which are checked out sooner or later.
    for (const { name, ring } of given) if (retirementsIn(index, name).length > 0) ring.search();
    const workTree = new WorkTree(repository.topLevel, repository.gitDir);
    const entries = withKeyNames(repository, index).filter(({ keyName }) => keys.has(keyName));
    const files = stateFiles(workTree, entries, keys);
    const verified = given.map((key) => admit(repository, key, index, files));
    const guarded = guardKeys(repository, options, options.guard, [...keys.keys()]);
    const { uninstall, present } = install(repository, given, options);
    try {
      const rewriting: Rewriting = { workTree, keys, to: "open", progress: options.progress };
      return {
        ...openFiles(repository, files, rewriting, uninstall),
        keys: given.map(({ name }, at) => ({
          name,
          verified: verified[at] === true,
          wasUnlocked: present.has(name),
        })),
        guarded,
      };
    } finally {
      workTree.tidy();
    }
  } finally {
    for (const { ring, bytes } of given) {
      ring.wipe();
      bytes.fill(0);
    }
  }
}
