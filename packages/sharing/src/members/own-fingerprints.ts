import { isVaultError } from "@git-vault/core";
import type { Repository } from "@git-vault/git-crypt";
import { PassphraseIdentity } from "@git-vault/sealing";
import { findLocalIdentities, type LocalIdentities, type ReceiveOptions } from "../identities/local-identities.ts";
import { fingerprintsThatOpen } from "./openpgp-copies.ts";

/** The ids of the private keys, of all but passphrases. */
export async function fingerprintsOf(local: LocalIdentities): Promise<Set<string>> {
  const plain = local.identities.filter((identity) => !(identity instanceof PassphraseIdentity));
  const places = await Promise.all(plain.map(async (identity) => local.openedWith(identity)));
  const ids = places.flatMap(({ fingerprint }) => fingerprint ?? []);
  return new Set([...ids, ...local.openPgpFingerprints]);
}

/** Of the private keys that unlocking would try. */
export async function ownFingerprints(repository: Repository, options: ReceiveOptions): Promise<Set<string>> {
  const local = await findLocalIdentities(options);
  try {
    return new Set([...(await fingerprintsOf(local)), ...(await fingerprintsThatOpen(repository, options))]);
  } catch (error) {
    // gpg that does not work opens nothing either.
    if (!isVaultError(error)) throw error;
    return fingerprintsOf(local);
  } finally {
    local.lock();
  }
}
