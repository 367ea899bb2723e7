import { isEncryptedBlob } from "../format/blob.ts";
import { type Finding, findingOf } from "./finding.ts";
import { type GitPlace, recordsOf, runGit, tryGit } from "./git.ts";
import { readStarts, sizesOf } from "./objects.ts";
import { assertWorkTree, isRegular, listIndex, withKeyNames } from "./protected-files.ts";
import type { Repository } from "./repository.ts";

/** A path whose entry in the index is not that of the last commit. */
export interface StagedChange {
  readonly name: string;
  readonly mode: string;
  readonly oid: string;
  /** What the last commit holds; null where it holds nothing by that name. */
  readonly before: string | null;
}

const RAW = /^\n?:\d+ (\d+) ([0-9a-f]+) ([0-9a-f]+) [A-Z]/;

/** The records of `git diff --raw -z`: what changed, then the path. */
export function parseRawDiff(output: Buffer): StagedChange[] {
  const records = recordsOf(output);
  const changes: StagedChange[] = [];
  for (let at = 0; at + 1 < records.length; at++) {
    const match = RAW.exec(records[at] ?? "");
    if (match === null) continue;
    const [, mode = "", before = "", oid = ""] = match;
    changes.push({ name: records[++at] ?? "", mode, oid, before: /^0+$/.test(before) ? null : before });
  }
  return changes;
}

/** What is staged; the whole index before the first commit. Files that are removed are left out. */
export function stagedChanges(place: GitPlace): StagedChange[] {
  if (tryGit(place, ["rev-parse", "--quiet", "--verify", "HEAD"]).status !== 0) {
    return listIndex(place).map(({ name, mode, oid }) => ({ name, mode, oid, before: null }));
  }
  const output = runGit(place, [
    "diff-index",
    "--cached",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--diff-filter=d",
    "HEAD",
  ]);
  return parseRawDiff(output);
}

/** Those blobs that are not encrypted. An empty one has nothing to hide. */
export function clearBlobs(place: GitPlace, oids: Iterable<string>): Set<string> {
  const sizes = sizesOf(place, oids);
  for (const [oid, size] of sizes) if (size === 0) sizes.delete(oid);
  const clear = new Set<string>();
  for (const [oid, start] of readStarts(place, sizes)) if (!isEncryptedBlob(start)) clear.add(oid);
  return clear;
}

/**
 * Looks for plaintext that is staged on a protected path: what a commit must not take. It needs no
 * key, and is what a pre-commit hook runs. A path counts as protected by the attributes of the work
 * tree or by those that are staged.
 *
 * @throws GitCryptError NO_WORK_TREE, GIT_FAILED.
 */
export function checkStaged(repository: Repository): Finding[] {
  assertWorkTree(repository);
  const staged = stagedChanges(repository).filter(isRegular);
  const names = new Set(
    (["work tree", "index"] as const).flatMap((from) => withKeyNames(repository, staged, from).map(({ name }) => name)),
  );
  const watched = staged.filter(({ name }) => names.has(name));
  const clear = clearBlobs(
    repository,
    watched.map(({ oid }) => oid),
  );
  return watched.filter(({ oid }) => clear.has(oid)).map(({ name }) => findingOf(name, "staged-plaintext"));
}
