import { Buffer } from "@git-vault/core/bytes";
import { decodeBase64, encodeBase64 } from "@git-vault/core";
import { ml_kem768_x25519 as kem } from "@noble/post-quantum/hybrid.js";
import { openHpke, sealHpke } from "../crypto/hpke.ts";
import { malformed } from "../errors.ts";
import { WRAPPED_BYTES } from "./file-key.ts";
import type { Stanza } from "./stanza.ts";

/*
 * The stanza `mlkem768x25519 <encapsulated key>` (C2SP age.md, "The MLKEM768-X25519 hybrid
 * post-quantum recipient type"). Its key encapsulation is ML-KEM-768 (FIPS 203) beside X25519,
 * secure as long as either is.
 */

const INFO = "age-encryption.org/mlkem768x25519";
const ENCAPSULATED_BYTES = 1120;

/** The 1216-byte public key of a 32-byte seed. */
export const publicKeyOfSeed = (seed: Uint8Array): Buffer => Buffer.from(kem.keygen(seed).publicKey);

/** What `work` gives; null where the library refuses the other side's part. */
const orNull = <T>(work: () => T): T | null => {
  try {
    return work();
  } catch {
    return null;
  }
};

/** Wraps a file key to a 1216-byte public key; null if that is invalid. */
export function wrapToHybrid(publicKey: Buffer, fileKey: Buffer): Stanza | null {
  // Coefficients that are not reduced (FIPS 203 section 7.2), or a point of low order.
  const secret = orNull(() => kem.encapsulate(publicKey));
  if (secret === null) return null;
  const body = sealHpke("mlkem768-x25519", secret.sharedSecret, INFO, fileKey);
  secret.sharedSecret.fill(0);
  return { type: "mlkem768x25519", args: [encodeBase64(secret.cipherText, "unpadded")], body };
}

/**
 * Unwraps the file key with a 32-byte seed; null if the stanza is for another key.
 *
 * Throws SealingError `MALFORMED_MESSAGE`.
 */
export function unwrapHybrid({ args, body }: Stanza, seed: Buffer): Buffer | null {
  const encapsulated = args.length === 1 && args[0] !== undefined ? decodeBase64(args[0], "unpadded") : null;
  if (encapsulated?.length !== ENCAPSULATED_BYTES) {
    throw malformed(`an mlkem768x25519 recipient does not have one encapsulated key of ${ENCAPSULATED_BYTES} bytes`);
  }
  if (body.length !== WRAPPED_BYTES)
    throw malformed(`the body of an mlkem768x25519 recipient is not ${WRAPPED_BYTES} bytes`);
  const sharedSecret = orNull(() => kem.decapsulate(encapsulated, seed));
  if (sharedSecret === null) throw malformed("the share of an mlkem768x25519 recipient is a point of low order");
  const fileKey = openHpke("mlkem768-x25519", sharedSecret, INFO, body);
  sharedSecret.fill(0);
  return fileKey;
}
