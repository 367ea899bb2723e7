import { seemsEncrypted } from "../format/blob.ts";
import { commitOf, type GitPlace, runGit } from "./git.ts";
import { readStarts, runWhereHere, sizesOf } from "./objects.ts";
import { listIndex } from "./protected-files.ts";
import { type Difference, parseDifferences, RAW } from "./trees.ts";

/** A path and a blob that it holds. */
export interface Version {
  readonly name: string;
  readonly oid: string;
}

/** How the index differs from HEAD; all that it holds before the first commit. */
export function stagedChanges(place: GitPlace): Difference[] {
  if (commitOf(place, "HEAD") !== null)
    return parseDifferences(runGit(place, ["diff-index", "--cached", ...RAW, "HEAD"]));
  return listIndex(place).map(({ name, mode, oid }) => ({ name, mode, before: null, after: oid }));
}

/**
 * Those blobs that are not encrypted, also where they begin as ciphertext does. An empty one has
 * nothing to hide.
 */
export function clearBlobs(place: GitPlace, oids: Iterable<string>): Set<string> {
  const sizes = sizesOf(place, oids);
  for (const [oid, size] of sizes) if (size === 0) sizes.delete(oid);
  const clear = new Set<string>();
  for (const [oid, start] of readStarts(place, sizes)) if (!seemsEncrypted(start)) clear.add(oid);
  return clear;
}

/** So many commits of the first parents. */
const LATE_COMMITS = 20;

const lastPart = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

/**
 * What new files held under the folders that they were moved from: a file by the same name left
 * along. Plaintext and ciphertext have nothing else in common that shows without a key.
 */
function movedFrom(changes: readonly Difference[]): Version[] {
  const left = new Map<string, string>();
  for (const { name, before, after } of changes) {
    if (before !== null && after === null) left.set(lastPart(name), before);
  }
  return changes.flatMap(({ name, before }) => {
    const oid = before === null ? left.get(lastPart(name)) : undefined;
    return oid === undefined ? [] : [{ name, oid }];
  });
}

/** What files held before the index and the last commits on this branch changed or removed them. */
export function lateVersions(place: GitPlace, staged: readonly Difference[]): Version[] {
  // What the first commit adds was not there before.
  const args = ["-c", "log.showRoot=false", "log", "--first-parent", "-m", `--max-count=${LATE_COMMITS}`];
  const options = ["--diff-filter=MTD", "--format=", ...RAW, "HEAD"];
  const late = commitOf(place, "HEAD") === null ? [] : parseDifferences(runWhereHere(place, [...args, ...options]));
  const changed = [...staged, ...late].flatMap(({ name, before }) => (before === null ? [] : [{ name, oid: before }]));
  return [...changed, ...movedFrom(staged)];
}
