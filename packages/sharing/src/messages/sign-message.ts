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
import { SharingError } from "../errors.ts";
import type { OpenedWith } from "../identities/local-identities.ts";
import type { Chosen } from "./share.ts";
import { MAX_SIGNED_BYTES } from "./signed-size.ts";
import type { Signer } from "../identities/signer.ts";

/** How a message is signed. */
export interface SignOptions {
  readonly signer: Signer;
  /**
   * Who signs, as the name of a forge's user, such as `github:alice`; the receiver sees just the
   * key where it is left out.
   */
  readonly from?: string | undefined;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** Signs what is sealed, and to whom. */
export async function signPlaintext(
  plaintext: Uint8Array,
  { format, sealedTo }: Chosen,
  { signer, from }: SignOptions,
): Promise<AttachedSignature> {
  if (format !== "age") throw cannotSign("ssh-vault's format has no place for a signature", "seal in the age format");
  if (sealedTo.length === 0) {
    throw cannotSign("a message to a passphrase cannot be signed", "seal it to the receiver's keys instead");
  }
  if (plaintext.length > MAX_SIGNED_BYTES) {
    throw cannotSign(
      `expected at most ${MAX_SIGNED_BYTES} bytes to sign, got ${plaintext.length}`,
      "share it unsigned, or sign the file itself with `ssh-keygen -Y sign`",
    );
  }
  const statement = encodeStatement({
    from: from ?? null,
    date: new Date().toISOString().replace(/\.\d+/, ""),
    digest: sha256(plaintext),
    recipients: sealedTo.flatMap(({ entry: { fingerprint } }) => (fingerprint === null ? [] : [fingerprint])),
  });
  return { statement, signature: readSignature(await signer.sign(SIGNATURE_NAMESPACE, statement)).blob };
}

const cannotSign = (message: string, hint: string): SharingError => new SharingError("CANNOT_SIGN", message, { hint });

/**
 * Verifies the signature of an opened message; where it does not fit, the plaintext is overwritten.
 */
export function verifyPlaintext(
  signature: AttachedSignature,
  plaintext: Buffer,
  { fingerprint }: OpenedWith,
): MessageSignature {
  try {
    if (fingerprint !== null) return verifyMessage(signature, { digest: sha256(plaintext), openedBy: fingerprint });
    throw new SealingError("BAD_SIGNATURE", "the sender's signature does not fit: what opened the message has no name");
  } catch (error) {
    plaintext.fill(0);
    throw error;
  }
}
