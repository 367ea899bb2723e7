import type { Grants, Voucher } from "./read-grants.ts";
import type { TrackedOpenPgpGrant } from "./openpgp-files.ts";

/**
 * A grant of git-crypt's own that no holder of the key vouches for: anybody who can commit may have
 * written it.
 */
export interface UnvouchedGrant {
  /** `gpg:` and the fingerprint. */
  readonly holder: string;
  readonly keyName: string;
  /** Of the primary key, in upper-case hexadecimal, as the file's name has it. */
  readonly fingerprint: string;
  /** Of the grant's file, from the top folder. */
  readonly path: string;
}

/**
 * The OpenPGP grants that nobody vouches for. @param isSound tells it of a statement; one that may
 * be of somebody without the key is not
 */
export const unvouchedGrants = (
  { vouchers, openPgp }: Pick<Grants, "vouchers" | "openPgp">,
  isSound: (voucher: Voucher) => boolean,
): TrackedOpenPgpGrant[] => {
  const vouched = new Set(vouchers.filter(isSound).map(({ file }) => file.path));
  return openPgp.filter(({ path }) => !vouched.has(path));
};

/** The name of who holds an OpenPGP key that nothing more is known of. */
export const openPgpHolder = (fingerprint: string): string => `gpg:${fingerprint}`;
