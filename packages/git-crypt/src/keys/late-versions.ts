import { commitOf, type GitPlace } from "../git/git.ts";
import { runWhereHere } from "../git/objects.ts";
import type { Version } from "../git/plaintext.ts";
import type { Repository } from "../git/repository.ts";
import { type Difference, parseCommits, RAW } from "../git/trees.ts";
import { movedVersions } from "./moved-files.ts";

/** So many commits of the first parents. */
const LATE_COMMITS = 20;

/** What the last commits on this branch changed, each for itself. */
export function lateCommits(place: GitPlace): Difference[][] {
  // What the first commit adds was not there before.
  const args = ["-c", "log.showRoot=false", "log", "--first-parent", "-m", `--max-count=${LATE_COMMITS}`];
  try {
    const found = runWhereHere(place, [...args, "--diff-filter=AMTD", "--format=%H", ...RAW, "HEAD"]);
    return found === null ? [] : parseCommits(found);
  } catch (error) {
    // Before the first commit; mostly there is one, and git need not be asked.
    if (commitOf(place, "HEAD") === null) return [];
    throw error;
  }
}

/**
 * What files held before the index and the last commits on this branch changed, moved or removed
 * them.
 *
 * @param open what nothing protects: only of that it is told what was moved there
 */
export function lateVersions(
  repository: Repository,
  staged: readonly Difference[],
  open: readonly { readonly name: string }[],
): Version[] {
  const commits = [staged, ...lateCommits(repository)];
  const changed = commits.flat().flatMap(({ name, before }) => (before === null ? [] : [{ name, oid: before }]));
  return [...changed, ...movedVersions(repository, commits, open)];
}
