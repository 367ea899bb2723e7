import { isEncryptedBlob } from "../format/blob.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { isBlob } from "../git/objects.ts";
import { isRegular, type ProtectedEntry } from "../git/protected-files.ts";
import type { FoundFile, WorkTree } from "../git/work-tree.ts";

/**
 * What a protected file of the work tree is, compared with the index.
 *
 * - `sealed`: it is the encrypted blob
 * - `open`: it is the encrypted blob's content
 * - `clear`: it is the blob, which is not encrypted
 * - `sealed-change`: it is some other content, encrypted, with one of the keys or with another
 * - `change`: it is anything else: an edited file
 * - `absent`: there is nothing
 * - `outside`: sparse checkout keeps it out of the work tree
 * - `irregular`: the index holds a symbolic link or a submodule
 */
export type FileState = "sealed" | "open" | "clear" | "sealed-change" | "change" | "absent" | "outside" | "irregular";

/** A protected entry and what its file is. */
export interface StatedFile {
  readonly entry: ProtectedEntry;
  readonly state: FileState;
  /** The file; its content is left out where there was too much to keep. */
  readonly found: (Omit<FoundFile, "content"> & { readonly content?: Buffer | undefined }) | null;
}

/** So much content is kept between looking at the files and writing them. */
const KEPT_BYTES = 64 * 1024 * 1024;

function stateOf({ oid, stage }: ProtectedEntry, content: Buffer, keys: KeyRing | undefined): FileState {
  const encrypted = isEncryptedBlob(content);
  if (stage === 0) {
    if (encrypted && isBlob(oid, content)) return "sealed";
    if (keys !== undefined && keys.makes(oid, content)) return "open";
    if (!encrypted && isBlob(oid, content)) return "clear";
  }
  return encrypted ? "sealed-change" : "change";
}

/** Looks at each of `entries`, once where it is in conflict. */
export function stateFiles(
  workTree: WorkTree,
  entries: readonly ProtectedEntry[],
  keys: ReadonlyMap<string, KeyRing>,
): StatedFile[] {
  let kept = 0;
  let conflict: string | undefined;
  return entries.flatMap((entry): StatedFile[] => {
    if (entry.stage !== 0 && entry.name === conflict) return [];
    conflict = entry.stage === 0 ? undefined : entry.name;
    if (!isRegular(entry)) return [{ entry, state: "irregular", found: null }];
    const found = workTree.read(entry.name);
    if (found === null) {
      const state = entry.skipped ? "outside" : workTree.has(entry.name) ? "change" : "absent";
      return [{ entry, state, found }];
    }
    const state = stateOf(entry, found.content, keys.get(entry.keyName));
    kept += found.content.length;
    return [{ entry, state, found: kept <= KEPT_BYTES ? found : { stat: found.stat } }];
  });
}
