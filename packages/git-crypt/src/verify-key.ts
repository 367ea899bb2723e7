import { isEncryptedBlob } from "./blob.ts";
import type { StatedFile } from "./file-states.ts";
import type { GitPlace } from "./git.ts";
import type { KeyRing } from "./key-ring.ts";
import { readStarts, sizesOf } from "./objects.ts";
import { isRegular, type ProtectedEntry } from "./protected-files.ts";

/** So many of the smallest blobs are tried: the first may be damaged. */
const TRIES = 16;

/** Whether the keys of a name open the files that are protected under it; `unknown` where none of them is encrypted. */
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
}

/** Tries keys on a few encrypted files of the work tree, else on the blobs of the index. */
export function tryKey(place: GitPlace, keys: KeyRing, files: readonly StatedFile[]): Fit {
  const contents = files.flatMap(({ state, found }) =>
    state === "sealed" && found?.content !== undefined ? [found.content] : [],
  );
  const fit = fitOf(
    keys,
    bySize(contents, ({ length }) => length),
  );
  if (fit !== "unknown") return fit;
  return fitOf(
    keys,
    storedBlobs(
      place,
      files.map(({ entry }) => entry),
    ),
  );
}
