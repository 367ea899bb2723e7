import { printable } from "@git-vault/core";
import type { Repository } from "@git-vault/git-crypt";
import { SharingError } from "../errors.ts";
import { readGrants } from "./read-grants.ts";
import { openPgpHolder } from "./openpgp-unvouched.ts";

/** The grants of holders, to be removed. */
export interface Revocation {
  /** By their names, sorted. */
  readonly holders: readonly string[];
  /** The files that go, from the top folder: grants, and git-crypt's own to OpenPGP keys. */
  readonly paths: readonly string[];
  /** What they hold of other keys, which stays. */
  readonly elsewhere: readonly { readonly holder: string; readonly keyName: string }[];
}

/**
 * Finds the grants of holders for a key, also those that are not sound. Nothing is written.
 *
 * @param names as `listHolders` gives them: `github:choldgraf`, `ci:release`, `gpg:FINGERPRINT`
 * @throws SharingError `NO_SUCH_HOLDER`
 */
export function findGrants(repository: Repository, keyName: string, names: readonly string[]): Revocation {
  const { grants, vouchers, openPgp } = readGrants(repository);
  const vouched = new Set(vouchers.map(({ file }) => file.path));
  const every: { readonly keyName: string; readonly names: readonly string[]; readonly paths: readonly string[] }[] = [
    ...grants.map(({ path, statement }) => ({
      keyName: statement.keyName,
      names: [statement.holder],
      paths: [path],
    })),
    ...vouchers.map(({ path, statement, file }) => ({
      keyName: statement.keyName,
      names: [statement.holder, openPgpHolder(file.fingerprint)],
      paths: [path, file.path],
    })),
    ...openPgp
      .filter(({ path }) => !vouched.has(path))
      .map((file) => ({ keyName: file.keyName, names: [openPgpHolder(file.fingerprint)], paths: [file.path] })),
  ];
  const held = every.filter((grant) => grant.keyName === keyName);
  const wanted = new Set(names);
  for (const name of wanted) {
    if (held.some((grant) => grant.names.includes(name))) continue;
    const holders = [...new Set(held.flatMap((grant) => grant.names[0] ?? []))].toSorted();
    const hint = holders.length === 0 ? "nobody holds one" : `the holders are ${holders.slice(0, 20).join(", ")}`;
    throw new SharingError("NO_SUCH_HOLDER", `${printable(name)} holds no grant of the key ${keyName}`, { hint });
  }
  const paths = held.filter((grant) => grant.names.some((name) => wanted.has(name))).flatMap((grant) => grant.paths);
  const elsewhere = new Map(
    every
      .filter((grant) => grant.keyName !== keyName && grant.names.some((name) => wanted.has(name)))
      .map((grant) => ({ holder: grant.names[0] ?? "", keyName: grant.keyName }))
      .map((one) => [`${one.keyName} ${one.holder}`, one]),
  );
  return { holders: [...wanted].toSorted(), paths: [...new Set(paths)], elsewhere: [...elsewhere.values()] };
}
