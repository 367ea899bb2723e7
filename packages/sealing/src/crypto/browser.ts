import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 as curve } from "@noble/curves/ed25519.js";
import { hkdf as nobleHkdf } from "@noble/hashes/hkdf.js";
import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64urlnopad } from "@scure/base";
import { Buffer } from "@git-vault/core/bytes";
import type { RsaPublicKey } from "@git-vault/keys";
import { viewOf } from "../buffers.ts";
import { unusable } from "../errors.ts";

/*
 * What index.ts has, for browsers: noble's functions, and WebCrypto's for random bytes and RSA.
 */

export type Aead = "chacha20-poly1305";
export const TAG_BYTES = 16;
export const NONCE_BYTES = 12;
/** A scalar of 32 bytes. */
export type X25519PrivateKey = Uint8Array;

export function randomBytes(length: number): Buffer {
  return viewOf(crypto.getRandomValues(new Uint8Array(length)));
}

export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) throw new RangeError("expected as many bytes as in the other");
  let difference = 0;
  for (let at = 0; at < a.length; at += 1) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}

export function sealAead(
  _: Aead,
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  associated?: Uint8Array,
): Buffer {
  return viewOf(chacha20poly1305(key, nonce, associated).encrypt(plaintext));
}

export function openAead(
  _: Aead,
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  associated?: Uint8Array,
): Buffer | null {
  try {
    return viewOf(chacha20poly1305(key, nonce, associated).decrypt(sealed));
  } catch {
    return null;
  }
}

export function sealChunk(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, out: Buffer, at: number): number {
  const end = at + plaintext.length + TAG_BYTES;
  chacha20poly1305(key, nonce).encrypt(plaintext, out.subarray(at, end));
  return end;
}

export function openChunk(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, out: Buffer, at: number): boolean {
  const plaintext = openAead("chacha20-poly1305", key, nonce, sealed);
  plaintext?.copy(out, at);
  plaintext?.fill(0);
  return plaintext !== null;
}

export function hmac(key: Uint8Array, message: Uint8Array): Buffer {
  return viewOf(nobleHmac(sha256, key, message));
}

export function hkdf(keyMaterial: Uint8Array, salt: Uint8Array, info: Uint8Array | string, length = 32): Buffer {
  return viewOf(nobleHkdf(sha256, keyMaterial, salt, typeof info === "string" ? Buffer.from(info) : info, length));
}

export async function scrypt(passphrase: Uint8Array, salt: Uint8Array, workFactor: number): Promise<Buffer> {
  const N = 2 ** workFactor;
  return viewOf(await scryptAsync(passphrase, salt, { N, r: 8, p: 1, dkLen: 32, maxmem: 1024 * (N + 64) }));
}

export function generateX25519(): X25519PrivateKey {
  return randomBytes(32);
}

export function publicScalar(scalar: Uint8Array): X25519PrivateKey {
  return scalar;
}

export function x25519PublicKey(scalar: X25519PrivateKey): Buffer {
  return viewOf(curve.getPublicKey(scalar));
}

export function x25519(scalar: X25519PrivateKey, point: Uint8Array): Buffer | null {
  try {
    return viewOf(curve.getSharedSecret(scalar, point));
  } catch {
    // noble refuses to give an all-zero secret.
    return null;
  }
}

/**
 * Throws SealingError `UNUSABLE_RECIPIENT` where the page did not come over HTTPS or from a file:
 * browsers have no WebCrypto then; and for an exponent that the browser does not take.
 */
export async function encryptOaep(
  { modulus, exponent }: RsaPublicKey,
  message: Uint8Array,
  label?: Uint8Array,
): Promise<Buffer> {
  // Undefined in an insecure context, whatever the types say.
  const subtle: SubtleCrypto | undefined = crypto.subtle;
  if (subtle === undefined)
    throw unusable("this browser does not offer RSA to a page that came over plain HTTP", OPEN_SAFELY);
  const jwk = { kty: "RSA", n: base64urlnopad.encode(modulus), e: base64urlnopad.encode(exponent) };
  const algorithm = { name: "RSA-OAEP", hash: "SHA-256" };
  try {
    const key = await subtle.importKey("jwk", jwk, algorithm, false, ["encrypt"]);
    const parameters = { name: "RSA-OAEP", ...(label && { label: new Uint8Array(label) }) };
    return viewOf(new Uint8Array(await subtle.encrypt(parameters, key, new Uint8Array(message))));
  } catch {
    throw unusable("this browser does not accept the RSA key", "ask for an Ed25519 key");
  }
}

const OPEN_SAFELY = "open it over HTTPS or from a file, or seal to an Ed25519 key";
