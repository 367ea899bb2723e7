import { GitCryptError, keyId, keyMac, type KeyFile, type Repository } from "@git-vault/git-crypt";
import { MAC_LABEL, macPart } from "./grant-file.ts";
import type { Grant, Grants } from "./read-grants.ts";
import type { GrantedKey } from "./make-grant.ts";

/**
 * How a grant stands to the repository's key:
 * - `current`: it was made with the key that lies here, by somebody who had it
 * - `unproven`: nothing tells, since the key does not lie here
 * - `retired`: it hands over a key that a rotation replaced
 * - `other-key`: it hands over another key than the one that lies here
 * - `forged`: it names the key that lies here, and whoever wrote it, or changed it since, did not
 *   have that key
 */
export type GrantStanding = "current" | "unproven" | "retired" | "other-key" | "forged";

/**
 * Tells how a grant stands. @param key the repository's key of the grant's name; null where it does
 * not lie here
 */
export function standingOf(grant: Grant, key: KeyFile | null, { rotations }: Pick<Grants, "rotations">): GrantStanding {
  const { keyName, keyId: id } = grant.statement;
  const ids = rotations.get(keyName)?.retired;
  if (ids?.has(id) === true) return "retired";
  if (key === null || ids?.has(keyId(key)) === true) return "unproven";
  if (id !== keyId(key)) return "other-key";
  return isMadeWith(key, grant) ? "current" : "forged";
}

/**
 * Whether a grant was made by somebody who had the key. MACs of a public form are compared: nothing
 * is learned by their timing.
 */
export const isMadeWith = (key: KeyFile, grant: Grant): boolean =>
  keyMac(key, MAC_LABEL, macPart(grant)).toString("hex") === grant.mac;

/**
 * The repository's present key, to grant.
 *
 * @throws GitCryptError RETIRED_KEY where the key that lies here was replaced by a rotation; what
 * `Repository.readKey` does
 */
export function presentKey(
  repository: Repository,
  keyName: string,
  { rotations }: Pick<Grants, "rotations">,
): GrantedKey {
  const key = repository.readKey(keyName);
  if (rotations.get(keyName)?.retired.has(keyId(key.keyFile)) === true) {
    throw new GitCryptError("RETIRED_KEY", `the key ${keyName} that lies here was replaced by a rotation`, {
      hint: "run `vault unlock` to get the present one",
    });
  }
  return key;
}
