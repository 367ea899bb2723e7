import { DirectoryError, forgeUserOf, type Directory } from "@git-vault/directory";
import { armorSignature, KeyError, readSignature, verifySignature } from "@git-vault/keys";
import { GRANT_NAMESPACE, signedPart } from "./grant-file.ts";
import type { Grant } from "./read-grants.ts";

/**
 * What the signature of a grant proves:
 * - `unsigned`: there is none
 * - `invalid`: it does not fit the grant, which was changed since
 * - `confirmed`: a key of who says that they granted it made it
 * - `denied`: it fits, and its key is none that they have on the forge now
 * - `unchecked`: it fits, and nobody could be asked whose key made it
 */
export type SignatureState =
  | { readonly state: "unsigned" | "invalid"; readonly fingerprint?: undefined }
  | { readonly state: "confirmed" | "denied" | "unchecked"; readonly fingerprint: string };

/**
 * The fingerprint of the key that signed a grant; null where it is not signed or the signature does
 * not fit.
 */
export function signerOf(grant: Grant): string | null {
  if (grant.signature === null) return null;
  try {
    const signature = readSignature(grant.signature);
    if (armorSignature(signature) !== grant.signature) return null;
    verifySignature(signature, { namespace: GRANT_NAMESPACE, message: signedPart(grant) });
    return signature.publicKey.fingerprint;
  } catch (error) {
    if (error instanceof KeyError) return null;
    throw error;
  }
}

/**
 * Verifies the signatures of grants against the authentication and signing keys of who says that
 * they granted them.
 *
 * @param directory asks the forges; null to ask nobody
 * @throws DirectoryError where a forge cannot be asked now
 */
export async function signatureStates(
  grants: readonly Grant[],
  directory: Directory | null,
): Promise<Map<Grant, SignatureState>> {
  const states = new Map<Grant, SignatureState>();
  const theirs = new Map<string, Promise<ReadonlySet<string> | null>>();
  for (const grant of grants) {
    const fingerprint = signerOf(grant);
    if (fingerprint === null) {
      states.set(grant, { state: grant.signature === null ? "unsigned" : "invalid" });
      continue;
    }
    const { grantedBy } = grant.statement;
    if (directory === null || grantedBy === null) {
      states.set(grant, { state: "unchecked", fingerprint });
      continue;
    }
    const keys = theirs.get(grantedBy) ?? signingKeysOf(grantedBy, directory);
    theirs.set(grantedBy, keys);
    const known = await keys;
    const state = known === null ? "unchecked" : known.has(fingerprint) ? "confirmed" : "denied";
    states.set(grant, { state, fingerprint });
  }
  return states;
}

/** The fingerprints of the keys that somebody signs with; null for who cannot be asked about. */
async function signingKeysOf(name: string, directory: Directory): Promise<ReadonlySet<string> | null> {
  if (forgeUserOf(name) === null) return null;
  try {
    const { keys } = await directory.resolveSigner(name);
    return new Set(keys.flatMap(({ fingerprint }) => fingerprint ?? []));
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    if (error.code === "NOT_FOUND" || error.code === "NO_KEYS") return new Set();
    if (error.code === "INVALID_RECIPIENT") return null;
    throw error;
  }
}
