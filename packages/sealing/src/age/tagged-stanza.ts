import { hmac } from "#crypto";
import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { encodeBase64 } from "@git-vault/core";
import { Buffer } from "@git-vault/core/bytes";
import { dhkemSecret, sealHpke } from "../crypto/hpke.ts";
import type { Stanza } from "./stanza.ts";

/*
 * The stanzas `p256tag <tag> <encapsulated key>` and, post-quantum, `mlkem768p256tag` with the same
 * arguments (C2SP age.md, "The tagged recipient types"), for keys that lie in hardware. Plugins of
 * age open them; sealing to them takes none. The tag tells a plugin whether its device is wanted.
 */

const ML_KEM_BYTES = 1184;

/** What a key encapsulation gives. */
interface Encapsulated {
  readonly sharedSecret: Uint8Array;
  readonly share: Uint8Array;
}

const stanzaOf = (type: string, { share }: Encapsulated, publicKey: Buffer, body: Buffer): Stanza => {
  const label = Buffer.from(`age-encryption.org/${type}`);
  const tag = hmac(label, Buffer.concat([share, sha256(publicKey).subarray(0, 4)])).subarray(0, 4);
  return { type, args: [tag, share].map((bytes) => encodeBase64(bytes, "unpadded")), body };
};

/** What `work` gives; null where the public key is refused. */
const orNull = <T>(work: () => T): T | null => {
  try {
    return work();
  } catch {
    return null;
  }
};

/** Wraps a file key to a compressed point of P-256, 33 bytes; null if it is not on the curve. */
export function wrapToP256(point: Buffer, fileKey: Buffer): Stanza | null {
  const encapsulated = orNull(() => encapsulateP256(p256.Point.fromBytes(point).toBytes(false)));
  if (encapsulated === null) return null;
  const type = "p256tag";
  const body = sealHpke("p256", encapsulated.sharedSecret, `age-encryption.org/${type}`, fileKey);
  encapsulated.sharedSecret.fill(0);
  return stanzaOf(type, encapsulated, point, body);
}

function encapsulateP256(publicKey: Uint8Array): Encapsulated {
  const { secretKey } = p256.keygen();
  const share = p256.getPublicKey(secretKey, false);
  // The x-coordinate of the shared point is the secret of the curve (RFC 9180 section 7.1.1).
  const point = p256.getSharedSecret(secretKey, publicKey, false);
  const sharedSecret = dhkemSecret(point.subarray(1, 33), share, publicKey);
  for (const secret of [secretKey, point]) secret.fill(0);
  return { sharedSecret, share };
}

/**
 * Wraps a file key to a key of ML-KEM-768 and, after it, an uncompressed point of P-256, 1249
 * bytes; null if either is invalid.
 */
export async function wrapToHybridP256(publicKey: Buffer, fileKey: Buffer): Promise<Stanza | null> {
  const { ml_kem768_p256: kem } = await import("@noble/post-quantum/hybrid.js");
  const secret = orNull(() => kem.encapsulate(publicKey));
  if (secret === null) return null;
  const { sharedSecret, cipherText: share } = secret;
  const type = "mlkem768p256tag";
  const body = sealHpke("mlkem768-p256", sharedSecret, `age-encryption.org/${type}`, fileKey);
  sharedSecret.fill(0);
  return stanzaOf(type, { sharedSecret, share }, publicKey.subarray(ML_KEM_BYTES), body);
}
