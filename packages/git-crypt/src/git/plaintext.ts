import { isEncryptedBlob } from "../format/blob.ts";
import { type PathFinding, pathFindings } from "./finding.ts";
import { commitOf, type GitPlace, runGit } from "./git.ts";
import { oidsOf, readStarts, sizesOf } from "./objects.ts";
import { assertWorkTree, isRegular, listIndex, withKeyNames } from "./protected-files.ts";
import type { Repository } from "./repository.ts";
import { parseDifferences, RAW } from "./trees.ts";

/** A path and a blob that it holds. */
interface Version {
  readonly name: string;
  readonly mode: string;
  readonly oid: string;
}

const versionsIn = (output: Buffer): Version[] =>
  parseDifferences(output).map(({ name, mode, after }) => ({ name, mode, oid: after ?? "" }));

/** What is staged; the whole index before the first commit. Files that are removed are left out. */
export function stagedFiles(place: GitPlace): Version[] {
  if (commitOf(place, "HEAD") === null) return listIndex(place);
  return versionsIn(runGit(place, ["diff-index", "--cached", ...RAW, "--diff-filter=d", "HEAD"]));
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
export function checkStaged(repository: Repository): PathFinding[] {
  assertWorkTree(repository);
  const staged = stagedFiles(repository).filter(isRegular);
  const names = new Set(
    (["work tree", "index"] as const).flatMap((from) => withKeyNames(repository, staged, from).map(({ name }) => name)),
  );
  const watched = staged.filter(({ name }) => names.has(name));
  const clear = clearBlobs(repository, oidsOf(watched));
  const found = watched.filter(({ oid }) => clear.has(oid));
  return pathFindings(found, "staged-plaintext");
}

/**
 * The paths, protected by today's attributes, of which a commit that any reference reaches holds a
 * version in clear. What a shallow clone lacks is not searched.
 *
 * @throws GitCryptError GIT_FAILED.
 */
export function clearInHistory(place: GitPlace): PathFinding[] {
  const changes = runGit(place, ["log", "--all", ...RAW, "-m", "--root", "--diff-filter=d", "--format="]);
  const versions = new Map<string, { readonly name: string; readonly oids: Set<string> }>();
  for (const { name, oid } of versionsIn(changes).filter(isRegular)) {
    const { oids } = versions.get(name) ?? { oids: new Set() };
    versions.set(name, { name, oids: oids.add(oid) });
  }
  const found = withKeyNames(place, [...versions.values()]);
  const clear = clearBlobs(
    place,
    found.flatMap(({ oids }) => [...oids]),
  );
  const isClear = ({ oids }: { readonly oids: ReadonlySet<string> }): boolean =>
    [...oids].some((oid) => clear.has(oid));
  return pathFindings(found.filter(isClear), "history-plaintext");
}
