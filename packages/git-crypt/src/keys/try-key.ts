import { isEncryptedBlob } from "../format/blob.ts";
import { withIndexOf } from "../git/index-of-commit.ts";
import type { StatedFile } from "../checkout/file-states.ts";
import type { GitPlace } from "../git/git.ts";
import type { KeyRing } from "./key-ring.ts";
import { readBlobs, readStarts, sizesOf, WHOLE_BYTES } from "../git/objects.ts";
import { isRegular, listProtected, type ProtectedEntry } from "../git/protected-files.ts";

/** So many of the smallest blobs are tried: the first may be damaged. */
const TRIES = 16;

/**
 * Whether the keys of a name open the files that are protected under it; `unknown` where none of
 * them is encrypted.
 */
export type Fit = "fits" | "wrong" | "unknown";

function fitOf(keys: KeyRing, blobs: Iterable<Buffer>): Fit {
  let fit: Fit = "unknown";
  for (const blob of blobs) {
    if (!isEncryptedBlob(blob)) continue;
    if (keys.keyOf(blob) !== null) return "fits";
    fit = "wrong";
  }
  return fit;
}

const bySize = <T>(items: readonly T[], sizeOf: (item: T) => number): T[] =>
  items.toSorted((a, b) => sizeOf(a) - sizeOf(b)).slice(0, TRIES);

function* storedBlobs(place: GitPlace, entries: readonly ProtectedEntry[]): Generator<Buffer> {
  const sizes = sizesOf(
    place,
    entries.filter(isRegular).map(({ oid }) => oid),
  );
  for (const [, blob, whole] of readStarts(place, sizes)) if (whole) yield blob;
  // Where nothing small tells, the smallest large one does.
  const [large] = [...sizes].filter(([, size]) => size > WHOLE_BYTES).toSorted(([, a], [, b]) => a - b);
  if (large !== undefined) for (const [, blob] of readBlobs(place, new Map([large]))) yield blob;
}

/** What HEAD protects under the name: a clone that was not checked out has no index. */
const committed = (place: GitPlace, keyName: string): ProtectedEntry[] =>
  withIndexOf(place, "HEAD", (at) => listProtected(at, "index").filter((entry) => entry.keyName === keyName)) ?? [];

/**
 * Tries keys on a few encrypted files of the work tree, else on the blobs of the index, else on
 * those of HEAD.
 */
export function tryKey(place: GitPlace, keys: KeyRing, files: readonly StatedFile[]): Fit {
  const contents = files.flatMap(({ state, found }) =>
    state === "sealed" && found?.content !== undefined ? [found.content] : [],
  );
  const entries = files.map(({ entry }) => entry);
  const attempts = [
    () => bySize(contents, ({ length }) => length),
    () => storedBlobs(place, entries),
    () => storedBlobs(place, committed(place, keys.name)),
  ];
  for (const blobs of attempts) {
    const fit = fitOf(keys, blobs());
    if (fit !== "unknown") return fit;
  }
  return "unknown";
}
