import type { Repository } from "@git-vault/git-crypt";
import { SharingError } from "./errors.ts";
import { readGrants } from "./grants.ts";
import { openPgpHolders } from "./openpgp-holders.ts";
import { printable } from "./printable.ts";

/** The grants of holders, to be removed. */
export interface Revocation {
  /** By their names, sorted. */
  readonly holders: readonly string[];
  /** The files that go, from the top folder: grants, and git-crypt's own to OpenPGP keys. */
  readonly paths: readonly string[];
}

/** See `findGrants` in granting.ts. */
export function findGrants(repository: Repository, keyName: string, names: readonly string[]): Revocation {
  const held = [
    ...readGrants(repository).grants.map(({ path, statement: { holder, keyName: name } }) => ({
      path,
      holder,
      keyName: name,
    })),
    ...openPgpHolders(repository),
  ].filter((grant) => grant.keyName === keyName);
  const wanted = new Set(names);
  for (const name of wanted) {
    if (held.some(({ holder }) => holder === name)) continue;
    const holders = [...new Set(held.map(({ holder }) => holder))].toSorted();
    const hint = holders.length === 0 ? "nobody holds one" : `the holders are ${holders.slice(0, 20).join(", ")}`;
    throw new SharingError("NO_SUCH_HOLDER", `${printable(name)} holds no grant of the key ${keyName}`, { hint });
  }
  const paths = held.filter(({ holder }) => wanted.has(holder)).map(({ path }) => path);
  return { holders: [...wanted].toSorted(), paths };
}
