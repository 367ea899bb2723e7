import type { KeyKind } from "@git-vault/directory";
import { wipeKeyFile, type Repository } from "@git-vault/git-crypt";
import { signerOf } from "./grant-signature.ts";
import { standingOf } from "./grant-validity.ts";
import { readGrants, type Grant } from "./read-grants.ts";
import { keyIfAny } from "./holders.ts";

/**
 * The keys that a repository's grants name, by holder: what colleagues saw of somebody, where one
 * has not seen them oneself. Only grants count that were made with a key that lies here, and whose
 * signature, if any, fits.
 *
 * @returns fingerprints
 * @throws GitCryptError GIT_FAILED, MALFORMED_KEY_FILE
 */
export function grantedFingerprints(repository: Repository, kind: KeyKind): Map<string, ReadonlySet<string>> {
  const all = readGrants(repository);
  const grants: readonly Grant[] = kind === "openpgp" ? all.vouchers : all.grants;
  const granted = new Map<string, Set<string>>();
  for (const keyName of new Set(grants.map(({ statement }) => statement.keyName))) {
    const key = keyIfAny(repository, keyName);
    for (const one of grants.filter(({ statement }) => statement.keyName === keyName)) {
      const isSound = standingOf(one, key, all) === "current" && (one.signature === null || signerOf(one) !== null);
      if (!isSound) continue;
      const { holder, keys } = one.statement;
      granted.set(holder, new Set([...(granted.get(holder) ?? []), ...keys.map(({ fingerprint }) => fingerprint)]));
    }
    if (key !== null) wipeKeyFile(key);
  }
  return granted;
}
