import { isEditOf, isEncryptedBlob } from "../format/blob.ts";
import { startOfFile } from "../git/file-start.ts";
import { editedVersions } from "../git/edited-blobs.ts";
import { oidsOf, sizesOf, WHOLE_BYTES } from "../git/objects.ts";
import type { IndexEntry } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { readSmallBlobs } from "../git/tracked-files.ts";
import type { Difference } from "../git/trees.ts";
import { lateCommits } from "../keys/late-versions.ts";

/**
 * The entries that hold ciphertext which was edited without its key since the last commits on this
 * branch; what had been so before, those tell who have the key.
 */
export function editedEntries<T extends IndexEntry>(
  repository: Repository,
  entries: readonly T[],
  staged: readonly Difference[],
): T[] {
  if (entries.length === 0) return [];
  const names = new Set(entries.map(({ name }) => name));
  const edited = editedVersions(repository, [staged, ...lateCommits(repository)], (name) => names.has(name));
  const found = new Set(edited.map(({ name, oid }) => `${oid} ${name}`));
  return entries.filter(({ name, oid }) => found.has(`${oid} ${name}`));
}

/**
 * The entries whose file in the work tree is their ciphertext, edited without its key. git is not
 * asked what changed: it may run the filter for that, which refuses just such files.
 *
 * @param few the blobs, where they are few and small; else one of the same size is not compared
 */
export function editedFiles<T extends IndexEntry>(
  repository: Repository,
  entries: readonly T[],
  few: ReadonlyMap<string, Buffer> | null,
): T[] {
  const { topLevel } = repository;
  if (topLevel === null) return [];
  const encrypted = entries.flatMap((entry) => {
    const found = entry.stage === 0 ? startOfFile(topLevel, entry.name) : null;
    return found !== null && isEncryptedBlob(found.start) && found.size <= WHOLE_BYTES ? [{ entry, ...found }] : [];
  });
  const sizes = few ?? sizesOf(repository, oidsOf(encrypted.map(({ entry }) => entry)));
  const some = encrypted.filter(({ entry, size }) => few !== null || sizes.get(entry.oid) !== size);
  const oids = oidsOf(some.map(({ entry }) => entry));
  const blobs = few ?? readSmallBlobs(repository, oids, WHOLE_BYTES);
  return some.flatMap(({ entry }) => {
    const content = startOfFile(topLevel, entry.name, WHOLE_BYTES)?.start;
    const blob = blobs.get(entry.oid);
    return content !== undefined && blob !== undefined && isEditOf(content, blob) ? [entry] : [];
  });
}
