import { existsSync } from "node:fs";
import { join } from "node:path";
import { printable } from "@git-vault/core";
import { stateFiles } from "../checkout/file-states.ts";
import { GitCryptError } from "../errors.ts";
import { fileName, type FileName, someOf } from "../format/file-name.ts";
import { isEncryptedBlob } from "../format/blob.ts";
import { commitsOf, type GitPlace, recordsOf, runGit, symbolicOf, textOf } from "../git/git.ts";
import { ownFolders } from "../git/own-folders.ts";
import {
  type IndexEntry,
  isRegular,
  listProtected,
  type ProtectedEntry,
  withKeyNames,
} from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { listUncommitted } from "../git/tracked-files.ts";
import { WorkTree } from "../git/work-tree.ts";
import { byOid, readBlobs, sizesOf } from "../git/objects.ts";
import { type KeyRing, readKeyRing } from "../keys/key-ring.ts";
import { unopenedFiles } from "./build-commit.ts";
import type { RotatedPlace } from "./steps.ts";

/** What git keeps in a repository's folder while such a command waits for its continuation. */
const OPERATIONS: readonly [file: string, what: string][] = [
  ["MERGE_HEAD", "merge"],
  ["CHERRY_PICK_HEAD", "cherry-pick"],
  ["REVERT_HEAD", "revert"],
  ["rebase-merge", "rebase"],
  ["rebase-apply", "rebase or git am"],
  ["BISECT_LOG", "bisection"],
];

/** Throws where any of the files named is modified. */
function refuse(what: string, names: readonly string[], hint?: string): void {
  if (names.length > 0) throw new GitCryptError("MODIFIED", `${what}: ${someOf(names)}`, { hint });
}

const COMMIT_FIRST = "nothing was changed; commit or stash them first";
const OWN_CHANGED = "attributes or sealed keys have changes that are not committed";
const FILES_CHANGED = "protected files have changes that are not committed";
const STILL_ENCRYPTED = "protected files are still encrypted in the work tree";

/** The full name of the branch that HEAD is on; null where it is on none. */
const branchOf = (repository: RotatedPlace): string | null => symbolicOf(repository, "HEAD");

/**
 * The branch that HEAD is on, by its full name whose characters are bytes, and its commit.
 *
 * @throws GitCryptError NO_BRANCH where it is on none, or on one without a commit; UNFINISHED in
 * the middle of a merge and the like.
 */
export function currentBranch(repository: RotatedPlace): { readonly branch: string; readonly head: string } {
  const begun = OPERATIONS.find(([file]) => existsSync(join(repository.gitDir, file)));
  if (begun !== undefined) {
    throw new GitCryptError("UNFINISHED", `a ${begun[1]} is in progress`, { hint: "finish it or abort it first" });
  }
  const branch = branchOf(repository);
  if (branch === null) {
    throw new GitCryptError("NO_BRANCH", "expected a branch, got a detached HEAD", {
      hint: "check out the branch that is to be rotated",
    });
  }
  const [head = null] = commitsOf(repository, [branch]);
  if (head !== null) return { branch, head };
  throw new GitCryptError("NO_BRANCH", "expected a branch with a commit, got one without any");
}

/**
 * Asserts that the protected files, the attributes that protect them and the own folders are as the
 * last commit holds them. Files that are encrypted in the work tree since no key opens them may be.
 *
 * @throws GitCryptError MODIFIED; UNOPENED where such files may not stay as they are.
 */
export function assertClean(
  repository: RotatedPlace,
  index: readonly IndexEntry[],
  keys: ReadonlyMap<string, KeyRing>,
  leavesUnopened: boolean,
): void {
  const own = [":(glob)**/.gitattributes", ...ownFolders(repository)];
  refuse(OWN_CHANGED, listUncommitted(repository, own), COMMIT_FIRST);
  const isOwn = ({ keyName }: { readonly keyName: string }): boolean => keys.has(keyName);
  const changed = runGit(repository, ["diff-index", "--cached", "--name-only", "--no-renames", "-z", "HEAD"]);
  const staged = withKeyNames(
    repository,
    recordsOf(changed).map((name) => ({ name })),
  ).filter(isOwn);
  refuse(
    FILES_CHANGED,
    staged.map(({ name }) => name),
    COMMIT_FIRST,
  );
  const workTree = new WorkTree(repository.topLevel, repository.gitDir);
  const files = stateFiles(workTree, withKeyNames(repository, index).filter(isOwn), keys);
  const namesOf = (...states: string[]): string[] =>
    files.filter(({ state }) => states.includes(state)).map(({ entry }) => entry.name);
  const sealed = files.filter(({ state }) => state === "sealed").map(({ entry }) => entry);
  const unopened = new Set(unopenedAmong(repository, sealed, keys).map(({ name }) => name));
  if (unopened.size > 0 && !leavesUnopened) throw unopenedFiles([...unopened]);
  refuse(
    STILL_ENCRYPTED,
    namesOf("sealed", "sealed-change").filter((name) => !unopened.has(name)),
  );
  refuse(FILES_CHANGED, namesOf("change", "absent"), COMMIT_FIRST);
}

/**
 * The protected files of a name that no key here opens; all that are encrypted where none is here.
 *
 * @throws GitCryptError GIT_FAILED; what reading a key throws.
 */
export function unopenedOf(repository: Repository, keyName: string): FileName[] {
  const entries = listProtected(repository).filter((entry) => entry.keyName === keyName && isRegular(entry));
  const keys = repository.keyNames().includes(keyName)
    ? new Map([[keyName, readKeyRing(repository, keyName)]])
    : new Map<string, KeyRing>();
  try {
    return unopenedAmong(repository, entries, keys).map(({ name }) => fileName(name));
  } finally {
    for (const ring of keys.values()) ring.wipe();
  }
}

/**
 * Those of some protected files whose blobs are encrypted, and that no key of their names opens.
 */
export function unopenedAmong<T extends ProtectedEntry>(
  place: GitPlace,
  entries: readonly T[],
  keys: ReadonlyMap<string, KeyRing>,
): T[] {
  const groups = byOid(entries);
  const unopened = new Set<T>();
  for (const [oid, blob] of readBlobs(place, sizesOf(place, groups.keys()))) {
    if (!isEncryptedBlob(blob)) continue;
    for (const entry of groups.get(oid) ?? []) {
      if ((keys.get(entry.keyName)?.keyOf(blob) ?? null) === null) unopened.add(entry);
    }
  }
  return entries.filter((entry) => unopened.has(entry));
}

/**
 * Asserts that a rotation goes on where it was begun.
 *
 * @throws GitCryptError NO_BRANCH.
 */
export function assertSamePlace(repository: RotatedPlace, gitDir: string, branch: string): void {
  if (repository.gitDir === gitDir && branchOf(repository) === branch) return;
  const where = repository.gitDir === gitDir ? "" : ` in the work tree of ${printable(gitDir)}`;
  const name = textOf(branch.replace(/^refs\/heads\//, ""));
  throw new GitCryptError("NO_BRANCH", `the rotation was begun on the branch ${printable(name)}${where}`, {
    hint: "go there, check the branch out, and run the command again",
  });
}
