import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  KeyObject,
} from "node:crypto";

// What RFC 8410 puts before the 32 bytes of an X25519 private key in PKCS#8.
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");

const ANY_COORDINATE = Buffer.alloc(32).toString("base64url");

/** A private key: the 32 bytes of the scalar, or the key as node:crypto holds it. */
export type X25519PrivateKey = Uint8Array | KeyObject;

/**
 * A new private key. To make one so and to use it twice is much faster than to have OpenSSL decode
 * a scalar.
 */
export function generateX25519(): KeyObject {
  return generateKeyPairSync("x25519").privateKey;
}

const keyObjectOf = (scalar: X25519PrivateKey): KeyObject => {
  if (scalar instanceof KeyObject) return scalar;
  const der = Buffer.concat([PRIVATE_PREFIX, scalar]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  return key;
};

/**
 * A private key of a scalar that is no secret, such as age's tweak. Node 20's OpenSSL takes a
 * millisecond to decode one in DER; as a JWK it takes it at once, with any public coordinate, which
 * later ones check: they are as fast in DER.
 */
export function publicScalar(scalar: Uint8Array): X25519PrivateKey {
  const d = Buffer.from(scalar).toString("base64url");
  try {
    return createPrivateKey({ key: { kty: "OKP", crv: "X25519", x: ANY_COORDINATE, d }, format: "jwk" });
  } catch {
    return scalar;
  }
}

/** The public u-coordinate, 32 bytes, of a private key: X25519(scalar, 9). */
export function x25519PublicKey(scalar: X25519PrivateKey): Buffer {
  const { x = "" } = createPublicKey(keyObjectOf(scalar)).export({ format: "jwk" });
  return Buffer.from(x, "base64url");
}

/**
 * X25519 (RFC 7748 section 5): the 32-byte secret of a scalar and a u-coordinate; null where it
 * would be all zero, which is to say that the point is of low order.
 */
export function x25519(scalar: X25519PrivateKey, point: Uint8Array): Buffer | null {
  // Of the ways to a public key, this one is the fastest: it spares OpenSSL a DER decoder.
  const x = Buffer.from(point).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
  const privateKey = keyObjectOf(scalar);
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    // OpenSSL refuses to give an all-zero secret.
    return null;
  }
}

/**
 * The X25519 scalar that belongs to an Ed25519 seed (RFC 8032 section 5.1.5, step 1); X25519 itself
 * sets and clears its bits.
 */
export function x25519ScalarOfSeed(seed: Uint8Array): Buffer {
  const hash = createHash("sha512").update(seed).digest();
  const scalar = Buffer.from(hash.subarray(0, 32));
  hash.fill(0);
  return scalar;
}
