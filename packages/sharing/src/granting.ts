/*
 * What is done with grants. It is loaded when it is called: opening and sealing messages does
 * without git-crypt.
 */
import type { Directory, KeyKind } from "@git-vault/directory";
import type { GrantOptions, GrantResult } from "./grants/grant.ts";
import type { OpenPgpGrantResult } from "./grants/openpgp-grant.ts";
import type { SignatureState } from "./grants/grant-signature.ts";
import type { Grant } from "./grants/read-grants.ts";
import type { HolderList } from "./grants/holders.ts";
import type { ReceiveOptions } from "./identities/local-identities.ts";
import type { OpenedGrants } from "./grants/open-grants.ts";
import type { FilterCommands, Repository } from "@git-vault/git-crypt";
import type { RotationPlan, RotationRequest } from "./rotation/plan.ts";
import type { Revocation } from "./grants/find-grants.ts";
import type { RotatedKey } from "./rotation/result.ts";
import type { SyncPlan } from "./grants/sync.ts";

/**
 * Grants the repository's key: seals it to all usable keys of each recipient and commits that, in
 * one commit, in `.git-vault`. An older grant of the same holder is replaced. Where anything fails,
 * nothing is changed.
 *
 * @throws SharingError `NO_RECIPIENTS`, `NO_USABLE_KEY`; GitCryptError RETIRED_KEY; what
 * `Repository.readKey`, `commitFiles`, signing and the directory do
 */
export const grant = async (options: GrantOptions): Promise<GrantResult> =>
  (await import("./grants/grant.ts")).grant(options);

/**
 * Grants the repository's key to all usable OpenPGP keys of each recipient, in git-crypt's own way
 * and without gpg, with a statement in `.git-vault` that vouches for it, and commits that in one
 * commit: git-crypt's `unlock` opens it. A grant that nobody vouches for is made anew. Where
 * anything fails, nothing is changed.
 *
 * @param options whose recipients were looked up with their OpenPGP keys
 * @throws SharingError `NO_USABLE_KEY`, also for a key of version 6; SealingError
 * `UNUSABLE_RECIPIENT`; GitCryptError RETIRED_KEY; what `Repository.readKey`, `commitFiles`,
 * signing and the directory do
 */
export const grantOpenPgp = async (options: Omit<GrantOptions, "machines">): Promise<OpenPgpGrantResult> =>
  (await import("./grants/openpgp-grant.ts")).grantOpenPgp(options);

/**
 * Tells who has the keys of a repository, from its grants alone, and what became of them since.
 *
 * @param directory asks the forges; null to ask nobody
 * @throws GitCryptError GIT_FAILED, MALFORMED_KEY_FILE; DirectoryError where a forge cannot be
 * asked now
 */
export const listHolders = async (repository: Repository, directory: Directory | null): Promise<HolderList> =>
  (await import("./grants/holders.ts")).listHolders(repository, directory);

/**
 * Finds grants in a repository, and in what was fetched for its branch, that the private keys of
 * this machine open, and opens the newest sound one for each key's name; more, where branches that
 * were rotated each have a key of their own.
 *
 * A grant is refused that holds another key than it says, or another one than the repository's
 * files are encrypted with; that holds a key which a rotation replaced; whose signature does not
 * fit; or that was not made, or was changed since, by somebody who had the key.
 *
 * @returns nothing opened where no grant is for these private keys
 * @throws SharingError `RETIRED_GRANT` or `MISMATCHED_GRANT` where there are grants for them, and
 * each is refused; what a private key that was named throws, and `receive` for a wrong passphrase
 */
export const openGrants = async (repository: Repository, options: ReceiveOptions): Promise<OpenedGrants> =>
  (await import("./grants/open-grants.ts")).openGrants(repository, options);

/**
 * Tells whether a rotation made a key that is not here, of those names whose keys are: in what is
 * checked out, or was fetched for the branch.
 *
 * @throws GitCryptError GIT_FAILED, KEY_FILE_UNREADABLE, MALFORMED_KEY_FILE
 */
export const lacksPresentKey = async (repository: Repository): Promise<boolean> =>
  (await import("./grants/open-grants.ts")).lacksPresentKey(repository);

/**
 * Plans the replacement of a repository's key: for whom the new one is sealed, and to which keys,
 * which are those that their grants name; what speaks against that, and is to be confirmed by
 * somebody; and which grants are removed, and why. Nothing is written until `apply`.
 *
 * Only what was made with the key that lies here is renewed, and nothing whose signature does not
 * fit. Something speaks against a grant that is not signed, or by a key that is not known to be the
 * signer's; that was made by who is taken out now; that names a key which the holder's account has
 * not, or had not when it was last seen; and that nobody vouches for, as is the case where
 * git-crypt itself granted to an OpenPGP key. What a forge does not tell since it cannot be asked
 * now is doubtful, and no failure. Where two branches were rotated and merged, each holder is one
 * of both, or was first granted a key after the other branch was rotated: whom one of them shut out
 * stays out.
 *
 * @throws SharingError `NO_SUCH_HOLDER`, `PINS_UNREADABLE`; GitCryptError RETIRED_KEY; what
 * `Repository.readKey` does
 */
export const planRotation = async (request: RotationRequest): Promise<RotationPlan> =>
  (await import("./rotation/plan.ts")).planRotation(request);

/**
 * Finishes a rotation that was interrupted, as it was planned.
 *
 * @throws what `continueRotation` of git-crypt's does
 */
export const resumeRotation = async (repository: Repository, commands: FilterCommands): Promise<RotatedKey> =>
  (await import("./rotation/result.ts")).resumeRotation(repository, commands);

/**
 * The keys that a repository's grants name, by holder: what colleagues saw of somebody, where one
 * has not seen them oneself. Only grants count that were made with a key that lies here, and whose
 * signature, if any, fits.
 *
 * @returns fingerprints
 * @throws GitCryptError GIT_FAILED, MALFORMED_KEY_FILE
 */
export const grantedKeys = async (repository: Repository, kind: KeyKind): Promise<Map<string, ReadonlySet<string>>> =>
  (await import("./grants/granted-fingerprints.ts")).grantedKeys(repository, kind);

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
): Promise<Revocation> => (await import("./grants/find-grants.ts")).findGrants(repository, keyName, names);

/**
 * Finds the holders whose grants do not fit the keys that they have on the forge now. Nothing is
 * written until `apply`.
 *
 * @param keyName whose grants; null for all keys of the repository that lie here
 * @throws GitCryptError RETIRED_KEY; what `Repository.readKey` does; DirectoryError where a forge
 * cannot be asked now
 */
export const planSync = async (
  repository: Repository,
  keyName: string | null,
  directory: Directory,
): Promise<SyncPlan> => (await import("./grants/sync.ts")).planSync(repository, keyName, directory);

/**
 * Verifies the signatures of grants against the authentication and signing keys of who says that
 * they granted them.
 *
 * @param directory asks the forges; null to ask nobody
 * @throws DirectoryError where a forge cannot be asked now
 */
export const signatureStates = async (
  grants: readonly Grant[],
  directory: Directory | null,
): Promise<Map<Grant, SignatureState>> =>
  (await import("./grants/grant-signature.ts")).signatureStates(grants, directory);
