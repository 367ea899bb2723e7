import { createHash } from "node:crypto";
import { readSignature } from "@git-vault/keys";
import {
  encodeStatement,
  SealingError,
  SIGNATURE_NAMESPACE,
  verifyMessage,
  type AttachedSignature,
  type MessageSignature,
} from "@git-vault/sealing";
import type { OpenedWith } from "../identities/local-identities.ts";
import type { Signer } from "../identities/signer.ts";

/** How a message is signed. */
export interface SignOptions {
  readonly signer: Signer;
  /** The signer's forge user, such as `github:alice`; without it only the key is told. */
  readonly from?: string | undefined;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/**
 * Signs what is sealed, and to whom.
 *
 * @param recipients the fingerprints of the keys that it is sealed to
 */
export async function signPlaintext(
  plaintext: Uint8Array,
  recipients: readonly string[],
  { signer, from }: SignOptions,
): Promise<AttachedSignature> {
  const date = new Date().toISOString().replace(/\.\d+/, "");
  const statement = encodeStatement({ from: from ?? null, date, digest: sha256(plaintext), recipients });
  return { statement, signature: readSignature(await signer.sign(SIGNATURE_NAMESPACE, statement)).blob };
}

/** Verifies an opened message's signature; overwrites the plaintext if it fails. */
export function verifyPlaintext(
  signature: AttachedSignature,
  plaintext: Buffer,
  { fingerprint }: OpenedWith,
): MessageSignature {
  try {
    if (fingerprint !== null) return verifyMessage(signature, { digest: sha256(plaintext), openedBy: fingerprint });
    throw new SealingError(
      "BAD_SIGNATURE",
      "the sender's signature is not valid: what opened the message has no name",
      {
        hint: "for a plugin's identity, put its recipient before it into its file: # public key: age1…",
      },
    );
  } catch (error) {
    plaintext.fill(0);
    throw error;
  }
}
