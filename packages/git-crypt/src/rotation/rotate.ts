import type { FilterCommands } from "../checkout/filter-config.ts";
import type { Progress } from "../checkout/rewrite-files.ts";
import { GitCryptError } from "../errors.ts";
import { encryptBlob } from "../format/blob.ts";
import { fileName, type FileName } from "../format/file-name.ts";
import { encodeKeyFile, generateKeyFile, parseKeyFile, wipeKeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import { assertKeyName, DEFAULT_KEY_NAME } from "../format/key-name.ts";
import { commitOf, gitSucceeds } from "../git/git.ts";
import { assertIndexFree } from "../git/index-file.ts";
import { isWithin, ownFolders } from "../git/own-folders.ts";
import { stagedFiles } from "../git/plaintext.ts";
import { assertWorkTree, isRegular, listProtected, putEntries, withBlob } from "../git/protected-files.ts";
import { reencrypt } from "../git/reencrypt-blobs.ts";
import type { Repository, StoredKey } from "../git/repository.ts";
import type { Difference } from "../git/trees.ts";
import { isRetiredFile } from "../keys/committed-retired-keys.ts";
import { KeyRing, readKeyRing } from "../keys/key-ring.ts";
import { assertNoRotation, type Journal, readJournal, wipeJournal, writeJournal } from "../keys/rotation-journal.ts";
import { differences, type FilesToCommit, makeCommit } from "./build-commit.ts";
import { assertClean, assertComplete, assertSamePlace, currentBranch } from "./preconditions.ts";
import { exchangeKeys, moveBranch, moveFiles, moveIndex, refreshFiles, type RotatedPlace } from "./steps.ts";

/** How a key is rotated. */
export interface RotateOptions extends FilterCommands {
  /** The key that is replaced: `default` where left out. */
  readonly keyName?: string | undefined;
  /**
   * Gives what is committed along, mostly grants of the new key: files below `.git-vault` or
   * git-crypt's folder, by their paths from the top folder; null removes one. Grants of this key
   * name that it leaves out are removed: they hold the old key.
   */
  readonly filesFor?: (newKey: StoredKey) => Promise<FilesToCommit>;
  /** The commit's message. */
  readonly message?: string;
  /** Is told how many files are encrypted anew, of how many. */
  readonly progress?: Progress | undefined;
}

/** What rotating a key did. */
export interface RotateResult {
  readonly keyName: string;
  /** The ids of the new key and of the one that it replaced. */
  readonly keyId: string;
  readonly retiredKeyId: string;
  /** The branch's short name, and the commit that was made. */
  readonly branch: string;
  readonly commit: string;
  /** The files now encrypted with the new key; holders of the old one may know them. */
  readonly files: readonly FileName[];
  /** Protected files that the commit holds unencrypted, as before. */
  readonly clear: readonly FileName[];
  /** Grants of the old key that were removed and not renewed. */
  readonly droppedGrants: readonly FileName[];
}

/** A rotation that was begun, with its keys. */
interface Begun {
  readonly journal: Journal;
  readonly last: StoredKey;
  readonly next: StoredKey;
}

const stored = (base64: string): StoredKey => {
  const bytes = Buffer.from(base64, "base64");
  return { bytes, keyFile: parseKeyFile(bytes) };
};

function wipe({ last, next }: Pick<Begun, "last" | "next">): void {
  for (const { bytes, keyFile } of [last, next]) {
    bytes.fill(0);
    wipeKeyFile(keyFile);
  }
}

const messageFor = (keyName: string, last: StoredKey, next: StoredKey): string =>
  [
    `Rotate the git-crypt key${keyName === DEFAULT_KEY_NAME ? "" : ` ${keyName}`}`,
    "",
    `The protected files are encrypted with the key ${keyId(next.keyFile)};`,
    `${keyId(last.keyFile)} is retired, and opens older commits.`,
    "",
  ].join("\n");

function assertFiles(repository: Repository, files: FilesToCommit): void {
  const folders = ownFolders(repository);
  const isStray = (path: string): boolean =>
    !isWithin(folders, path) || path.split("/").some((part) => /^\.{0,2}$/.test(part));
  if ([...files.keys()].some(isStray)) {
    throw new RangeError(`files to commit: expected paths below ${folders.join(" or ")}`);
  }
}

/** The present key, those that it replaced and, to tell what is done already, the new one. */
function ringOf(repository: Repository, keyName: string, last: StoredKey, next: StoredKey): KeyRing {
  const ring = new KeyRing(repository, keyName, last.keyFile);
  ring.search();
  ring.learn([next.keyFile]);
  return ring;
}

const resultOf = (repository: Repository, { journal, last, next }: Begun): RotateResult => {
  const own = new Set(journal.clear);
  // Also what was committed in the middle of an interrupted rotation, by then with the new key: its
  // earlier content is known.
  const files = listProtected(repository).filter(
    (entry) => entry.keyName === journal.keyName && isRegular(entry) && !own.has(entry.name),
  );
  return {
    keyName: journal.keyName,
    keyId: keyId(next.keyFile),
    retiredKeyId: keyId(last.keyFile),
    branch: journal.branch.replace(/^refs\/heads\//, ""),
    commit: journal.commit,
    files: files.map(({ name }) => fileName(name)),
    clear: journal.clear.map(fileName),
    droppedGrants: journal.dropped.map(fileName),
  };
};

/** Makes the commit again after others that were made meanwhile. */
function rebuild(repository: RotatedPlace, { journal, last, next }: Begun, head: string): Begun {
  const ring = ringOf(repository, journal.keyName, last, next);
  const folders = ownFolders(repository);
  const blobs = differences(repository, journal.head, journal.commit).filter(
    ({ name }) => isWithin(folders, name) && !isRetiredFile(name),
  );
  const { keyName } = journal;
  const message = messageFor(keyName, last, next);
  const made = makeCommit(repository, head, { keyName, ring, newKey: next.keyFile, message, files: new Map(), blobs });
  const remade = { ...journal, head, ...made, dropped: [...journal.dropped, ...made.dropped] };
  writeJournal(repository.commonDir, remade);
  return { journal: remade, last, next };
}

/** Brings the branch to the commit; where commits were made meanwhile, after them. */
function advance(repository: RotatedPlace, begun: Begun): Begun {
  const { branch, head, commit } = begun.journal;
  const tip = commitOf(repository, branch);
  if (tip === null)
    throw new GitCryptError("NO_BRANCH", "the branch that was rotated is gone", { hint: "undo the rotation" });
  if (tip === commit || gitSucceeds(repository, "merge-base", "--is-ancestor", commit, tip)) return begun;
  if (tip !== head) return advance(repository, rebuild(repository, begun, tip));
  moveBranch(repository, branch, head, commit, "new key");
  return begun;
}

function withRing(repository: Repository, keyName: string, action: (ring: KeyRing) => void): void {
  const ring = readKeyRing(repository, keyName);
  try {
    action(ring);
  } finally {
    ring.wipe();
  }
}

/** Does everything that the journal tells, from wherever it was left. */
function finish(repository: RotatedPlace, begun: Begun, commands: FilterCommands): RotateResult {
  const { keyName, skipped } = begun.journal;
  exchangeKeys(repository, keyName, begun.last, begun.next, commands);
  const done = advance(repository, begun);
  const { head, commit } = done.journal;
  const changed = differences(repository, head, commit);
  moveIndex(repository, changed, new Set(skipped));
  moveFiles(repository, changed);
  withRing(repository, keyName, (ring) => refreshFiles(repository, changed, ring));
  const result = resultOf(repository, done);
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
 * Replaces a key: makes a new one, encrypts every file that the current branch protects with it in
 * one commit, and keeps the old one as a retired key, sealed in that commit under the new one.
 * Older retired keys are sealed anew. The content of the work tree does not change; staged changes
 * of other files stay staged. git's hooks do not run.
 *
 * Everything is stored before anything is changed. From then on a journal in the repository's
 * folder, which holds both keys and is wiped in the end, tells {@link continueRotation} and {@link
 * abortRotation} what to do, wherever the process was killed.
 *
 * What was encrypted before stays readable for whoever had the old key: the secrets themselves
 * should be changed.
 *
 * @throws GitCryptError as readKey does; NO_BRANCH, MODIFIED, UNFINISHED in the middle of a merge,
 * a rebase or another rotation, RETIRED_KEY, FORKED_KEY where a rotation that was merged made a key
 * which is not here, TAMPERED_BLOB for a file that no key opens, INDEX_LOCKED, NO_WORK_TREE,
 * GIT_FAILED: nothing was changed; UNFINISHED with a cause where it must be continued or aborted.
 * What `filesFor` throws, where nothing was changed.
 */
export async function rotate(repository: Repository, options: RotateOptions): Promise<RotateResult> {
  const { keyName = DEFAULT_KEY_NAME, filesFor } = options;
  assertKeyName(keyName);
  assertWorkTree(repository);
  assertNoRotation(repository.commonDir);
  const last = repository.readKey(keyName);
  const keyFile = generateKeyFile(keyName);
  const next = { bytes: encodeKeyFile(keyFile), keyFile };
  const ring = ringOf(repository, keyName, last, next);
  try {
    assertIndexFree(repository);
    const { branch, head } = currentBranch(repository);
    assertComplete(repository, ring);
    assertClean(repository, ring);
    const files = (await filesFor?.(next)) ?? new Map<string, Buffer | null>();
    assertFiles(repository, files);
    const message = options.message ?? messageFor(keyName, last, next);
    const { progress } = options;
    const made = makeCommit(repository, head, { keyName, ring, newKey: keyFile, files, message, progress });
    const skipped = listProtected(repository)
      .filter((entry) => entry.skipped)
      .map(({ name }) => name);
    const journal: Journal = {
      version: 1,
      keyName,
      gitDir: repository.gitDir,
      branch,
      head,
      ...made,
      oldKey: encodeKeyFile({ ...last.keyFile, legacy: false }).toString("base64"),
      newKey: next.bytes.toString("base64"),
      skipped,
    };
    writeJournal(repository.commonDir, journal);
    return orUnfinished(() => finish(repository, { journal, last, next }, options));
  } finally {
    ring.forget();
    wipe({ last, next });
  }
}

function begunIn(repository: RotatedPlace): Begun {
  const journal = readJournal(repository.commonDir);
  if (journal === null) {
    throw new GitCryptError("NO_ROTATION", "there is no rotation to continue or to abort");
  }
  assertSamePlace(repository, journal.gitDir, journal.branch);
  assertIndexFree(repository);
  return { journal, last: stored(journal.oldKey), next: stored(journal.newKey) };
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
    wipe(begun);
  }
}

/** Encrypts what was staged with the new key with the old one. */
function restage(repository: RotatedPlace, keyName: string, ring: KeyRing): Difference[] {
  const names = new Set(stagedFiles(repository).map(({ name }) => name));
  const entries = listProtected(repository).filter(
    (entry) => entry.keyName === keyName && names.has(entry.name) && entry.stage === 0,
  );
  const reencrypted = reencrypt(repository, entries, (_, blob) => {
    const found = ring.tryOpen(blob);
    const again = found === null || found.key === ring.current ? null : encryptBlob(ring.current, found.content);
    found?.content.fill(0);
    return again;
  });
  putEntries(
    repository,
    reencrypted.map(({ entry, oid }) => withBlob(entry, oid)),
  );
  return reencrypted.map(({ entry: { name, mode, oid: before }, oid: after }) => ({ name, mode, before, after }));
}

/**
 * Undoes a rotation that was interrupted. The new key stays here as a retired one, in case that
 * something was encrypted with it.
 *
 * @throws GitCryptError NO_ROTATION; NO_BRANCH; BRANCH_MOVED where commits were made meanwhile;
 * INDEX_LOCKED; UNFINISHED.
 */
export function abortRotation(repository: Repository, commands: FilterCommands): void {
  assertWorkTree(repository);
  const { journal, last, next } = begunIn(repository);
  const { keyName, branch, head, commit, skipped } = journal;
  try {
    const tip = commitOf(repository, branch);
    if (tip !== head && tip !== commit) {
      throw new GitCryptError("BRANCH_MOVED", "commits were made since the rotation was interrupted");
    }
    orUnfinished(() => {
      if (repository.readKey(keyName).bytes.equals(next.bytes)) exchangeKeys(repository, keyName, next, last, commands);
      if (tip === commit) moveBranch(repository, branch, commit, head, "undone");
      const changed = differences(repository, commit, head);
      moveIndex(repository, changed, new Set(skipped));
      moveFiles(repository, changed);
      withRing(repository, keyName, (ring) =>
        refreshFiles(repository, [...changed, ...restage(repository, keyName, ring)], ring),
      );
      wipeJournal(repository.commonDir);
    });
  } finally {
    wipe({ last, next });
  }
}
