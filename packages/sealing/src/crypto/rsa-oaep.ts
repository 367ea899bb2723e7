import { constants, createPublicKey, privateDecrypt, publicEncrypt, type KeyObject } from "node:crypto";
import type { RsaPrivateKey, RsaPublicKey } from "@git-vault/keys";

// RSAES-OAEP (RFC 8017 section 7.1) with SHA-256 for the label and for MGF1.
const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };

/** The same key as node:crypto holds it. */
export function rsaKeyObject({ modulus, exponent }: RsaPublicKey): KeyObject {
  return createPublicKey({
    key: { kty: "RSA", n: modulus.toString("base64url"), e: exponent.toString("base64url") },
    format: "jwk",
  });
}

/** Encrypts a short message; the result is as long as the modulus. */
export function encryptOaepSync(publicKey: RsaPublicKey, message: Buffer, label?: Buffer): Buffer {
  return publicEncrypt({ key: rsaKeyObject(publicKey), ...OAEP, ...(label && { oaepLabel: label }) }, message);
}

/** Decrypts what `encryptOaepSync` gives; null where it was not made for this key and label. */
export function decryptOaep({ key }: RsaPrivateKey, sealed: Buffer, label?: Buffer): Buffer | null {
  try {
    return privateDecrypt({ key, ...OAEP, ...(label && { oaepLabel: label }) }, sealed);
  } catch {
    return null;
  }
}
