import { existsSync } from "node:fs";
import { join } from "node:path";
import { GitCryptError } from "../errors.ts";
import { printable, someOf } from "../format/file-name.ts";
import { stateFiles } from "../checkout/file-states.ts";
import { recordsOf, runGit, tryGit } from "../git/git.ts";
import { keyId } from "../format/key-id.ts";
import { forkedKey, type KeyRing, retiredKey } from "../keys/key-ring.ts";
import { listIndex, listProtected, withKeyNames } from "../git/protected-files.ts";
import { stateFolder } from "./build-commit.ts";
import { type RotatedPlace, tipOf } from "./steps.ts";
import { presentIn, retiredFolder, retirementIn, VAULT_FOLDER } from "../keys/committed-retired-keys.ts";
import { WorkTree } from "../git/work-tree.ts";

/** What git keeps in a repository's folder while such a command waits for its continuation. */
const OPERATIONS: readonly [file: string, what: string][] = [
  ["MERGE_HEAD", "merge"],
  ["CHERRY_PICK_HEAD", "cherry-pick"],
  ["REVERT_HEAD", "revert"],
  ["rebase-merge", "rebase"],
  ["rebase-apply", "rebase or git am"],
  ["BISECT_LOG", "bisection"],
];

const modified = (what: string, names: readonly string[], hint: string): GitCryptError =>
  new GitCryptError("MODIFIED", `${what}: ${someOf(names)}`, { hint });

const COMMIT_FIRST = "nothing was changed; commit or stash them first";

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
  const { status, stdout } = tryGit(repository, ["symbolic-ref", "--quiet", "HEAD"]);
  const branch = stdout.toString().trim();
  if (status !== 0) {
    throw new GitCryptError("NO_BRANCH", "expected a branch, got a detached HEAD", {
      hint: "check out the branch that is to be rotated",
    });
  }
  const head = tipOf(repository, branch);
  if (head !== null) return { branch, head };
  throw new GitCryptError("NO_BRANCH", "expected a branch with a commit, got one without any", {
    hint: "commit first; before the first commit, `vault lock` and `vault init` make another key",
  });
}

/**
 * Asserts that the keys of all rotations that the index tells of are here: what they encrypted
 * would be lost.
 *
 * @throws GitCryptError RETIRED_KEY, FORKED_KEY.
 */
export function assertComplete(repository: RotatedPlace, keys: KeyRing): void {
  const index = listIndex(repository);
  if (retirementIn(index, keys.name)(keys.current)) throw retiredKey(keys.name);
  const here = new Set(keys.all.map(keyId));
  const missing = [...presentIn(index, keys.name, keys.all)].find((id) => !here.has(id));
  if (missing === undefined) return;
  throw forkedKey(
    keys.name,
    `take it with \`vault unlock\`; where nobody has it, remove ${retiredFolder(keys.name)}/*.${missing}.*.key and commit that first`,
  );
}

/**
 * Asserts that the protected files, the attributes that protect them and the folders of grants are
 * as the last commit holds them.
 *
 * @throws GitCryptError MODIFIED.
 */
export function assertClean(repository: RotatedPlace, keys: KeyRing): void {
  const own = [":(glob)**/.gitattributes", VAULT_FOLDER, stateFolder(repository)];
  const listed = recordsOf(
    runGit(repository, ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ...own]),
  );
  if (listed.length > 0) {
    const names = listed.map((record) => record.slice(3));
    throw modified("attributes or grants have changes that are not committed", names, COMMIT_FIRST);
  }
  const changed = recordsOf(
    runGit(repository, ["diff-index", "--cached", "--name-only", "--no-renames", "-z", "HEAD"]),
  );
  const staged = withKeyNames(
    repository,
    changed.map((name) => ({ name })),
  ).filter(({ keyName }) => keyName === keys.name);
  if (staged.length > 0) {
    throw modified(
      "protected files have changes that are not committed",
      staged.map(({ name }) => name),
      COMMIT_FIRST,
    );
  }
  const entries = listProtected(repository).filter(({ keyName }) => keyName === keys.name);
  const files = stateFiles(new WorkTree(repository.topLevel, repository.gitDir), entries, new Map([[keys.name, keys]]));
  const namesOf = (...states: string[]): string[] =>
    files.filter(({ state }) => states.includes(state)).map(({ entry }) => entry.name);
  const sealed = namesOf("sealed", "sealed-change");
  if (sealed.length > 0)
    throw modified("protected files are still encrypted in the work tree", sealed, "run `vault unlock` first");
  const edited = namesOf("change", "absent");
  if (edited.length > 0) throw modified("protected files have changes that are not committed", edited, COMMIT_FIRST);
}

/**
 * Asserts that a rotation goes on where it was begun.
 *
 * @throws GitCryptError NO_BRANCH.
 */
export function assertSamePlace(repository: RotatedPlace, gitDir: string, branch: string): void {
  const { stdout } = tryGit(repository, ["symbolic-ref", "--quiet", "HEAD"]);
  if (repository.gitDir === gitDir && stdout.toString().trim() === branch) return;
  const where = repository.gitDir === gitDir ? "" : ` in the work tree of ${printable(gitDir)}`;
  const name = branch.replace(/^refs\/heads\//, "");
  throw new GitCryptError("NO_BRANCH", `the rotation was begun on the branch ${printable(name)}${where}`, {
    hint: "go there, check the branch out, and run the command again",
  });
}
