import { existsSync } from "node:fs";
import { join } from "node:path";
import { printable } from "@git-vault/core";
import { stateFiles } from "../checkout/file-states.ts";
import { GitCryptError } from "../errors.ts";
import { someOf } from "../format/file-name.ts";
import { commitOf, recordsOf, runGit, tryGit } from "../git/git.ts";
import { ownFolders } from "../git/own-folders.ts";
import { type IndexEntry, withKeyNames } from "../git/protected-files.ts";
import { listUncommitted } from "../git/tracked-files.ts";
import { WorkTree } from "../git/work-tree.ts";
import { retirementsIn } from "../keys/committed-retired-keys.ts";
import { type KeyRing, retiredKey } from "../keys/key-ring.ts";
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
function branchOf(repository: RotatedPlace): string | null {
  const { status, stdout } = tryGit(repository, ["symbolic-ref", "--quiet", "HEAD"]);
  return status === 0 ? stdout.toString().trim() : null;
}

/**
 * The branch that HEAD is on, and its commit.
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
  const head = commitOf(repository, branch);
  if (head !== null) return { branch, head };
  throw new GitCryptError("NO_BRANCH", "expected a branch with a commit, got one without any");
}

/**
 * Asserts that the keys by which rotations replaced others, as the index tells, are here: what they
 * encrypted would be lost. A name that no log confirms tells nothing.
 *
 * @throws GitCryptError RETIRED_KEY.
 */
export function assertComplete(repository: RotatedPlace, index: readonly IndexEntry[], keys: KeyRing): void {
  const known = repository.generations(keys.name)?.known;
  const sealers = retirementsIn(index, keys.name).map(({ sealer }) => sealer);
  const missing = sealers.find((id) => known?.has(id) === true && keys.find(id) === null);
  if (missing === undefined) return;
  throw retiredKey(keys.name, `where nobody has it, remove the files *.${missing}.key and commit that first`);
}

/**
 * Asserts that the protected files, the attributes that protect them and the own folders are as the
 * last commit holds them.
 *
 * @throws GitCryptError MODIFIED.
 */
export function assertClean(
  repository: RotatedPlace,
  index: readonly IndexEntry[],
  keys: ReadonlyMap<string, KeyRing>,
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
  refuse(STILL_ENCRYPTED, namesOf("sealed", "sealed-change"));
  refuse(FILES_CHANGED, namesOf("change", "absent"), COMMIT_FIRST);
}

/**
 * Asserts that a rotation goes on where it was begun.
 *
 * @throws GitCryptError NO_BRANCH.
 */
export function assertSamePlace(repository: RotatedPlace, gitDir: string, branch: string): void {
  if (repository.gitDir === gitDir && branchOf(repository) === branch) return;
  const where = repository.gitDir === gitDir ? "" : ` in the work tree of ${printable(gitDir)}`;
  const name = branch.replace(/^refs\/heads\//, "");
  throw new GitCryptError("NO_BRANCH", `the rotation was begun on the branch ${printable(name)}${where}`, {
    hint: "go there, check the branch out, and run the command again",
  });
}
