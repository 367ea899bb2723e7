import { push } from "@git-vault/core";
import { isEncryptedBlob } from "../format/blob.ts";
import { startOfFile } from "../git/file-start.ts";
import { commitOf, type GitPlace, tryGit } from "../git/git.ts";
import { readSmallBlobs } from "../git/tracked-files.ts";
import { WHOLE_BYTES } from "../git/objects.ts";
import type { IndexEntry } from "../git/protected-files.ts";
import { parseDifferences, RAW } from "../git/trees.ts";
import { isAltered } from "../keys/altered-blobs.ts";
import type { KeyRing } from "../keys/key-ring.ts";

/** A file that no key opens, and the keys that were tried. */
export interface UnopenedFile {
  readonly entry: IndexEntry;
  readonly keys: KeyRing;
}

/** So many files are looked for in so many commits. */
const MOST_FILES = 100;
const MOST_COMMITS = 1000;

/**
 * The names of those of some files that were changed after they were encrypted, as far as one can
 * tell.
 */
export function alteredFiles(place: GitPlace, files: readonly UnopenedFile[]): Set<string> {
  const some = files.slice(0, MOST_FILES);
  const older = olderBlobs(place, some);
  const blobs = readSmallBlobs(
    place,
    some.map(({ entry }) => entry.oid),
    WHOLE_BYTES,
  );
  const altered = some.filter(({ entry, keys }) => {
    const blob = blobs.get(entry.oid);
    return blob !== undefined && isAltered(place, keys, blob, older.get(entry.name) ?? []);
  });
  return new Set(altered.map(({ entry }) => entry.name));
}

/** What the history of the branch holds of files besides what the index does, by their names. */
function olderBlobs(place: GitPlace, files: readonly UnopenedFile[]): Map<string, string[]> {
  const older = new Map<string, string[]>();
  if (files.length === 0 || commitOf(place, "HEAD") === null) return older;
  const names = files.map(({ entry }) => Buffer.from(entry.name, "latin1").toString());
  const walk = ["log", "-m", `--max-count=${MOST_COMMITS}`, "--format=", ...RAW, "HEAD", "--", ...names];
  const own = new Map(files.map(({ entry }) => [entry.name, entry.oid]));
  for (const { name, before, after } of parseDifferences(tryGit(place, ["--literal-pathspecs", ...walk]).stdout)) {
    for (const oid of [before, after]) {
      if (oid !== null && oid !== own.get(name)) push(older, name, oid);
    }
  }
  return older;
}

/** Whether a file of the work tree is encrypted there, as one is that no key opened. */
export const isSealedHere = (topLevel: string, { name }: IndexEntry): boolean =>
  isEncryptedBlob(startOfFile(topLevel, name)?.start ?? Buffer.alloc(0));
