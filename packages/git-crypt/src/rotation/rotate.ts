import type { FilterCommands } from "../checkout/filter-config.ts";
import type { Progress } from "../checkout/rewrite-files.ts";
import { GitCryptError } from "../errors.ts";
import { encryptBlob } from "../format/blob.ts";
import { fileName, type FileName } from "../format/file-name.ts";
import { encodeKeyFile, generateKeyFile, parseKeyFile, wipeKeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import { assertKeyName } from "../format/key-name.ts";
import { commitsOf, gitSucceeds, runGit, textOf } from "../git/git.ts";
import { assertIndexFree } from "../git/index-file.ts";
import { isWithin, ownFolders } from "../git/own-folders.ts";
import { stagedChanges } from "../git/plaintext.ts";
import { assertWorkTree, isRegular, listIndex, listProtected, putEntries, withBlob } from "../git/protected-files.ts";
import { reencrypt } from "../git/reencrypt-blobs.ts";
import type { Repository, StoredKey } from "../git/repository.ts";
import type { Difference } from "../git/trees.ts";
import { isRetiredFile } from "../keys/committed-retired-keys.ts";
import { storedKey } from "../keys/given-keys.ts";
import { KeyRing, readKeyRing } from "../keys/key-ring.ts";
import { assertNoRotation, type Journal, readJournal, wipeJournal, writeJournal } from "../keys/rotation-journal.ts";
import { differences, type FilesToCommit, makeCommit, type Replacement } from "./build-commit.ts";
import { undoUnfinished } from "./commit-files.ts";
import { assertClean, assertSamePlace, currentBranch } from "./preconditions.ts";
import { exchangeKeys, moveBranch, moveFiles, moveIndex, refreshFiles, type RotatedPlace } from "./steps.ts";

/** How keys are rotated. */
export interface RotateOptions extends FilterCommands {
  /** The keys that are replaced, at least one: `default` is the default key. */
  readonly keyNames: readonly string[];
  /**
   * Gets the new keys, by name, and gives what is committed along: files below `.git-vault` or
   * git-crypt's folder, by their paths from the top folder; null removes one.
   */
  readonly filesFor?: ((keys: ReadonlyMap<string, StoredKey>) => Promise<FilesToCommit>) | undefined;
  /** The commit's message. */
  readonly message: string;
  /**
   * Whether protected files that no key here opens stay as they are, instead of stopping it.
   */
  readonly leavesUnopened?: boolean;
  /** Is told how many files are encrypted again, of how many. */
  readonly progress?: Progress | undefined;
}

/** A key that was replaced. */
export interface ReplacedKey {
  readonly keyName: string;
  /** The ids of the new key and of the one that it replaced. */
  readonly keyId: string;
  readonly retiredKeyId: string;
}

/** What rotating keys did. */
export interface RotateResult {
  readonly keys: readonly ReplacedKey[];
  /** The branch's short name, and the commit that was made. */
  readonly branch: string;
  readonly commit: string;
  /** The files now encrypted with the new keys; holders of the old ones may know them. */
  readonly files: readonly FileName[];
  /** Protected files that the commit holds unencrypted, as before. */
  readonly clear: readonly FileName[];
  /** Those that no key opened, and that are as they were. */
  readonly unopened: readonly FileName[];
}

/** A key that is rotated. */
interface RotatedKey {
  readonly keyName: string;
  /** The id of the key that is replaced: that of the branch, mostly the stored one. */
  readonly retired: string;
  /** The key that was stored; null where none was. */
  readonly last: StoredKey | null;
  readonly next: StoredKey;
  /** All that are here, with the new one, to tell what is done already. */
  readonly ring: KeyRing;
}

/** A rotation that was begun, with its keys. */
interface Begun {
  readonly journal: Journal;
  readonly keys: readonly RotatedKey[];
}

const encoded = (base64: string): StoredKey => {
  const bytes = Buffer.from(base64, "base64");
  return { bytes, keyFile: parseKeyFile(bytes) };
};

function ringOf(repository: Repository, keyName: string, last: StoredKey | null, next: StoredKey): KeyRing {
  const ring = new KeyRing(repository, keyName, (last ?? next).keyFile, true);
  ring.search();
  ring.learn([next.keyFile]);
  return ring;
}

/** Makes the key that is to replace one. */
function replace(repository: Repository, keyName: string): RotatedKey {
  const generations = repository.generations(keyName);
  // A key that the log names need not be here, nor anywhere: files that it alone opens are found.
  const last = generations === null ? repository.readKey(keyName) : storedKey(repository, keyName);
  const keyFile = generateKeyFile(keyName);
  const next = { bytes: encodeKeyFile(keyFile), keyFile };
  const retired = generations?.current ?? (last === null ? "" : keyId(last.keyFile));
  return { keyName, retired, last, next, ring: ringOf(repository, keyName, last, next) };
}

function wipe(keys: readonly RotatedKey[]): void {
  for (const { last, next, ring } of keys) {
    ring.wipe();
    last?.bytes.fill(0);
    next.bytes.fill(0);
    wipeKeyFile(next.keyFile);
  }
}

function assertFiles(repository: Repository, files: FilesToCommit): void {
  const folders = ownFolders(repository);
  const isStray = (path: string): boolean =>
    !isWithin(folders, path) || path.split("/").some((part) => /^\.{0,2}$/.test(part));
  if ([...files.keys()].some(isStray)) {
    throw new RangeError(`files to commit: expected paths below ${folders.join(" or ")}`);
  }
}

const resultOf = (repository: Repository, journal: Journal, keys: readonly RotatedKey[]): RotateResult => {
  const own = new Set([...journal.clear, ...journal.unopened]);
  const names = new Set(keys.map(({ keyName }) => keyName));
  // Also what was committed in the middle of an interrupted rotation, by then with the new key: its
  // earlier content is known.
  const files = listProtected(repository).filter(
    (entry) => names.has(entry.keyName) && isRegular(entry) && !own.has(entry.name),
  );
  return {
    keys: keys.map(({ keyName, next, retired }) => ({ keyName, keyId: keyId(next.keyFile), retiredKeyId: retired })),
    branch: textOf(journal.branch.replace(/^refs\/heads\//, "")),
    commit: journal.commit,
    files: files.map(({ name }) => fileName(name)),
    clear: journal.clear.map(fileName),
    unopened: journal.unopened.map(fileName),
  };
};

const replacementsOf = (keys: readonly RotatedKey[]): Replacement[] =>
  keys.map(({ ring, next }) => ({ ring, newKey: next.keyFile }));

/** Makes the commit again after others that were made meanwhile. */
function rebuild(repository: RotatedPlace, { journal, keys }: Begun, head: string): Begun {
  const folders = ownFolders(repository);
  const blobs = differences(repository, journal.head, journal.commit).filter(
    ({ name }) => isWithin(folders, name) && !isRetiredFile(name),
  );
  const commit = runGit(repository, ["cat-file", "commit", journal.commit]);
  const message = commit.subarray(commit.indexOf("\n\n") + 2);
  // What others committed meanwhile must not keep it from being finished.
  const rest = { files: new Map<string, Buffer>(), blobs, leavesUnopened: true };
  const plan = { replacements: replacementsOf(keys), message, ...rest };
  const remade = { ...journal, head, ...makeCommit(repository, head, plan) };
  writeJournal(repository.commonDir, remade);
  return { journal: remade, keys };
}

/** Brings the branch to the commit; where commits were made meanwhile, after them. */
function advance(repository: RotatedPlace, begun: Begun): Journal {
  const { branch, head, commit } = begun.journal;
  const [tip = null] = commitsOf(repository, [branch]);
  if (tip === null)
    throw new GitCryptError("NO_BRANCH", "the branch that was rotated is gone", { hint: "undo the rotation" });
  if (tip === commit || gitSucceeds(repository, "merge-base", "--is-ancestor", commit, tip)) return begun.journal;
  if (tip !== head) return advance(repository, rebuild(repository, begun, tip));
  moveBranch(repository, branch, head, commit, "new key");
  return begun.journal;
}

/** Tells git of the files that a step changed nothing in but their encryption. */
function refresh(repository: RotatedPlace, changed: readonly Difference[], keys: readonly RotatedKey[]): void {
  const stored = repository.keyNames();
  const names = keys.flatMap(({ keyName }) => (stored.includes(keyName) ? keyName : []));
  const rings = new Map(names.map((keyName) => [keyName, readKeyRing(repository, keyName)]));
  try {
    refreshFiles(repository, changed, rings);
  } finally {
    for (const ring of rings.values()) ring.wipe();
  }
}

/** Does everything that the journal tells, from wherever it was left. */
function finish(repository: RotatedPlace, begun: Begun, commands: FilterCommands): RotateResult {
  const { keys } = begun;
  for (const { keyName, last, next } of keys) exchangeKeys(repository, keyName, last, next, commands);
  const journal = advance(repository, begun);
  const changed = differences(repository, journal.head, journal.commit);
  moveIndex(repository, changed, new Set(journal.skipped));
  moveFiles(repository, changed);
  refresh(repository, changed, keys);
  const result = resultOf(repository, journal, keys);
  wipeJournal(repository.commonDir);
  return result;
}

/** Does what the journal tells; where that fails, it is left for another run. */
function orUnfinished<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "it failed";
    throw new GitCryptError("UNFINISHED", `the rotation is not finished: ${reason}`, { cause });
  }
}

/**
 * Replaces keys: makes new ones, encrypts every file that the current branch protects with them in
 * one commit, and keeps the old ones as retired keys, sealed in that commit under the new ones.
 * Older retired keys are sealed again. What is replaced is the key of the branch, as {@link
 * Repository.generations} has it, else the stored one. That key need not be here, nor anywhere:
 * any keys do that open the files. The content of the work tree does not
 * change; staged changes of other files stay staged. git's hooks do not run.
 *
 * Everything is stored before anything is changed. From then on a journal in the repository's
 * folder, which holds the keys and is wiped in the end, tells {@link continueRotation} and {@link
 * abortRotation} what to do, wherever the process was killed.
 *
 * What was encrypted before stays readable for anyone who had the old keys: the secrets themselves
 * should be changed.
 *
 * @throws GitCryptError as readKey does; NO_BRANCH, MODIFIED, UNFINISHED in the middle of a merge,
 * a rebase or another rotation, UNOPENED for files that no key here opens, INDEX_LOCKED,
 * NO_WORK_TREE, GIT_FAILED: nothing was changed; UNFINISHED with a cause where it must be continued
 * or aborted. RangeError without a key's name. What `filesFor` throws, where nothing was changed.
 */
export async function rotate(repository: Repository, options: RotateOptions): Promise<RotateResult> {
  const { filesFor, progress, leavesUnopened = false } = options;
  const keyNames = [...new Set(options.keyNames)];
  if (keyNames.length === 0) throw new RangeError("keyNames: expected at least one");
  for (const keyName of keyNames) assertKeyName(keyName);
  assertWorkTree(repository);
  assertNoRotation(repository.commonDir);
  undoUnfinished(repository);
  const keys: RotatedKey[] = [];
  try {
    for (const keyName of keyNames) keys.push(replace(repository, keyName));
    assertIndexFree(repository);
    const { branch, head } = currentBranch(repository);
    const index = listIndex(repository);
    assertClean(repository, index, new Map(keys.map(({ keyName, ring }) => [keyName, ring])), leavesUnopened);
    const files =
      (await filesFor?.(new Map(keys.map(({ keyName, next }) => [keyName, next])))) ?? new Map<string, Buffer>();
    assertFiles(repository, files);
    const message = Buffer.from(options.message);
    const plan = { replacements: replacementsOf(keys), files, message, leavesUnopened, progress };
    const made = makeCommit(repository, head, plan);
    const journal: Journal = {
      version: 2,
      keys: keys.map(({ keyName, retired, last, next }) => ({
        keyName,
        retired,
        oldKey: last?.bytes.toString("base64") ?? "",
        newKey: next.bytes.toString("base64"),
      })),
      gitDir: repository.gitDir,
      branch,
      head,
      ...made,
      skipped: listIndex(repository).flatMap((entry) => (entry.skipped ? entry.name : [])),
    };
    writeJournal(repository.commonDir, journal);
    return orUnfinished(() => finish(repository, { journal, keys }, options));
  } finally {
    wipe(keys);
  }
}

function begunIn(repository: RotatedPlace): Begun {
  const journal = readJournal(repository.commonDir);
  if (journal === null) {
    throw new GitCryptError("NO_ROTATION", "there is no rotation to continue or to abort");
  }
  assertSamePlace(repository, journal.gitDir, journal.branch);
  assertIndexFree(repository);
  const keys = journal.keys.map(({ keyName, retired, oldKey, newKey }) => {
    const [last, next] = [oldKey === "" ? null : encoded(oldKey), encoded(newKey)];
    return { keyName, retired, last, next, ring: ringOf(repository, keyName, last, next) };
  });
  return { journal, keys };
}

/**
 * Finishes a rotation that was interrupted. Where commits were made meanwhile, the rotation's comes
 * after them.
 *
 * @throws GitCryptError NO_ROTATION; NO_BRANCH where another branch is checked out now;
 * INDEX_LOCKED; UNFINISHED.
 */
export function continueRotation(repository: Repository, commands: FilterCommands): RotateResult {
  assertWorkTree(repository);
  const begun = begunIn(repository);
  try {
    return orUnfinished(() => finish(repository, begun, commands));
  } finally {
    wipe(begun.keys);
  }
}

/** Encrypts what was staged with a new key with the one that it was to replace. */
function restage(repository: RotatedPlace, keys: readonly RotatedKey[]): Difference[] {
  const names = new Set(stagedChanges(repository).map(({ name }) => name));
  const byName = new Map(keys.map((key) => [key.keyName, key]));
  const entries = listProtected(repository).filter(
    (entry) => byName.has(entry.keyName) && names.has(entry.name) && entry.stage === 0,
  );
  const reencrypted = reencrypt(repository, entries, ({ keyName }, blob) => {
    const key = byName.get(keyName);
    const found = key?.ring.tryOpen(blob) ?? null;
    if (key === undefined || found === null) return null;
    const isNew = keyId(found.key) === keyId(key.next.keyFile);
    const again = isNew ? encryptBlob(key.ring.find(key.retired) ?? key.ring.stored, found.content) : null;
    found.content.fill(0);
    return again;
  });
  putEntries(
    repository,
    reencrypted.map(({ entry, oid }) => withBlob(entry, oid)),
  );
  return reencrypted.map(({ entry: { name, mode, oid: before }, oid: after }) => ({ name, mode, before, after }));
}

/**
 * Undoes a rotation that was interrupted. The new keys stay here as retired ones, in case that
 * something was encrypted with them.
 *
 * @throws GitCryptError NO_ROTATION; NO_BRANCH; BRANCH_MOVED where commits were made meanwhile;
 * INDEX_LOCKED; UNFINISHED.
 */
export function abortRotation(repository: Repository, commands: FilterCommands): void {
  assertWorkTree(repository);
  const { journal, keys } = begunIn(repository);
  const { branch, head, commit, skipped } = journal;
  try {
    const [tip = null] = commitsOf(repository, [branch]);
    if (tip !== head && tip !== commit) {
      throw new GitCryptError("BRANCH_MOVED", "commits were made since the rotation was interrupted");
    }
    orUnfinished(() => {
      for (const { keyName, last, next } of keys) {
        const isNew = storedKey(repository, keyName)?.bytes.equals(next.bytes) === true;
        if (isNew) exchangeKeys(repository, keyName, next, last, commands);
      }
      if (tip === commit) moveBranch(repository, branch, commit, head, "undone");
      const changed = differences(repository, commit, head);
      moveIndex(repository, changed, new Set(skipped));
      moveFiles(repository, changed);
      refresh(repository, [...changed, ...restage(repository, keys)], keys);
      wipeJournal(repository.commonDir);
    });
  } finally {
    wipe(keys);
  }
}
