import { EMPTY_BLOB_BYTES, isEncryptedBlob, seemsEncrypted } from "../format/blob.ts";
import type { PathProblem } from "../git/finding.ts";
import { readBlobs, readStarts, sizesOf } from "../git/objects.ts";
import type { Repository } from "../git/repository.ts";
import { plainOidOf } from "../keys/copied-content.ts";
import type { Ring } from "./rings.ts";

/** What a blob is, and what is wrong with it. */
export interface BlobState {
  readonly encrypted: boolean;
  readonly isEmpty: boolean;
  readonly problems: readonly PathProblem[];
  /** What git would call its content; null where that is too short, or no key here opens it. */
  readonly plainOid: string | null;
}

/** What is wrong with a blob, in the order in which it is told. */
export const BLOB_PROBLEMS = ["altered", "unopened", "other-key", "newer-key", "retired-key", "empty"] as const;

/** What is wrong with a blob that no key opens. */
export const UNOPENED: ReadonlySet<PathProblem> = new Set(["unopened", "newer-key"]);

/** What its key tells of a blob. */
interface Opened extends Pick<BlobState, "plainOid"> {
  readonly problem: PathProblem | null;
}

/**
 * @param ring of the key that the attributes name, where it is here
 * @param rings of all keys that are here
 * @param isLacking whether a key that is not here may open what the ring does not
 */
function openWith(
  ring: Ring | undefined,
  rings: readonly Ring[],
  isLacking: (ring: Ring) => boolean,
  oid: string,
  blob: Buffer,
): Opened {
  for (const one of new Set([...(ring === undefined ? [] : [ring]), ...rings])) {
    const found = one.keys.tryOpen(blob);
    if (found === null) continue;
    const plainOid = plainOidOf(found.content, oid);
    found.content.fill(0);
    const isRetired = one === ring && ring.isReplaced(found.key);
    return { plainOid, problem: one !== ring ? "other-key" : isRetired ? "retired-key" : null };
  }
  return { plainOid: null, problem: ring === undefined ? null : isLacking(ring) ? "newer-key" : "unopened" };
}

/**
 * Looks at blobs, by their names, and at those of protected files with the names of their keys.
 *
 * @param few the blobs, where they are few and small
 * @param isSealed whether a blob lies encrypted in the work tree, too
 */
export function inspect(
  repository: Repository,
  blobs: ReadonlyMap<string, string | null>,
  few: ReadonlyMap<string, Buffer> | null,
  rings: ReadonlyMap<string, Ring>,
  isSealed: (oid: string) => boolean,
): Map<string, BlobState> {
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
    const blob = whole ? start : encrypted && isSealed(oid) ? wholeBlob(repository, oid, sizes) : null;
    const { problem, plainOid }: Opened =
      encrypted && blob !== null && keyName !== null
        ? openWith(rings.get(keyName), all, isLacking, oid, blob)
        : { problem: null, plainOid: null };
    const problems: PathProblem[] = problem === null ? [] : [problem];
    if (encrypted && start.length === EMPTY_BLOB_BYTES) problems.push("empty");
    states.set(oid, { encrypted, isEmpty: start.length === 0, problems, plainOid });
  }
  return states;
}

function wholeBlob(repository: Repository, oid: string, sizes: ReadonlyMap<string, number>): Buffer | null {
  for (const [, blob] of readBlobs(repository, new Map([[oid, sizes.get(oid) ?? 0]]))) return blob;
  return null;
}
