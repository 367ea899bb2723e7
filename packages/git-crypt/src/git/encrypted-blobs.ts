import { EMPTY_BLOB_BYTES, isEncryptedBlob } from "../format/blob.ts";
import { startOfFile } from "./file-start.ts";
import { type GitPlace, recordsOf, runGit } from "./git.ts";
import { describeBlobs, readStarts } from "./objects.ts";
import type { Version } from "./plaintext.ts";

/** In bytes: the magic of the format may shrink; what follows does not. */
const SHRINKS = 8;

/** The sizes of blobs that may be encrypted, and of deltas those blobs that they are deltas to. */
interface Suspects {
  readonly sizes: Map<string, number>;
  readonly bases: Map<string, string>;
}

/** What zlib made smaller is no ciphertext. */
function lookAt(place: GitPlace, wanted: readonly string[], { sizes, bases }: Suspects): void {
  if (wanted.length === 0) return;
  const { oids, lines } = describeBlobs(place, wanted, "%(objectsize) %(objectsize:disk) %(deltabase)");
  for (const [at, line] of lines.entries()) {
    const oid = oids[at];
    const [size = 0, stored = 0] = line.split(" ", 2).map(Number); // NaN for what is not here
    if (oid === undefined || Number.isNaN(stored) || size < EMPTY_BLOB_BYTES) continue;
    const base = line.slice(line.lastIndexOf(" ") + 1);
    if (!/^0+$/.test(base)) bases.set(oid, base);
    if (!/^0+$/.test(base) || stored + SHRINKS >= size) sizes.set(oid, size);
  }
}

/**
 * The blobs that may be encrypted, and their sizes. That spares reading nearly all that is text: no
 * ciphertext can be compressed, and a delta begins as its base does.
 */
function suspects(place: GitPlace, oids: Iterable<string>): Map<string, number> {
  const wanted = [...new Set(oids)];
  const found: Suspects = { sizes: new Map(), bases: new Map() };
  const asked = new Set(wanted);
  for (let next = wanted; next.length > 0;) {
    lookAt(place, next, found);
    next = [...new Set(found.bases.values())].filter((oid) => !asked.has(oid));
    for (const oid of next) asked.add(oid);
  }
  const maybe = (oid: string): boolean => {
    const base = found.bases.get(oid);
    return base === undefined ? found.sizes.has(oid) : maybe(base);
  };
  const sizes = new Map(found.sizes);
  for (const oid of sizes.keys()) if (!maybe(oid)) sizes.delete(oid);
  const others = [...asked].slice(wanted.length);
  for (const oid of others) sizes.delete(oid);
  return sizes;
}

/** In bytes: larger ones are not read from git where the work tree has the same. */
const LARGE = 64 * 1024;

/** The names that git would read again, since their files are others than the index remembers. */
function changedFiles(place: GitPlace, names: readonly string[]): Set<string> {
  const paths = names.length > 500 ? [] : names; // a command line has an end
  const args = ["--literal-pathspecs", "diff-files", "--name-only", "-z", "--", ...paths];
  return new Set(recordsOf(runGit(place, args)));
}

/**
 * The blobs of `entries` that are encrypted, whatever their paths. What is checked out without a
 * filter, and unchanged, has the size of its blob and is that blob: of what is large, only the file
 * is looked at. A decrypted file is smaller than its blob.
 *
 * @param entries of the index, on paths that nothing protects
 * @throws GitCryptError GIT_FAILED.
 */
export function encryptedBlobs(place: GitPlace, entries: readonly Version[]): Set<string> {
  const sizes = suspects(
    place,
    entries.map(({ oid }) => oid),
  );
  const encrypted = new Set<string>();
  const large = entries.filter(({ oid }) => (sizes.get(oid) ?? 0) > LARGE);
  if (large.length > 0 && place.topLevel !== null) {
    const changed = changedFiles(
      place,
      large.map(({ name }) => name),
    );
    for (const { name, oid } of large) {
      const size = sizes.get(oid);
      if (size === undefined || changed.has(name)) continue;
      const found = startOfFile(place.topLevel, name);
      if (found?.size !== size) continue;
      sizes.delete(oid);
      if (isEncryptedBlob(found.start)) encrypted.add(oid);
    }
  }
  for (const [oid, start] of readStarts(place, sizes)) if (isEncryptedBlob(start)) encrypted.add(oid);
  return encrypted;
}
