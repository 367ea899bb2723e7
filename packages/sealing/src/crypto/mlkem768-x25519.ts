import { createHash } from "node:crypto";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { generateX25519, x25519, x25519PublicKey } from "./x25519.ts";

/*
 * The key encapsulation MLKEM768-X25519 (draft-ietf-hpke-pq), which is X-Wing
 * (draft-connolly-cfrg-xwing-kem): ML-KEM-768 (FIPS 203) beside X25519, secure as long as either
 * is.
 */

/** Its identifier in HPKE. */
export const MLKEM768_X25519 = 0x647a;
/** The length of an encapsulated secret. */
export const ENCAPSULATED_BYTES = 1120;

const MLKEM_PUBLIC_KEY_BYTES = 1184;
const MLKEM_CIPHERTEXT_BYTES = 1088;
const LABEL = Buffer.from("\\.//^\\");

interface KeyPair {
  readonly mlkemSecretKey: Uint8Array;
  readonly scalar: Buffer;
  readonly publicKey: Buffer;
}

/** The keys that a 32-byte seed stands for. */
const expandSeed = (seed: Uint8Array): KeyPair => {
  const expanded = createHash("shake256", { outputLength: 96 }).update(seed).digest();
  const mlkem = ml_kem768.keygen(expanded.subarray(0, 64));
  const scalar = Buffer.from(expanded.subarray(64));
  expanded.fill(0);
  return {
    mlkemSecretKey: mlkem.secretKey,
    scalar,
    publicKey: Buffer.concat([mlkem.publicKey, x25519PublicKey(scalar)]),
  };
};

/**
 * The shared secret: SHA3-256 over both secrets, and X25519's ciphertext and public key, which
 * ML-KEM's own hashing covers for itself.
 */
const combine = (mlkemSecret: Uint8Array, secret: Buffer, share: Buffer, point: Buffer): Buffer => {
  const shared = createHash("sha3-256")
    .update(mlkemSecret)
    .update(secret)
    .update(share)
    .update(point)
    .update(LABEL)
    .digest();
  mlkemSecret.fill(0);
  secret.fill(0);
  return shared;
};

/** The 1216-byte public key of a 32-byte seed. */
export function publicKeyOfSeed(seed: Uint8Array): Buffer {
  const { mlkemSecretKey, scalar, publicKey } = expandSeed(seed);
  mlkemSecretKey.fill(0);
  scalar.fill(0);
  return publicKey;
}

/**
 * A fresh 32-byte shared secret and the 1120 bytes from which the key's owner gets it; null where
 * the key is not a valid one.
 */
export function encapsulate(publicKey: Buffer): { encapsulated: Buffer; sharedSecret: Buffer } | null {
  const point = publicKey.subarray(MLKEM_PUBLIC_KEY_BYTES);
  const ephemeral = generateX25519();
  const share = x25519PublicKey(ephemeral);
  const secret = x25519(ephemeral, point);
  const mlkem = secret && encapsulateMlkem(publicKey.subarray(0, MLKEM_PUBLIC_KEY_BYTES));
  if (secret === null || mlkem === null) return null;
  return {
    encapsulated: Buffer.concat([mlkem.cipherText, share]),
    sharedSecret: combine(mlkem.sharedSecret, secret, share, point),
  };
}

const encapsulateMlkem = (publicKey: Buffer): { cipherText: Uint8Array; sharedSecret: Uint8Array } | null => {
  try {
    return ml_kem768.encapsulate(publicKey);
  } catch {
    // Coefficients that are not reduced (FIPS 203 section 7.2): it is the only check there is.
    return null;
  }
};

/**
 * The shared secret of 1120 bytes that `encapsulate` gave for this seed's public key, and an
 * unrelated one for other bytes; null where X25519's part is a point of low order.
 */
export function decapsulate(encapsulated: Buffer, seed: Uint8Array): Buffer | null {
  const { mlkemSecretKey, scalar, publicKey } = expandSeed(seed);
  const share = encapsulated.subarray(MLKEM_CIPHERTEXT_BYTES);
  const secret = x25519(scalar, share);
  scalar.fill(0);
  const mlkemSecret = ml_kem768.decapsulate(encapsulated.subarray(0, MLKEM_CIPHERTEXT_BYTES), mlkemSecretKey);
  mlkemSecretKey.fill(0);
  return secret && combine(mlkemSecret, secret, share, publicKey.subarray(MLKEM_PUBLIC_KEY_BYTES));
}
