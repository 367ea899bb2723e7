import { createPrivateKey, createPublicKey } from "node:crypto";
import { KeyError, malformed } from "../errors.ts";
import { rsaPublicKey, sameKey } from "../public/public-key.ts";
import type { Ed25519PrivateKey, Ed25519PublicKey, RsaPrivateKey, RsaPublicKey } from "../types.ts";
import { fromBigInt, toBigInt } from "../wire.ts";

/** The numbers of an RSA private key (RFC 8017 section 3.2), each a big-endian magnitude. */
export interface RsaNumbers {
  readonly modulus: Buffer;
  readonly exponent: Buffer;
  readonly privateExponent: Buffer;
  /** p */
  readonly prime1: Buffer;
  /** q */
  readonly prime2: Buffer;
  /** The inverse of q modulo p. */
  readonly coefficient: Buffer;
}

/** What precedes the seed in the PKCS#8 encoding of an Ed25519 private key (RFC 8410 section 7). */
const SEED_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** The compressed Edwards point that belongs to a seed of 32 bytes. */
export function pointOfSeed(seed: Uint8Array): Buffer {
  const der = Buffer.concat([SEED_PREFIX, seed]);
  try {
    const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
    return key.export({ format: "der", type: "spki" }).subarray(-32);
  } finally {
    der.fill(0);
  }
}

/**
 * An unlocked Ed25519 key with a copy of `seed`; throws KeyError `MALFORMED_KEY` if the seed is not
 * that of the public key.
 */
export function ed25519PrivateKey(seed: Uint8Array, publicKey: Ed25519PublicKey): Ed25519PrivateKey {
  if (!pointOfSeed(seed).equals(publicKey.point)) throw otherHalf();
  return { type: "ssh-ed25519", publicKey, seed: Buffer.from(seed) };
}

/**
 * An unlocked RSA key; throws KeyError `MALFORMED_KEY` if its numbers are not those of the public
 * key, or do not agree.
 *
 * The files of OpenSSH and PuTTY lack d mod (p − 1) and d mod (q − 1), which node:crypto needs, so
 * they are computed here, on the machine of the key's owner and once per unlocking. BigInts and the
 * strings of a JWK cannot be overwritten.
 */
export function rsaPrivateKey(numbers: RsaNumbers, publicKey: RsaPublicKey): RsaPrivateKey {
  if (!sameKey(rsaPublicKey(numbers.modulus, numbers.exponent, ""), publicKey)) throw otherHalf();
  const d = toBigInt(numbers.privateExponent);
  const e = toBigInt(numbers.exponent);
  const p = toBigInt(numbers.prime1);
  const q = toBigInt(numbers.prime2);
  const isSound =
    p > 1n &&
    q > 1n &&
    p * q === toBigInt(numbers.modulus) &&
    (d * e) % (p - 1n) === 1n &&
    (d * e) % (q - 1n) === 1n &&
    (toBigInt(numbers.coefficient) * q) % p === 1n;
  if (!isSound) throw malformed("ssh-rsa private key", "its numbers do not belong together");
  const jwk = {
    kty: "RSA",
    n: base64url(publicKey.modulus),
    e: base64url(publicKey.exponent),
    d: base64url(numbers.privateExponent),
    p: base64url(numbers.prime1),
    q: base64url(numbers.prime2),
    dp: base64url(fromBigInt(d % (p - 1n))),
    dq: base64url(fromBigInt(d % (q - 1n))),
    qi: base64url(numbers.coefficient),
  };
  return { type: "ssh-rsa", publicKey, key: createPrivateKey({ key: jwk, format: "jwk" }) };
}

const base64url = (bytes: Buffer): string => bytes.toString("base64url");

const otherHalf = (): KeyError => malformed("private key", "its secret half does not belong to its public half");

/** The error for an encrypted key that did not decrypt. */
export const wrongPassphrase = (): KeyError =>
  new KeyError("WRONG_PASSPHRASE", "the private key did not decrypt: the passphrase is wrong, or the file is damaged");

/** The passphrase; throws KeyError `PASSPHRASE_REQUIRED` if there is none. */
export function requirePassphrase(passphrase: Uint8Array | undefined): Uint8Array {
  if (passphrase !== undefined && passphrase.length > 0) return passphrase;
  throw new KeyError("PASSPHRASE_REQUIRED", "the private key is encrypted: its passphrase is needed");
}
