import { decodeBase64, encodeBase64 } from "@git-vault/core";
import { WRAPPED_BYTES } from "./file-key.ts";
import { openHpke, sealHpke } from "../crypto/hpke.ts";
import { malformed } from "../errors.ts";
import { decapsulate, encapsulate, ENCAPSULATED_BYTES, MLKEM768_X25519 } from "../crypto/mlkem768-x25519.ts";
import type { Stanza } from "./stanza.ts";

/*
 * The stanza `mlkem768x25519 <encapsulated key>` (C2SP age.md, "The MLKEM768-X25519 hybrid
 * post-quantum recipient type").
 */

const INFO = "age-encryption.org/mlkem768x25519";

/** Wraps a file key to a 1216-byte public key; null if that is invalid. */
export function wrapToHybrid(publicKey: Buffer, fileKey: Buffer): Stanza | null {
  const secret = encapsulate(publicKey);
  if (secret === null) return null;
  const body = sealHpke(MLKEM768_X25519, secret.sharedSecret, INFO, fileKey);
  secret.sharedSecret.fill(0);
  return { type: "mlkem768x25519", args: [encodeBase64(secret.encapsulated, "unpadded")], body };
}

/**
 * Unwraps the file key with a 32-byte seed; null if the stanza is for another key.
 *
 * Throws SealingError `MALFORMED_MESSAGE`.
 */
export function unwrapHybrid({ args, body }: Stanza, seed: Buffer): Buffer | null {
  const encapsulated = args.length === 1 && args[0] !== undefined ? decodeBase64(args[0], "unpadded") : null;
  if (encapsulated?.length !== ENCAPSULATED_BYTES) {
    throw malformed(`an mlkem768x25519 recipient has not one encapsulated key of ${ENCAPSULATED_BYTES} bytes`);
  }
  if (body.length !== WRAPPED_BYTES)
    throw malformed(`the body of an mlkem768x25519 recipient is not ${WRAPPED_BYTES} bytes`);
  const sharedSecret = decapsulate(encapsulated, seed);
  if (sharedSecret === null) throw malformed("the share of an mlkem768x25519 recipient is a point of low order");
  const fileKey = openHpke(MLKEM768_X25519, sharedSecret, INFO, body);
  sharedSecret.fill(0);
  return fileKey;
}
