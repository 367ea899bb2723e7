import type { KeyFile } from "../format/key-file.ts";
import type { IndexEntry } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { retirementsIn } from "../keys/committed-retired-keys.ts";
import { type KeyRing, readKeyRing } from "../keys/key-ring.ts";

/** The keys of a name that lie here, and which of them the index should not hold files with. */
export interface Ring {
  readonly keys: KeyRing;
  readonly isReplaced: (key: KeyFile) => boolean;
  /** Whether a file may be encrypted with another key than the one that it should be. */
  readonly mayDiffer: boolean;
}

/** The rings of the names given. */
export function readRings(
  repository: Repository,
  index: readonly IndexEntry[],
  names: Iterable<string>,
): Map<string, Ring> {
  const rings = [...names].map((name): [string, Ring] => {
    const keys = readKeyRing(repository, name);
    // A key that only the commits hold is one, too.
    if (retirementsIn(index, name).length > 0) keys.search();
    const isReplaced = keys.replacedIn(index);
    return [name, { keys, isReplaced, mayDiffer: keys.retired.length > 0 || isReplaced(keys.stored) }];
  });
  return new Map(rings);
}
