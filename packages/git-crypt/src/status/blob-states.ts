import { EMPTY_BLOB_BYTES, isEncryptedBlob, seemsEncrypted } from "../format/blob.ts";
import type { PathProblem } from "../git/finding.ts";
import { readBlobs, readFew, readStarts, sizesOf } from "../git/objects.ts";
import type { Repository } from "../git/repository.ts";
import type { Ring } from "./rings.ts";

/** What a blob is, and what is wrong with it. */
export interface BlobState {
  readonly encrypted: boolean;
  readonly isEmpty: boolean;
  readonly problems: readonly PathProblem[];
}

/** What is wrong with a blob, in the order in which it is told. */
export const BLOB_PROBLEMS = ["altered", "unopened", "other-key", "newer-key", "retired-key", "empty"] as const;

/** What is wrong with a blob that no key opens. */
export const UNOPENED: ReadonlySet<PathProblem> = new Set(["unopened", "newer-key"]);

/**
 * @param ring of the key that the attributes name, where it is here
 * @param rings of all keys that are here
 * @param isLacking whether a key that is not here may open what the ring does not
 */
function keyProblem(
  ring: Ring | undefined,
  rings: readonly Ring[],
  isLacking: (ring: Ring) => boolean,
  blob: Buffer,
): PathProblem | null {
  const key = ring?.keys.keyOf(blob) ?? null;
  if (ring !== undefined && key !== null) return ring.isReplaced(key) ? "retired-key" : null;
  if (rings.some((other) => other !== ring && other.keys.keyOf(blob) !== null)) return "other-key";
  if (ring === undefined) return null;
  return isLacking(ring) ? "newer-key" : "unopened";
}

/**
 * Looks at blobs, by their names, and at those of protected files with the names of their keys.
 *
 * @param sealed those that lie encrypted in the work tree
 */
export function inspect(
  repository: Repository,
  blobs: ReadonlyMap<string, string | null>,
  rings: ReadonlyMap<string, Ring>,
  sealed: ReadonlySet<string>,
): Map<string, BlobState> {
  // Few and small blobs are read at once, without a look at their sizes.
  const few = readFew(repository, blobs.keys());
  const sizes = few === null ? sizesOf(repository, blobs.keys()) : new Map<string, number>();
  const states = new Map<string, BlobState>();
  // Whose key a blob needs, only the whole of it tells.
  const all = [...rings.values()];
  const mayDiffer = all.some((ring) => ring.mayDiffer);
  const most = mayDiffer ? Number.POSITIVE_INFINITY : undefined;
  // The log is asked, which takes its time.
  const lacking = new Map<Ring, boolean>();
  const isLacking = (ring: Ring): boolean => {
    const known = lacking.get(ring) ?? ring.keys.isLacking;
    lacking.set(ring, known);
    return known;
  };
  const starts =
    few === null ? readStarts(repository, sizes, most) : [...few].map(([oid, blob]) => [oid, blob, true] as const);
  for (const [oid, start, whole] of starts) {
    const keyName = blobs.get(oid) ?? null;
    // Where the key is here, it tells what is none, and what was changed.
    const encrypted = keyName !== null && rings.has(keyName) ? isEncryptedBlob(start) : seemsEncrypted(start);
    const blob = whole ? start : sealed.has(oid) ? wholeBlob(repository, oid, sizes) : null;
    const found =
      encrypted && blob !== null && keyName !== null ? keyProblem(rings.get(keyName), all, isLacking, blob) : null;
    const problems: PathProblem[] = found === null ? [] : [found];
    if (encrypted && start.length === EMPTY_BLOB_BYTES) problems.push("empty");
    states.set(oid, { encrypted, isEmpty: start.length === 0, problems });
  }
  return states;
}

function wholeBlob(repository: Repository, oid: string, sizes: ReadonlyMap<string, number>): Buffer | null {
  for (const [, blob] of readBlobs(repository, new Map([[oid, sizes.get(oid) ?? 0]]))) return blob;
  return null;
}
