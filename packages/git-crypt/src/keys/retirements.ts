import type { KeyFile } from "../format/key-file.ts";
import type { Repository } from "../git/repository.ts";
import { readTracked } from "../git/tracked-files.ts";
import { falseIn, isProven, presentIn, RETIRED_FOLDER, retirementsIn, retires } from "./committed-retired-keys.ts";
import { readKeyRing } from "./key-ring.ts";

/** What an index, or a commit, tells of the rotations of a key. */
export interface Rotations {
  /** The ids of the keys that were replaced, as far as keys that are here prove it. */
  readonly retired: ReadonlySet<string>;
  /**
   * The ids of those that took their places: one; several, where branches that rotated were merged.
   * Where no key is here, as it is said.
   */
  readonly present: ReadonlySet<string>;
  /**
   * The files that say so of keys which are here, and were not written by anybody who had these.
   */
  readonly falsehoods: readonly string[];
  /** Whether a key was replaced: only who had it can have said so. */
  retires(key: KeyFile): boolean;
}

/**
 * Reads what the rotations of a repository's keys left in its index, by key name; keys that were
 * never rotated are not among them.
 *
 * @param commit that is read instead of the index
 * @throws GitCryptError GIT_FAILED; as readKey does for a key that lies here
 */
export function readRotations(repository: Repository, commit?: string): Map<string, Rotations> {
  const index = readTracked(repository, RETIRED_FOLDER, 0, commit).map(({ path }) => ({ name: path }));
  const names = new Set(index.map(({ name }) => name.split("/")[2] ?? ""));
  const stored = repository.keyNames();
  return new Map(
    [...names].map((name) => {
      const said = retirementsIn(index, name);
      const rotations = { retires: (key: KeyFile): boolean => retires(said, key) };
      if (!stored.includes(name)) {
        const present = new Set(said.map(({ sealer }) => sealer));
        return [name, { ...rotations, retired: new Set<string>(), present, falsehoods: [] }];
      }
      const ring = readKeyRing(repository, name);
      try {
        ring.search();
        const retired = new Set(said.flatMap((one) => (isProven(one, ring.all) ? [one.id] : [])));
        const falsehoods = falseIn(index, name, ring.all);
        return [name, { ...rotations, retired, present: presentIn(said, ring.all), falsehoods }];
      } finally {
        ring.wipe();
      }
    }),
  );
}
