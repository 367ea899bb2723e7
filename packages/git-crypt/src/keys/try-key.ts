import { isEncryptedBlob } from "../format/blob.ts";
import type { GitPlace } from "../git/git.ts";
import { oidsOf, readBlobs, sizesOf, WHOLE_BYTES } from "../git/objects.ts";
import { isRegular, listProtected, type ProtectedEntry } from "../git/protected-files.ts";
import { withIndexOf } from "../git/trees.ts";
import type { KeyRing } from "./key-ring.ts";

/** So many encrypted blobs are tried, the smallest first: some may be damaged. */
const TRIES = 16;

/** Whether the name's keys open its files; `unknown` if none of them is encrypted. */
export type Fit = "fits" | "wrong" | "unknown";

function fitOf(keys: KeyRing, blobs: Iterable<Buffer>): Fit {
  let tries = 0;
  for (const blob of blobs) {
    if (!isEncryptedBlob(blob)) continue;
    if (keys.keyOf(blob) !== null) return "fits";
    if ((tries += 1) === TRIES) break;
  }
  return tries === 0 ? "unknown" : "wrong";
}

function* storedBlobs(place: GitPlace, keyName: string, entries: readonly ProtectedEntry[]): Generator<Buffer> {
  const own = entries.filter((entry) => entry.keyName === keyName && isRegular(entry));
  const ascending = [...sizesOf(place, oidsOf(own))].toSorted(([, a], [, b]) => a - b);
  const small = ascending.filter(([, size]) => size <= WHOLE_BYTES);
  for (const [, blob] of readBlobs(place, new Map(small))) yield blob;
  // Where nothing small tells, the smallest large one does.
  const large = ascending.slice(small.length, small.length + 1);
  for (const [, blob] of readBlobs(place, new Map(large))) yield blob;
}

/**
 * Tells whether the keys of a name open files that are protected under it: a few that were read
 * already, else blobs of the index, else those of HEAD, since a clone that was not checked out has
 * no index.
 *
 * @param entries of the index on protected paths, where they are known
 * @param contents encrypted files of the work tree, where they were read
 * @throws GitCryptError GIT_FAILED.
 */
export function tryKey(
  place: GitPlace,
  keys: KeyRing,
  entries?: readonly ProtectedEntry[],
  contents: readonly Buffer[] = [],
): Fit {
  const attempts = [
    () => contents.toSorted((a, b) => a.length - b.length),
    () => storedBlobs(place, keys.name, entries ?? listProtected(place, place.topLevel === null ? "index" : undefined)),
    () => storedBlobs(place, keys.name, withIndexOf(place, "HEAD", (at) => listProtected(at, "index")) ?? []),
  ];
  for (const blobs of attempts) {
    const fit = fitOf(keys, blobs());
    if (fit !== "unknown") return fit;
  }
  return "unknown";
}
