import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommonPlace } from "./git.ts";
import { PRIVATE, replaceFile } from "./write-file.ts";

/** So many blobs are read again each time, sooner than a file is written, or read whole. */
export const FEW = 500;

/** Above so many, those that the index does not hold any more are forgotten. */
const MANY = 200_000;

/** A blob never changes: the names of blobs that are no ciphertext, a line each. */
const pathOf = ({ commonDir }: CommonPlace): string => join(commonDir, "git-vault", "clear-blobs");

/**
 * The names of blobs that were read before in this clone, and are not encrypted. A file that is
 * not there gives none; one that is damaged, names of no blob.
 */
export function readClearBlobs(place: CommonPlace): Set<string> {
  try {
    return new Set(readFileSync(pathOf(place), "latin1").split("\n"));
  } catch {
    return new Set();
  }
}

/**
 * Notes which blobs are not encrypted, for the next run to read none of them; where that cannot be
 * written, the next run reads them.
 *
 * @param clear all that are known
 * @param present those that are kept where there are too many
 * @param read how many of them were not noted yet
 */
export function noteClearBlobs(
  place: CommonPlace,
  clear: ReadonlySet<string>,
  present: readonly string[],
  read: number,
): void {
  if (read < FEW) return;
  const kept = clear.size > MANY ? [...new Set(present)].filter((oid) => clear.has(oid)) : [...clear];
  try {
    replaceFile(pathOf(place), Buffer.from(kept.join("\n")), PRIVATE);
  } catch {
    // As with a clone that may only be read.
  }
}
