import { GitCryptError } from "../errors.ts";
import { type GitPlace, runGit } from "./git.ts";
import { blobOid, byOid, GROUP_BYTES, oidLengthOf, readBlobs, sizesOf } from "./objects.ts";

/** An entry and the blob that takes the place of its own. */
export interface Reencrypted<T> {
  readonly entry: T;
  readonly oid: string;
}

/** Stores encrypted blobs, many as one pack; neither compression nor deltas would help. */
function storeBlobs(place: GitPlace, blobs: readonly Buffer[]): void {
  const parts = blobs.flatMap((blob) => [Buffer.from(`blob\ndata ${blob.length}\n`), blob, Buffer.from("\n")]);
  runGit(
    place,
    ["-c", "pack.compression=0", "fast-import", "--quiet", "--done", "--depth=0"],
    Buffer.concat([...parts, Buffer.from("done\n")]),
  );
}

/**
 * Stores, for each of `entries`, what `next` makes of its blob; where that is null, the entry is
 * left out. It reads and writes a bounded amount at a time. `next` gets the contents in any order,
 * and may not keep them.
 *
 * @throws GitCryptError NO_SUCH_FILE where a blob is not here, as in a partial clone; GIT_FAILED;
 * what `next` throws.
 */
export function reencrypt<T extends { readonly oid: string }>(
  place: GitPlace,
  entries: readonly T[],
  next: (entry: T, blob: Buffer) => Buffer | null,
): Reencrypted<T>[] {
  const groups = byOid(entries);
  const sizes = sizesOf(place, groups.keys());
  if (sizes.size < groups.size) {
    throw new GitCryptError("NO_SUCH_FILE", "the content of a protected file is not in this clone", {
      hint: "fetch what is missing: a shallow or partial clone lacks it",
    });
  }
  const result: Reencrypted<T>[] = [];
  let group: Buffer[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (group.length > 0) storeBlobs(place, group);
    group = [];
    bytes = 0;
  };
  for (const [oid, content] of readBlobs(place, sizes)) {
    for (const entry of groups.get(oid) ?? []) {
      const blob = next(entry, content);
      if (blob === null) continue;
      result.push({ entry, oid: blobOid(oidLengthOf(oid), blob) });
      group.push(blob);
      bytes += blob.length;
    }
    if (bytes > GROUP_BYTES) flush();
  }
  flush();
  return result;
}
