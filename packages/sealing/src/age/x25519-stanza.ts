import { generateX25519, hkdf, x25519, x25519PublicKey } from "#crypto";
import { Buffer } from "@git-vault/core/bytes";
import { decodeBase64, encodeBase64 } from "@git-vault/core";
import { unwrapFileKey, WRAPPED_BYTES, wrapFileKey } from "./file-key.ts";
import { malformed } from "../errors.ts";
import type { Stanza } from "./stanza.ts";

/*
 * The stanza `X25519 <share>` (C2SP age.md, "The X25519 recipient type").
 */

const INFO = "age-encryption.org/v1/X25519";

const wrapKeyOf = (secret: Buffer, share: Buffer, point: Buffer): Buffer => {
  const key = hkdf(secret, Buffer.concat([share, point]), INFO);
  secret.fill(0);
  return key;
};

/** Wraps a file key to a 32-byte point; null if that is of low order. */
export function wrapToX25519(point: Buffer, fileKey: Buffer): Stanza | null {
  const ephemeral = generateX25519();
  const share = x25519PublicKey(ephemeral);
  const secret = x25519(ephemeral, point);
  if (secret === null) return null;
  const body = wrapFileKey(wrapKeyOf(secret, share, point), fileKey);
  return { type: "X25519", args: [encodeBase64(share, "unpadded")], body };
}

/**
 * Unwraps the file key with a 32-byte scalar and its point; null if the stanza is for another key.
 *
 * Throws SealingError `MALFORMED_MESSAGE`.
 */
export function unwrapX25519({ args, body }: Stanza, scalar: Buffer, point: Buffer): Buffer | null {
  const share = args.length === 1 && args[0] !== undefined ? decodeBase64(args[0], "unpadded") : null;
  if (share?.length !== 32) throw malformed("an X25519 recipient does not have one share of 32 bytes");
  if (body.length !== WRAPPED_BYTES) throw malformed(`the body of an X25519 recipient is not ${WRAPPED_BYTES} bytes`);
  const secret = x25519(scalar, share);
  if (secret === null) throw malformed("the share of an X25519 recipient is a point of low order");
  return unwrapFileKey(wrapKeyOf(secret, share, point), body);
}
