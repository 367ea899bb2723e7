import { createPublicKey, type KeyObject } from "node:crypto";
import { KeyError } from "../errors.ts";
import { fieldCountOf, plainTypeOf } from "../public/key-type.ts";
import { ed25519PublicKey, fingerprintOfAny, rsaPublicKey, typeOfBlob, whyUnusable } from "../public/public-key.ts";
import { WireReader } from "../wire.ts";

/*
 * The public keys that SSH signatures are made with, among them those that no message can be sealed
 * to.
 */

/** A public key that can sign. */
export interface SigningKey {
  /** As SSH names it, such as `ecdsa-sha2-nistp256`. */
  readonly type: string;
  /** The key in SSH wire encoding. */
  readonly blob: Buffer;
  /** `SHA256:` and 43 characters of unpadded base64, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/** What checks a signature. */
export interface VerifyingKey extends SigningKey {
  readonly key: KeyObject;
  readonly kind: "ed25519" | "rsa" | "ecdsa";
  /** The length of a signature, or for ECDSA of each of its two numbers, in bytes. */
  readonly size: number;
  /** ECDSA's hash, which the curve determines (RFC 5656 section 6.2.1). */
  readonly hash: "sha256" | "sha384" | "sha512";
  /** What a FIDO key was made for, such as `ssh:`; null for other keys. */
  readonly application: Buffer | null;
}

const CURVES = new Map([
  ["nistp256", { crv: "P-256", size: 32, hash: "sha256" }],
  ["nistp384", { crv: "P-384", size: 48, hash: "sha384" }],
  ["nistp521", { crv: "P-521", size: 66, hash: "sha512" }],
] as const);

const base64url = (bytes: Buffer): string => bytes.toString("base64url");
const fromJwk = (key: Record<string, string>): KeyObject => createPublicKey({ key, format: "jwk" });

type Parts = Pick<VerifyingKey, "key" | "kind" | "size" | "hash">;

const readEd25519 = (reader: WireReader): Parts => {
  const { point } = ed25519PublicKey(reader.string(), "");
  const key = fromJwk({ kty: "OKP", crv: "Ed25519", x: base64url(point) });
  return { key, kind: "ed25519", size: 64, hash: "sha512" };
};

const readRsa = (reader: WireReader): Parts => {
  const exponent = reader.mpint();
  const modulus = reader.mpint();
  const problem = whyUnusable(rsaPublicKey(modulus, exponent, ""));
  if (problem !== null) throw new KeyError("UNSUPPORTED_KEY", `this ssh-rsa key cannot sign: ${problem}`);
  const key = fromJwk({ kty: "RSA", n: base64url(modulus), e: base64url(exponent) });
  return { key, kind: "rsa", size: modulus.length, hash: "sha512" };
};

/** RFC 5656 section 3.1. The point is uncompressed, as in OpenSSH. */
const readEcdsa = (reader: WireReader, type: string): Parts => {
  const name = reader.string().toString("latin1");
  const curve = [...CURVES].find(([curveName]) => curveName === name && type.includes(`-${curveName}`))?.[1];
  if (curve === undefined) throw reader.malformed("its curve does not match its type");
  const { crv, size, hash } = curve;
  const point = reader.string();
  if (point.length !== 1 + 2 * size || point[0] !== 4) throw reader.malformed("its point is not uncompressed");
  const x = base64url(point.subarray(1, 1 + size));
  const y = base64url(point.subarray(1 + size));
  try {
    return { key: fromJwk({ kty: "EC", crv, x, y }), kind: "ecdsa", size, hash };
  } catch {
    throw reader.malformed("its point is not on the curve");
  }
};

/**
 * Reads the blob of a key that signs: Ed25519, RSA (2048 to 8192 bits), ECDSA on the three NIST
 * curves, and the FIDO forms of Ed25519 and P-256.
 *
 * @throws KeyError `MALFORMED_KEY`, and `UNSUPPORTED_KEY` for certificates, DSA, unknown types and
 * RSA keys of another size
 */
export function readSigningKey(blob: Buffer): VerifyingKey {
  const type = typeOfBlob(blob);
  if (fieldCountOf(type) === null || type === "ssh-dss" || plainTypeOf(type) !== type) {
    throw new KeyError("UNSUPPORTED_KEY", "expected a signature of an Ed25519, RSA, ECDSA or FIDO key, got another");
  }
  const reader = new WireReader(blob, `${type} key`);
  reader.string();
  const read = type === "ssh-rsa" ? readRsa : type.includes("ed25519") ? readEd25519 : readEcdsa;
  const parts = read(reader, type);
  const application = type.startsWith("sk-") ? reader.string() : null;
  return { type, blob: Buffer.from(blob), fingerprint: fingerprintOfAny(blob), application, ...parts };
}
