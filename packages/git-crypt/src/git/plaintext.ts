import { seemsEncrypted } from "../format/blob.ts";
import { commitOf, gitFailed, type GitPlace, tryGit } from "./git.ts";
import { readStarts, sizesOf } from "./objects.ts";
import { listIndex } from "./protected-files.ts";
import { type Difference, parseDifferences, RAW } from "./trees.ts";

/** A path and a blob that it holds. */
export interface Version {
  readonly name: string;
  readonly oid: string;
}

/** How the index differs from HEAD; all that it holds before the first commit. */
export function stagedChanges(place: GitPlace): Difference[] {
  const args = ["diff-index", "--cached", ...RAW, "HEAD"];
  const output = tryGit(place, args);
  if (output.status === 0) return parseDifferences(output.stdout);
  if (commitOf(place, "HEAD") !== null) throw gitFailed(args, output);
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
