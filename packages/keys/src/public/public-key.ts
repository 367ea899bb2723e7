import { createHash } from "node:crypto";
import { pointProblem } from "./ed25519-point.ts";
import { KeyError } from "../errors.ts";
import { fieldCountOf, plainTypeOf, typeProblem } from "./key-type.ts";
import { bitLength } from "../number.ts";
import type { Ed25519PublicKey, RsaPublicKey, SshPublicKey } from "../types.ts";
import { WireReader, wireMpint, wireString } from "../wire.ts";

/** Old keys of this size may still open what was sealed to them. */
const minimumReadableBits = 1024;
/** As in OpenSSH (SSHBUF_MAX_BIGNUM). */
const maximumReadableBits = 16_384;
const minimumUsableBits = 2048;
const maximumUsableBits = 8192;
const maximumExponentBits = 64;

/**
 * Removes what could move a terminal's cursor or turn its text around: control characters, line
 * ends, direction marks.
 */
export function cleanComment(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "").trim();
}

/** The fingerprint of a blob, as `ssh-keygen -l` prints it. */
function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/**
 * Makes a public key of a compressed Edwards point; throws KeyError `MALFORMED_KEY` for one that is
 * not a sound key.
 */
export function ed25519PublicKey(point: Uint8Array, comment: string): Ed25519PublicKey {
  if (point.length !== 32) {
    throw new KeyError("MALFORMED_KEY", `malformed ssh-ed25519 key: expected a point of 32 bytes, got ${point.length}`);
  }
  const problem = pointProblem(point);
  if (problem !== null) throw new KeyError("MALFORMED_KEY", `malformed ssh-ed25519 key: ${problem}`);
  const blob = Buffer.concat([wireString("ssh-ed25519"), wireString(point)]);
  return {
    type: "ssh-ed25519",
    blob,
    fingerprint: fingerprintOf(blob),
    comment: cleanComment(comment),
    point: Buffer.from(point),
  };
}

/**
 * Makes a public key of an RSA modulus and exponent, big-endian and without leading zero bytes;
 * throws KeyError `UNSUPPORTED_KEY` for a modulus under 1024 or over 16384 bits.
 */
export function rsaPublicKey(modulus: Buffer, exponent: Buffer, comment: string): RsaPublicKey {
  const bits = bitLength(modulus);
  if (bits < minimumReadableBits) throw new KeyError("UNSUPPORTED_KEY", tooSmall(bits));
  if (bits > maximumReadableBits) throw new KeyError("UNSUPPORTED_KEY", tooLarge(bits));
  const blob = Buffer.concat([wireString("ssh-rsa"), wireMpint(exponent), wireMpint(modulus)]);
  return {
    type: "ssh-rsa",
    blob,
    fingerprint: fingerprintOf(blob),
    comment: cleanComment(comment),
    modulus: Buffer.from(modulus),
    exponent: Buffer.from(exponent),
    bits,
  };
}

const tooSmall = (bits: number): string => `RSA of ${bits} bits is under the minimum of ${minimumUsableBits}`;
const tooLarge = (bits: number): string => `RSA of ${bits} bits is over the maximum of ${maximumUsableBits}`;

/**
 * Why nothing may be sealed to this key, as a phrase (`RSA of 1024 bits is under the minimum of
 * 2048`); null where it is usable.
 *
 * RSA needs 2048 to 8192 bits, an odd modulus, and an odd exponent from 3 that fits in 64 bits.
 * Opening what was sealed to such a key long ago is not forbidden.
 */
export function whyUnusable(key: SshPublicKey): string | null {
  if (key.type === "ssh-ed25519") return null;
  if (key.bits < minimumUsableBits) return tooSmall(key.bits);
  if (key.bits > maximumUsableBits) return tooLarge(key.bits);
  if (isEven(key.modulus)) return "its RSA modulus is even";
  if (isEven(key.exponent)) return "its RSA exponent is even";
  if (bitLength(key.exponent) === 1) return "its RSA exponent is 1";
  if (bitLength(key.exponent) > maximumExponentBits) {
    return `its RSA exponent of ${bitLength(key.exponent)} bits is over the maximum of ${maximumExponentBits}`;
  }
  return null;
}

const isEven = (magnitude: Buffer): boolean => ((magnitude.at(-1) ?? 0) & 1) === 0;

/** Whether two keys are the same key, whatever their comments. */
export function sameKey(a: SshPublicKey, b: SshPublicKey): boolean {
  return a.blob.equals(b.blob);
}

/**
 * The line of a key as it stands in a `.pub` file: type, base64 and, where there is one, comment;
 * without a line end.
 */
export function encodePublicKey(key: SshPublicKey): string {
  const line = `${key.type} ${key.blob.toString("base64")}`;
  return key.comment === "" ? line : `${line} ${key.comment}`;
}

/**
 * The name of a key's type that its blob begins with, in Latin-1; throws KeyError `MALFORMED_KEY`
 * where there is none.
 */
export function typeOfBlob(blob: Buffer): string {
  return new WireReader(blob, "key").string().toString("latin1");
}

/**
 * Reads a key's blob, which must be that of a type that can be sealed to, and in its one canonical
 * form.
 *
 * @throws KeyError `MALFORMED_KEY`, or `UNSUPPORTED_KEY` for a key of another type or of an absurd
 * size
 */
export function publicKeyFromBlob(blob: Buffer, comment: string): SshPublicKey {
  const type = typeOfBlob(blob);
  const problem = typeProblem(type);
  if (problem !== null) throw unsupportedType(type, problem);
  const reader = new WireReader(blob, `${type} key`);
  reader.string();
  if (type === "ssh-ed25519") {
    const point = reader.string();
    reader.end();
    return ed25519PublicKey(point, comment);
  }
  const exponent = reader.mpint();
  const modulus = reader.mpint();
  reader.end();
  return rsaPublicKey(modulus, exponent, comment);
}

/**
 * The error for a key of a type that can only sign. A type's name is repeated only where it is a
 * known one.
 */
export function unsupportedType(type: string, problem: string): KeyError {
  const name = fieldCountOf(type) === null ? "these" : type;
  return new KeyError("UNSUPPORTED_KEY", `${name} keys cannot open or receive messages: ${problem}`, {
    hint: "use an ssh-ed25519 or ssh-rsa key",
  });
}

/**
 * The fingerprint of a key of whatever type. As with `ssh-keygen -l`, a certificate's is that of
 * the key in it.
 *
 * @throws KeyError `MALFORMED_KEY` for a blob that has not the fields of its type
 */
export function fingerprintOfAny(blob: Buffer): string {
  const type = typeOfBlob(blob);
  const count = fieldCountOf(type);
  if (count === null) return fingerprintOf(blob);
  const reader = new WireReader(blob, `${type} key`);
  reader.string();
  const plainType = plainTypeOf(type);
  // The nonce that makes a certificate's signature unpredictable (PROTOCOL.certkeys).
  if (plainType !== type) reader.string();
  const fields = Array.from({ length: count }, () => wireString(reader.string()));
  if (plainType === type) reader.end();
  return fingerprintOf(Buffer.concat([wireString(plainType), ...fields]));
}
