import { isEncryptedBlob } from "./blob.ts";
import { isSealedWith } from "./content.ts";
import type { StatedFile } from "./file-states.ts";
import type { GitPlace } from "./git.ts";
import type { KeyFile } from "./key-file.ts";
import { readStarts, sizesOf } from "./objects.ts";
import { isRegular, type ProtectedEntry } from "./protected-files.ts";

/** So many of the smallest blobs are tried: the first may be damaged. */
const TRIES = 16;

/** Whether a key opens the files that are protected under its name; `unknown` where none of them is encrypted. */
export type Fit = "fits" | "wrong" | "unknown";

function fitOf(key: KeyFile, blobs: Iterable<Buffer>): Fit {
  let fit: Fit = "unknown";
  for (const blob of blobs) {
    if (!isEncryptedBlob(blob)) continue;
    if (isSealedWith(key, blob)) return "fits";
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

/** Tries a key on a few encrypted files of the work tree, else on the blobs of the index. */
export function tryKey(place: GitPlace, key: KeyFile, files: readonly StatedFile[]): Fit {
  const contents = files.flatMap(({ state, found }) =>
    state === "sealed" && found?.content !== undefined ? [found.content] : [],
  );
  const fit = fitOf(
    key,
    bySize(contents, ({ length }) => length),
  );
  if (fit !== "unknown") return fit;
  return fitOf(
    key,
    storedBlobs(
      place,
      files.map(({ entry }) => entry),
    ),
  );
}
