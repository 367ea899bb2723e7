import { relative, sep } from "node:path";
import type { Repository } from "@git-vault/git-crypt";
import { findOpenPgpGrants } from "./openpgp-grant-files.ts";

/** The holder of an OpenPGP key that git-crypt's own grants, or ours in its format, were made to. */
export interface OpenPgpHolder {
  /** `gpg:` and the fingerprint. */
  readonly holder: string;
  readonly keyName: string;
  /** Of the primary key, in upper-case hexadecimal. */
  readonly fingerprint: string;
  /** Of the grant's file, from the top folder. */
  readonly path: string;
}

/** The holders of OpenPGP keys that a repository is granted to; their grants tell nothing but the key's fingerprint. */
export const openPgpHolders = (repository: Repository): OpenPgpHolder[] =>
  findOpenPgpGrants(repository).map(({ keyName, fingerprint, path }) => ({
    holder: `gpg:${fingerprint}`,
    keyName,
    fingerprint,
    path: relative(repository.topLevel ?? "", path)
      .split(sep)
      .join("/"),
  }));
