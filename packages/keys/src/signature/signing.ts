import {
  constants,
  hash as digest,
  sign as signWith,
  verify as verifyWith,
  type KeyObject,
  type VerifyKeyObjectInput,
} from "node:crypto";
import { assertBytes, assertString } from "@git-vault/core";
import { KeyError } from "../errors.ts";
import { whyUnusable } from "../public/public-key.ts";
import type { PrivateKey } from "../types.ts";
import { wireString, wireUint32 } from "../wire.ts";
import {
  assembleSignature,
  HASH,
  MAGIC,
  parseSignature,
  withoutWorkings,
  type ParsedSignature,
  type SshSignature,
} from "./signature.ts";
import { readSigningKey, type VerifyingKey } from "./signing-key.ts";

/*
 * Making and verifying SSH signatures (PROTOCOL.sshsig and, for FIDO keys, PROTOCOL.u2f in
 * OpenSSH's source).
 */

/** The flag that someone touched the FIDO key. */
const USER_PRESENT = 0x01;

/** What a signature covers. */
interface SignedMessage {
  /** The namespace it must have, such as `git-vault`: any other is refused. */
  readonly namespace: string;
  readonly message: Uint8Array;
}

const dataToSign = ({ namespace, message }: SignedMessage, algorithm: SshSignature["hash"]): Buffer => {
  const hashed = digest(algorithm, message, "buffer");
  return Buffer.concat([startOf(namespace, algorithm), wireUint32(hashed.length), hashed]);
};

/** What all that is signed for a purpose begins with; the last one is kept: a log has thousands. */
function startOf(namespace: string, algorithm: string): Buffer {
  const title = `${algorithm} ${namespace}`;
  if (last.title !== title)
    last = { title, start: Buffer.concat([MAGIC, ...[namespace, "", algorithm].map(wireString)]) };
  return last.start;
}

let last = { title: "", start: Buffer.alloc(0) };

/**
 * The bytes that a key signs for an SSH signature over a message: give them to an agent, and its
 * answer to `assembleSignature`. The message is hashed with SHA-512.
 *
 * @throws RangeError for an empty namespace; TypeError for arguments of another type
 */
export function signedData(signed: SignedMessage): Buffer {
  assertString("namespace", signed.namespace);
  assertBytes("message", signed.message);
  if (signed.namespace === "") throw new RangeError("namespace: expected at least one character");
  return dataToSign(signed, HASH);
}

/** RSA signatures are made with SHA-512, as OpenSSH does. */
async function rawSignature(key: PrivateKey, data: Buffer): Promise<Buffer> {
  if (key.type === "ssh-rsa") {
    const value = signWith("sha512", data, { key: key.key, padding: constants.RSA_PKCS1_PADDING });
    return Buffer.concat([wireString("rsa-sha2-512"), wireString(value)]);
  }
  const { default: nacl } = await import("tweetnacl");
  const secretKey = Buffer.concat([key.seed, key.publicKey.point]);
  try {
    return Buffer.concat([wireString("ssh-ed25519"), wireString(nacl.sign.detached(data, secretKey))]);
  } finally {
    secretKey.fill(0);
  }
}

/**
 * Signs a message with an unlocked private key, as `ssh-keygen -Y sign` does, to the same bytes.
 *
 * @throws KeyError `UNSUPPORTED_KEY` for an RSA key of under 2048 or over 8192 bits; RangeError for
 * an empty namespace
 */
export async function signMessage(key: PrivateKey, signed: SignedMessage): Promise<SshSignature> {
  const problem = whyUnusable(key.publicKey);
  if (problem !== null) throw new KeyError("UNSUPPORTED_KEY", `this ${key.type} key cannot sign: ${problem}`);
  const signature = await rawSignature(key, signedData(signed));
  return assembleSignature({ publicKey: key.publicKey.blob, namespace: signed.namespace, signature });
}

const sha256 = (bytes: Buffer): Buffer => digest("sha256", bytes, "buffer");

/** What node:crypto takes to verify a signature. */
type Verification = readonly [string | null, Buffer, VerifyKeyObjectInput | KeyObject, Buffer];

/**
 * OpenSSL checks what tweetnacl does not: that an Ed25519 signature's number is under the group's
 * order (RFC 8032 section 5.1.7).
 */
const verificationOf = ({ publicKey, algorithm, value, fido }: ParsedSignature, data: Buffer): Verification => {
  const { key, kind, size, hash, application } = publicKey;
  // A FIDO key signs hashes of its application and of the data, with its flags and counter between.
  const signed =
    application === null || fido === null
      ? data
      : Buffer.concat([sha256(application), Buffer.of(fido.flags), wireUint32(fido.counter), sha256(data)]);
  if (kind === "ed25519") return [null, signed, key, value];
  if (kind === "ecdsa") return [hash, signed, { key, dsaEncoding: "ieee-p1363" }, value];
  const whole = Buffer.concat([Buffer.alloc(size - value.length), value]);
  return [algorithm.replace("rsa-sha2-", "sha"), signed, { key, padding: constants.RSA_PKCS1_PADDING }, whole];
};

/** Verifies beside the main thread. */
const verifyOnThread = (...[algorithm, data, key, signature]: Verification): Promise<boolean> =>
  new Promise((resolve, reject) => {
    verifyWith(algorithm, data, key, signature, (error, isValid) => {
      if (error === null) resolve(isValid);
      else reject(error);
    });
  });

const NOT_ITS_KEY = "its key did not sign this message";

const bad = (problem: string): KeyError => new KeyError("BAD_SIGNATURE", `the SSH signature is not valid: ${problem}`);

/**
 * Verifies that a signature was made over a message by its key, `signature.publicKey`. Who owns
 * that key is for the caller to find out.
 *
 * A FIDO key must have been touched for it. `readSignature` refuses RSA signatures with SHA-1.
 *
 * @throws KeyError `BAD_SIGNATURE` for another namespace, another message or another key; what
 * `readSignature` does
 */
export function verifySignature(signature: SshSignature, signed: SignedMessage): void {
  const parsed = parseSignature(signature.blob);
  if (!verifyWith(...checked(parsed, signed))) throw bad(NOT_ITS_KEY);
}

/** To wait for threads takes longer than to verify so many signatures. */
const FEW = 16;

/**
 * Gives a function that reads and verifies signatures, as `readSignature` and `verifySignature` do:
 * many at once on all cores, and each key is read once.
 */
export function signatureVerifier(): (signature: string | Uint8Array, signed: SignedMessage) => Promise<SshSignature> {
  let count = 0;
  const keys = new Map<string, VerifyingKey>();
  const readKey = (blob: Buffer): VerifyingKey => {
    const name = blob.toString("latin1");
    const key = keys.get(name) ?? readSigningKey(blob);
    keys.set(name, key);
    return key;
  };
  return async (signature, signed) => {
    const parsed = parseSignature(signature, readKey);
    const verification = checked(parsed, signed);
    count += 1;
    if (!(count > FEW ? await verifyOnThread(...verification) : verifyWith(...verification))) throw bad(NOT_ITS_KEY);
    return withoutWorkings(parsed);
  };
}

/** What is left to verify of a signature that was made for the purpose. */
function checked(parsed: ParsedSignature, signed: SignedMessage): Verification {
  assertBytes("message", signed.message);
  if (parsed.namespace !== signed.namespace) throw bad("it was made for another purpose");
  if (parsed.fido !== null && (parsed.fido.flags & USER_PRESENT) === 0) {
    throw bad("the FIDO key was not touched for it");
  }
  return verificationOf(parsed, dataToSign(signed, parsed.hash));
}
