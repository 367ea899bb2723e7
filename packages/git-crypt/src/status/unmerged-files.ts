import { startOfFile } from "../git/file-start.ts";
import { blobOid, oidLengthOf, WHOLE_BYTES } from "../git/objects.ts";
import type { ProtectedEntry, WorkTreePlace } from "../git/protected-files.ts";
import type { Ring } from "./rings.ts";

/** The side of a conflict that is ours, and that which is merged. */
const [OURS, THEIRS] = [2, 3];

/**
 * Of protected files of up to 1 MiB those that a merge stopped at and that hold our side as it was,
 * such as where a key was not here: no marks of a conflict tell that theirs is missing.
 *
 * @param entries the protected files of the index, with the sides of conflicts
 */
export function unmergedFiles(
  { topLevel }: WorkTreePlace,
  entries: readonly ProtectedEntry[],
  rings: ReadonlyMap<string, Ring>,
): ProtectedEntry[] {
  const theirs = new Set(entries.flatMap(({ name, stage }) => (stage === THEIRS ? name : [])));
  return entries.filter(({ name, stage, oid, keyName }) => {
    if (stage !== OURS || !theirs.has(name)) return false;
    const file = startOfFile(topLevel, name, WHOLE_BYTES);
    if (file === null || file.size > WHOLE_BYTES) return false;
    return blobOid(oidLengthOf(oid), file.start) === oid || rings.get(keyName)?.keys.makes(oid, file.start) === true;
  });
}
