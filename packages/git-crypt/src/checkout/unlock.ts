import { GitCryptError } from "../errors.ts";
import { fileName, type FileName, someOf } from "../format/file-name.ts";
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
import { retirementsIn, retires } from "../keys/committed-retired-keys.ts";
import { type GivenKey, joinKeys, parseKey, storedKey } from "../keys/join-keys.ts";
import { readKeyRing, retiredKey } from "../keys/key-ring.ts";
import { assertNoRotation } from "../keys/rotation-journal.ts";
import { removeKey, removeRetired, storeKey, storeRetired } from "../keys/stored-keys.ts";
import { tryKey } from "../keys/try-key.ts";
import { type StatedFile, stateFiles } from "./file-states.ts";
import { type FilterCommands, readSettings, removeSettings, settingsOf, writeSettings } from "./filter-config.ts";
import { type Progress, type Rewriting, rewriteFiles } from "./rewrite-files.ts";

/** How a repository is unlocked. */
export interface UnlockOptions extends FilterCommands {
  /** Is told, after each file, how many are decrypted, of how many. */
  readonly progress?: Progress | undefined;
  /** Whether edited protected files are left as they are, instead of stopping it. */
  readonly force?: boolean;
}

/** A key that unlocked. */
export interface UnlockedKey {
  readonly name: string;
  /** Whether it was tried on an encrypted file; false where there is none. */
  readonly verified: boolean;
  /** Whether the repository had this key and this filter before. */
  readonly wasUnlocked: boolean;
  /** Whether keys of rotations on other branches were taken along, to read with. */
  readonly joined: boolean;
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
}

/** How a given key stands to the one that lies in the repository by its name. */
type Standing = "same" | "successor" | "other" | "alone";

/**
 * A given key is refused where the stored one, or the index, says that it was retired: what it
 * encrypts from now on would be open to whom the rotation shut out. Where it opens the stored one,
 * sealed in some commit, it is its successor.
 */
function standingOf(repository: Repository, { name, ring, bytes }: GivenKey, index: readonly IndexEntry[]): Standing {
  const id = keyId(ring.current);
  if (retires(retirementsIn(index, name), ring.current)) throw retiredKey(name);
  const stored = storedKey(repository, name);
  if (stored === null) return "alone";
  if (stored.equals(bytes)) return "same";
  const storedRing = readKeyRing(repository, name);
  try {
    if (storedRing.replaced.has(id)) throw retiredKey(name);
    return ring.replaced.has(keyId(storedRing.current)) ? "successor" : "other";
  } finally {
    storedRing.wipe();
  }
}

/** A key that was tried, and whether this filter made the files what they are. */
interface Admitted {
  readonly key: UnlockedKey;
  readonly wasFiltered: boolean;
}

/** Tries a key before anything is written. */
function admit(
  repository: Repository & WorkTreePlace,
  key: GivenKey,
  index: readonly IndexEntry[],
  files: readonly StatedFile[],
  commands: FilterCommands,
): Admitted {
  const standing = standingOf(repository, key, index);
  const settings = readSettings(repository);
  const wasFiltered =
    (standing === "same" || standing === "successor") &&
    settingsOf(key.name, commands).every(([name, value]) => settings.get(name) === value);
  const own = files.filter(({ entry }) => entry.keyName === key.name);
  const fit = tryKey(
    repository,
    key.ring,
    own.map(({ entry }) => entry),
    own.flatMap(({ state, found }) => (state === "sealed" ? (found?.content ?? []) : [])),
  );
  if (fit === "wrong") {
    throw new GitCryptError("WRONG_KEY", `the key ${key.name} does not open this repository's files`, {
      hint: "nothing was changed; check that the key belongs to this repository",
    });
  }
  if (standing === "other" && fit === "unknown") {
    const message = `another key named ${key.name} lies in the repository, and no file tells which is right`;
    throw new GitCryptError("OTHER_KEY", message, {
      hint: "nothing was changed; lock the repository to remove the other key first",
    });
  }
  if (standing === "alone" && fit === "unknown") assertUsesGitCrypt(repository);
  const wasUnlocked = wasFiltered && standing === "same";
  return { key: { name: key.name, verified: fit === "fits", wasUnlocked, joined: key.joined }, wasFiltered };
}

function refuseChanges(admitted: readonly Admitted[], files: readonly StatedFile[]): void {
  const fresh = new Set(admitted.filter(({ wasFiltered }) => !wasFiltered).map(({ key }) => key.name));
  const changed = files.filter(({ state, entry }) => state === "change" && fresh.has(entry.keyName));
  if (changed.length === 0) return;
  const names = someOf(changed.map(({ entry }) => entry.name));
  throw new GitCryptError("MODIFIED", `protected files were changed while the repository was locked: ${names}`);
}

/** Puts keys and settings, and gives what takes them away again. */
function install(repository: Repository, keys: readonly GivenKey[], commands: FilterCommands): () => void {
  const undo: (() => void)[] = [];
  const uninstall = (): void => {
    for (const action of undo.toReversed()) action();
  };
  try {
    for (const key of keys) installKey(repository, key, commands, undo);
  } catch (error) {
    uninstall();
    throw error;
  }
  return uninstall;
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
  const before = storedKey(repository, name);
  if (before?.equals(bytes) !== true) {
    const { commonDir } = repository;
    storeKey(commonDir, name, bytes);
    undo.push(() => (before === null ? removeKey([commonDir], name) : storeKey(commonDir, name, before)));
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
): UnlockResult {
  const closed = files.filter(({ state }) => state === "sealed" || state === "sealed-change");
  let rewritten;
  try {
    rewritten = rewriteFiles(rewriting, closed);
  } catch (error) {
    // Without the filter, a file that is still decrypted would be committed in clear.
    if (!(error instanceof GitCryptError && error.code === "HALFWAY")) uninstall();
    throw error;
  }
  const fresh = new Map<string, FreshFile>(rewritten.fresh);
  for (const { entry, state, found } of files) {
    if (state === "open" && found !== null) fresh.set(entry.name, { oid: entry.oid, stat: found.stat });
  }
  refreshIndex(repository, rewriting.workTree, fresh);
  return {
    keys: [],
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
 * Where a rotation replaced the key, the retired ones are stored along, so that older commits can
 * be checked out; and a key that replaced the one that is here takes its place, edited files or
 * not.
 *
 * Where two branches were rotated, the key of the other one is taken along by giving it, too: it is
 * read with, and the key that lies here, or else the first of that name, encrypts.
 *
 * Each key is tried on an encrypted file before anything is written. Where a file cannot be
 * written, everything is put back. What is already done is not done again, so that an unlocking
 * that was killed is finished by another. Modified files that are not protected do not matter;
 * symbolic links, submodules and files outside of a sparse checkout are left alone.
 *
 * @throws GitCryptError WRONG_KEY, OTHER_KEY, NOT_GIT_CRYPT, RETIRED_KEY, UNFINISHED, MODIFIED,
 * INDEX_LOCKED, CONFIG_LOCKED, MALFORMED_KEY_FILE, NO_WORK_TREE: nothing was changed; UNWRITABLE:
 * everything was put back; HALFWAY; GIT_FAILED.
 */
export function unlock(repository: Repository, keyFiles: readonly Uint8Array[], options: UnlockOptions): UnlockResult {
  assertWorkTree(repository);
  assertNoRotation(repository.commonDir);
  assertIndexFree(repository);
  const given = joinKeys(
    repository,
    keyFiles.map((bytes) => parseKey(repository, bytes)),
  );
  try {
    const keys = new Map(given.map(({ name, ring }) => [name, ring]));
    const index = listIndex(repository);
    // The keys of older commits, which are checked out sooner or later.
    for (const { name, ring } of given) if (retirementsIn(index, name).length > 0) ring.search();
    const workTree = new WorkTree(repository.topLevel, repository.gitDir);
    const entries = withKeyNames(repository, index).filter(({ keyName }) => keys.has(keyName));
    const files = stateFiles(workTree, entries, keys);
    const admitted = given.map((key) => admit(repository, key, index, files, options));
    if (options.force !== true) refuseChanges(admitted, files);
    const uninstall = install(repository, given, options);
    try {
      const rewriting: Rewriting = { workTree, keys, to: "open", progress: options.progress };
      return { ...openFiles(repository, files, rewriting, uninstall), keys: admitted.map(({ key }) => key) };
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
