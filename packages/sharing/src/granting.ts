/*
 * What is done with grants. It is loaded when it is called: opening and sealing messages does without git-crypt.
 */
import type { Directory } from "@git-vault/directory";
import type { Repository } from "@git-vault/git-crypt";
import type { GrantOptions, GrantResult } from "./grant.ts";
import type { OpenPgpGrantResult } from "./grant-openpgp.ts";
import type { SignatureState } from "./grant-signature.ts";
import type { Grant } from "./grants.ts";
import type { HolderList } from "./holders.ts";
import type { ReceiveOptions } from "./local-identities.ts";
import type { OpenedGrants } from "./open-grants.ts";
import type { RenewedGrants, RenewGrantsOptions } from "./renew-grants.ts";
import type { Revocation } from "./revoke.ts";
import type { SyncPlan } from "./sync.ts";

/**
 * Grants the repository's key: seals it to all usable keys of each recipient and commits that, in one commit, in `.git-vault`. An
 * older grant of the same holder is replaced. Where anything fails, nothing is changed.
 *
 * @throws SharingError `NO_RECIPIENTS`, `NO_USABLE_KEY`; GitCryptError RETIRED_KEY; what `Repository.readKey`, `commitFiles`, signing
 * and the directory do
 */
export const grant = async (options: GrantOptions): Promise<GrantResult> => (await import("./grant.ts")).grant(options);

/**
 * Grants the repository's key to all usable OpenPGP keys of each recipient, in git-crypt's own way and without gpg, and commits that in
 * one commit: git-crypt's `unlock` opens it. Where anything fails, nothing is changed.
 *
 * @param options whose recipients were looked up with their OpenPGP keys
 * @throws what `writeOpenPgpGrant`, `Repository.readKey` and `commitFiles` do; SharingError `NO_USABLE_KEY`
 */
export const grantOpenPgp = async (options: Omit<GrantOptions, "by" | "machines">): Promise<OpenPgpGrantResult> =>
  (await import("./grant-openpgp.ts")).grantOpenPgp(options);

/**
 * Tells who has the keys of a repository, from its grants alone, and what became of them since.
 *
 * @param directory asks the forges; null to ask nobody
 * @throws GitCryptError GIT_FAILED, MALFORMED_KEY_FILE; DirectoryError where a forge cannot be asked now
 */
export const listHolders = async (repository: Repository, directory: Directory | null): Promise<HolderList> =>
  (await import("./holders.ts")).listHolders(repository, directory);

/**
 * Finds grants in a repository, and in what was fetched for its branch, that the private keys of this machine open, and opens the newest sound one for each key's name; more, where branches that were rotated each have a key of their own.
 *
 * A grant is refused that holds another key than it says, or another one than the repository's files are encrypted with; that holds a
 * key which a rotation replaced; whose signature does not fit; or that was not made, or was changed since, by somebody who had the key.
 *
 * @returns nothing opened where no grant is for these private keys
 * @throws SharingError `RETIRED_GRANT` or `MISMATCHED_GRANT` where there are grants for them, and each is refused; what a private key
 * that was named throws, and `receive` for a wrong passphrase
 */
export const openGrants = async (repository: Repository, options: ReceiveOptions): Promise<OpenedGrants> =>
  (await import("./open-grants.ts")).openGrants(repository, options);

/**
 * Tells whether a rotation made a key that is not here, of those names whose keys are: in what is checked out, or was fetched for the branch.
 *
 * @throws GitCryptError GIT_FAILED, KEY_FILE_UNREADABLE, MALFORMED_KEY_FILE
 */
export const lacksPresentKey = async (repository: Repository): Promise<boolean> =>
  (await import("./open-grants.ts")).lacksPresentKey(repository);

/**
 * Makes the grants of a repository anew for a new key of the same name, to the very keys that they name, without asking anybody. Only
 * those are renewed that were made with the key that lies in the repository. Where two branches were rotated and merged, each holder is one
 * of both, or was first granted a key after the other branch was rotated: whom one of them shut out stays out. Nothing is written.
 *
 * @throws what `Repository.readKey` and signing do; GitCryptError MALFORMED_KEY_FILE for the new key
 */
export const renewGrants = async (options: RenewGrantsOptions): Promise<RenewedGrants> =>
  (await import("./renew-grants.ts")).renewGrants(options);

/**
 * Finds the grants of holders for a key, also those that are not sound. Nothing is written.
 *
 * @param names as `listHolders` gives them: `github:choldgraf`, `ci:release`, `gpg:FINGERPRINT`
 * @throws SharingError `NO_SUCH_HOLDER`
 */
export const findGrants = async (
  repository: Repository,
  keyName: string,
  names: readonly string[],
): Promise<Revocation> => (await import("./revoke.ts")).findGrants(repository, keyName, names);

/**
 * Finds the holders of a key whose grants do not fit the keys that they have on the forge now. Nothing is written.
 *
 * @throws GitCryptError RETIRED_KEY; what `Repository.readKey` does; DirectoryError where a forge cannot be asked now
 */
export const planSync = async (repository: Repository, keyName: string, directory: Directory): Promise<SyncPlan> =>
  (await import("./sync.ts")).planSync(repository, keyName, directory);

/**
 * Verifies the signatures of grants against the authentication and signing keys of who says that they granted them.
 *
 * @param directory asks the forges; null to ask nobody
 * @throws DirectoryError where a forge cannot be asked now
 */
export const signatureStates = async (
  grants: readonly Grant[],
  directory: Directory | null,
): Promise<Map<Grant, SignatureState>> => (await import("./grant-signature.ts")).signatureStates(grants, directory);
