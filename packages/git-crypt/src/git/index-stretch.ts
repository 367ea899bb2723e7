import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommonPlace } from "./git.ts";
import { PRIVATE, replaceFile } from "./write-file.ts";

/*
 * git's filter runs for a moment, and reads the index in it. To go through a thousand entries takes
 * a cold program ten times as long as to hash them: so what was found in a stretch of the index is
 * kept for as long as its bytes are the same.
 */

/** The entries of an index below one folder: a stretch of its bytes. */
export interface Stretch {
  /** With a `/` at its end. */
  readonly folder: string;
  /** Where it begins, and how many bytes and entries it has. */
  readonly from: number;
  readonly length: number;
  readonly entries: number;
  /** The names and contents of the entries: see `digestBelow`. */
  readonly digest: string;
}

/** Shorter indexes are read as fast. */
const LEAST_BYTES = 16 * 1024;

/** Each work tree has an index of its own. */
const pathOf = ({ gitDir }: Pick<CommonPlace, "gitDir">): string => join(gitDir, "git-vault", "index-stretch");

const hashOf = (index: Buffer, { from, length }: Stretch): string =>
  hash("sha256", index.subarray(from, from + length), "hex");

/**
 * The stretch that `noteStretch` wrote last; null if there is none, or if the index has other bytes
 * in its place. If an entry begins where the stretch begins, the index has every entry of it.
 */
export function readStretch(place: CommonPlace, index: Buffer): Stretch | null {
  if (index.length < LEAST_BYTES) return null;
  try {
    const [bytes = "", from, length, entries, digest = "", folder = ""] = readFileSync(pathOf(place), "latin1").split(
      " ",
    );
    const stretch = { folder, from: Number(from), length: Number(length), entries: Number(entries), digest };
    return stretch.entries > 0 && hashOf(index, stretch) === bytes ? stretch : null;
  } catch {
    return null; // The entries are read.
  }
}

/** Notes a stretch of an index, where that can be written. */
export function noteStretch(place: CommonPlace, index: Buffer, stretch: Stretch): void {
  if (index.length < LEAST_BYTES || stretch.entries === 0) return;
  const { folder, from, length, entries, digest } = stretch;
  try {
    const words = [hashOf(index, stretch), from, length, entries, digest, folder];
    replaceFile(pathOf(place), Buffer.from(words.join(" "), "latin1"), PRIVATE);
  } catch {
    // They are read again.
  }
}
