import { Buffer, sha256Of } from "@git-vault/core/bytes";
import { encodeBase64 } from "@git-vault/core";
import { KeyError, malformed } from "../errors.ts";
import type { Ed25519PublicKey, RsaPublicKey, SshPublicKey } from "../types.ts";
import { bitLength, WireReader, wireMpint, wireString } from "../wire.ts";
import { pointProblem } from "./ed25519-point.ts";
import { fieldCountOf, plainTypeOf, typeProblem } from "./key-type.ts";

/** In bits. A smaller RSA key than the minimum may still open what was sealed to it long ago. */
// OpenSSH has the same maximum (SSHBUF_MAX_BIGNUM).
const RSA_READABLE = { min: 1024, max: 16_384 } as const;
const RSA_USABLE = { min: 2048, max: 8192 } as const;
const MAX_EXPONENT_BITS = 64;

const PLAIN_COMMENT = /^[ -~]*$/;

/** Removes control characters, line ends and direction marks. */
export function cleanComment(text: string): string {
  // V8 takes a millisecond to look up what has these properties.
  if (PLAIN_COMMENT.test(text)) return text.trim();
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "").trim();
}

/** The fingerprint of a blob, as `ssh-keygen -l` prints it. */
const fingerprintOf = (blob: Uint8Array): string => `SHA256:${encodeBase64(sha256Of(blob), "unpadded")}`;

const common = <T extends string>(type: T, fields: readonly Buffer[], comment: string) => {
  const blob = Buffer.concat([wireString(type), ...fields]);
  return { type, blob, fingerprint: fingerprintOf(blob), comment: cleanComment(comment) };
};

/**
 * Makes a public key of a compressed Edwards point; throws KeyError `MALFORMED_KEY` for a point
 * that is not a sound key.
 */
export function ed25519PublicKey(point: Uint8Array, comment: string): Ed25519PublicKey {
  const problem = point.length === 32 ? pointProblem(point) : `expected a point of 32 bytes, got ${point.length}`;
  if (problem !== null) throw malformed("ssh-ed25519 key", problem);
  return { ...common("ssh-ed25519", [wireString(point)], comment), point: Buffer.from(point) };
}

/**
 * Makes a public key of an RSA modulus and exponent, big-endian and without leading zero bytes;
 * throws KeyError `UNSUPPORTED_KEY` for a modulus under 1024 or over 16384 bits.
 */
export function rsaPublicKey(modulus: Buffer, exponent: Buffer, comment: string): RsaPublicKey {
  const bits = bitLength(modulus);
  const problem = sizeProblem(bits, RSA_READABLE);
  if (problem !== null) throw new KeyError("UNSUPPORTED_KEY", problem);
  return {
    ...common("ssh-rsa", [wireMpint(exponent), wireMpint(modulus)], comment),
    modulus: Buffer.from(modulus),
    exponent: Buffer.from(exponent),
    bits,
  };
}

/** The limits in the message are those for sealing, whichever were asked about. */
const sizeProblem = (bits: number, { min, max }: { readonly min: number; readonly max: number }): string | null => {
  if (bits < min) return `RSA of ${bits} bits is under the minimum of ${RSA_USABLE.min}`;
  return bits > max ? `RSA of ${bits} bits is over the maximum of ${RSA_USABLE.max}` : null;
};

/**
 * Why nothing may be sealed to this key, as a phrase (`RSA of 1024 bits is under the minimum of
 * 2048`); null if it is usable.
 *
 * RSA needs 2048 to 8192 bits, an odd modulus, and an odd exponent from 3 that fits in 64 bits.
 * Such a key may still open old messages.
 */
export function whyUnusable(key: SshPublicKey): string | null {
  if (key.type === "ssh-ed25519") return null;
  const problem = sizeProblem(key.bits, RSA_USABLE);
  if (problem !== null) return problem;
  if (isEven(key.modulus)) return "its RSA modulus is even";
  if (isEven(key.exponent)) return "its RSA exponent is even";
  const exponentBits = bitLength(key.exponent);
  if (exponentBits === 1) return "its RSA exponent is 1";
  return exponentBits > MAX_EXPONENT_BITS
    ? `its RSA exponent of ${exponentBits} bits is over the maximum of ${MAX_EXPONENT_BITS}`
    : null;
}

const isEven = (magnitude: Buffer): boolean => ((magnitude.at(-1) ?? 0) & 1) === 0;

/** Whether two keys are the same key, whatever their comments. */
export function sameKey(a: SshPublicKey, b: SshPublicKey): boolean {
  return a.blob.equals(b.blob);
}

/** The line of a `.pub` file without line end: type, base64 and any comment. */
export function encodePublicKey({ type, blob, comment }: SshPublicKey): string {
  return `${type} ${blob.toString("base64")}${comment === "" ? "" : ` ${comment}`}`;
}

/** The type's name that begins a blob; KeyError `MALFORMED_KEY` if there is none. */
export function typeOfBlob(blob: Buffer): string {
  return new WireReader(blob, "key").string().toString("latin1");
}

/**
 * Reads the blob of a key that messages can be sealed to, which must be in canonical form.
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
  const [first, second] = type === "ssh-ed25519" ? [reader.string()] : [reader.mpint(), reader.mpint()];
  reader.end();
  return second === undefined ? ed25519PublicKey(first, comment) : rsaPublicKey(second, first, comment);
}

/** The error for a key type that only signs; the type is repeated only if known. */
export function unsupportedType(type: string, problem: string): KeyError {
  const name = fieldCountOf(type) === null ? "these" : type;
  return new KeyError("UNSUPPORTED_KEY", `${name} keys cannot open or receive messages: ${problem}`, {
    hint: "use an ssh-ed25519 or ssh-rsa key",
  });
}

/**
 * The fingerprint of a key of any type. As with `ssh-keygen -l`, that of a certificate is the
 * fingerprint of the key in it.
 *
 * @throws KeyError `MALFORMED_KEY` for a blob that does not have the fields of its type
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
