import { EMPTY_BLOB_BYTES, isEncryptedBlob } from "../format/blob.ts";
import { FEW, noteClearBlobs, readClearBlobs } from "./clear-blob-memo.ts";
import { startOfFile } from "./file-start.ts";
import { areWords, type CommonPlace, type GitPlace, recordsOf, runGit } from "./git.ts";
import { oidsOf, readStarts, sizesOf } from "./objects.ts";
import type { Version } from "./plaintext.ts";

/** In bytes: larger ones are not read from git where the work tree has the same. */
const LARGE = 64 * 1024;

/** The names that git would read again, since their files are others than the index remembers. */
function changedFiles(place: GitPlace, names: readonly string[]): Set<string> {
  const paths = areWords(names) ? names : [];
  const args = ["--literal-pathspecs", "diff-files", "--name-only", "-z", "--", ...paths];
  return new Set(recordsOf(runGit(place, args)));
}

/**
 * How those of `entries` begin that are large, by the names of their blobs. What is checked out
 * without a filter, and unchanged, has the size of its blob and is that blob: only the file is
 * looked at. A decrypted file is smaller than its blob.
 */
function startsOfLarge(
  place: GitPlace,
  entries: readonly Version[],
  sizes: ReadonlyMap<string, number>,
): Map<string, Buffer> {
  const large = entries.filter(({ oid }) => (sizes.get(oid) ?? 0) > LARGE);
  if (large.length === 0 || place.topLevel === null) return new Map();
  const changed = changedFiles(
    place,
    large.map(({ name }) => name),
  );
  const starts = new Map<string, Buffer>();
  for (const { name, oid } of large) {
    const found = changed.has(name) ? null : startOfFile(place.topLevel, name);
    if (found !== null && found.size === sizes.get(oid)) starts.set(oid, found.start);
  }
  return starts;
}

/**
 * The blobs of `entries` that are encrypted, whatever their paths. How git stores a blob says
 * nothing of that: anyone who pushes it chooses what it is a difference to, and what follows the
 * ciphertext. So each is read, once for all in a clone.
 *
 * @param entries of the index, on paths that nothing protects
 * @throws GitCryptError GIT_FAILED.
 */
export function encryptedBlobs(place: CommonPlace, entries: readonly Version[]): Set<string> {
  const encrypted = new Set<string>();
  if (entries.length === 0) return encrypted;
  const clear = entries.length < FEW ? new Set<string>() : readClearBlobs(place);
  const unread = entries.filter(({ oid }) => !clear.has(oid));
  const sizes = sizesOf(place, oidsOf(unread));
  const known = clear.size;
  const judge = (oid: string, start: Uint8Array): void => {
    (isEncryptedBlob(start) ? encrypted : clear).add(oid);
  };
  const large = startsOfLarge(place, unread, sizes);
  for (const [oid, start] of large) judge(oid, start);
  const toRead = new Map([...sizes].filter(([oid, size]) => size >= EMPTY_BLOB_BYTES && !large.has(oid)));
  for (const [oid, size] of sizes) if (size < EMPTY_BLOB_BYTES) clear.add(oid);
  for (const [oid, start] of readStarts(place, toRead)) judge(oid, start);
  if (place.topLevel !== null) noteClearBlobs(place, clear, oidsOf(entries), clear.size - known);
  return encrypted;
}
