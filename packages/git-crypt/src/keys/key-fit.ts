import { isEncryptedBlob } from "../format/blob.ts";
import type { KeyRing } from "./key-ring.ts";
import { readBlobs, sizesOf } from "../git/objects.ts";
import { isRegular, listProtected } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";

/** So many of the smallest blobs are tried: some may be damaged. */
const TRIES = 16;
const MAX_BYTES = 1024 * 1024;

/**
 * Tells whether the keys of a name open files that the index protects under it; null where none of
 * them is encrypted, so that nothing tells.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function keyFits(repository: Repository, keys: KeyRing): boolean | null {
  const entries = listProtected(repository, repository.topLevel === null ? "index" : undefined);
  const files = entries.filter((entry) => entry.keyName === keys.name && isRegular(entry));
  const sizes = sizesOf(
    repository,
    files.map(({ oid }) => oid),
  );
  const smallest = [...sizes].filter(([, size]) => size <= MAX_BYTES).toSorted(([, a], [, b]) => a - b);
  let fits: boolean | null = null;
  for (const [, blob] of readBlobs(repository, new Map(smallest.slice(0, TRIES)))) {
    if (!isEncryptedBlob(blob)) continue;
    if (keys.keyOf(blob) !== null) return true;
    fits = false;
  }
  return fits;
}
