import { DirectoryError, type Directory } from "@git-vault/directory";
import type { MessageSignature } from "@git-vault/sealing";

/** What a forge says of whom a signature names. */
export type SignerCheck =
  /** The key is among those of the user. */
  | { readonly state: "confirmed"; readonly source: string }
  /** It is not, or there is no such user, or one without keys. */
  | { readonly state: "denied"; readonly reason: string }
  /** The signature names nobody. */
  | { readonly state: "unnamed"; readonly reason: string }
  /** The forge was not asked. */
  | { readonly state: "unchecked"; readonly reason: string }
  /** The forge did not answer. */
  | { readonly state: "unreachable"; readonly reason: string };

const DENIALS: ReadonlySet<string> = new Set(["NOT_FOUND", "NO_KEYS"]);

/**
 * Asks the forge whether the key of a verified signature belongs to whom the signature names.
 *
 * @param directory where to ask; null where that is not wanted
 * @throws what is not a DirectoryError, such as the reason of an abort
 */
export async function checkSigner(
  { from, publicKey }: Pick<MessageSignature, "from" | "publicKey">,
  directory: Directory | null,
): Promise<SignerCheck> {
  if (from === null) return { state: "unnamed", reason: "it names nobody" };
  if (directory === null) return { state: "unchecked", reason: "the forge was not asked" };
  try {
    const { keys, source } = await directory.resolveSigner(from);
    if (keys.some(({ fingerprint }) => fingerprint === publicKey.fingerprint)) return { state: "confirmed", source };
    return { state: "denied", reason: "the key is not among those of the user" };
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    return { state: DENIALS.has(error.code) ? "denied" : "unreachable", reason: error.message };
  }
}
