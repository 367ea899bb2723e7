import { createHash, randomBytes } from "node:crypto";
import type { Ed25519PrivateKey, Ed25519PublicKey, SshPublicKey } from "@git-vault/keys";
import { NONCE_BYTES, openAead, sealAead } from "../crypto/aead.ts";
import { hkdf } from "../crypto/hashes.ts";
import { montgomeryOfEdwards } from "../crypto/montgomery.ts";
import { decodeBase64, encodeBase64 } from "@git-vault/core";
import { lowOrder, malformed, tampered } from "../errors.ts";
import { decryptOaep, encryptOaepSync, rsaKeyObject } from "../crypto/rsa-oaep.ts";
import type { StanzaReader } from "../age/ssh-unwrap.ts";
import type { Stanza } from "../age/stanza.ts";
import { generateX25519, x25519, x25519PublicKey, x25519ScalarOfSeed } from "../crypto/x25519.ts";

/*
 * How ssh-vault wraps a vault's password to an SSH key.
 */

/** The length of ssh-vault's message key. */
export const PASSWORD_BYTES = 32;

const SHA256_PREFIX = "SHA256:";
const NOT_OPENED = "its password does not open with the key that its fingerprint names";

/**
 * The fingerprint by which ssh-vault names a key: for Ed25519 as `ssh-keygen -l` prints it,
 * `SHA256:` and 43 characters; for RSA the MD5 of the key's SubjectPublicKeyInfo in DER (RFC 5280
 * section 4.1), as 16 colon-separated pairs of lower-case hex digits, which is not the MD5 that
 * OpenSSH prints.
 */
export function sshVaultFingerprint(publicKey: SshPublicKey): string {
  if (publicKey.type === "ssh-ed25519") return publicKey.fingerprint;
  const der = rsaKeyObject(publicKey).export({ format: "der", type: "spki" });
  const hex = createHash("md5").update(der).digest("hex");
  return hex.replaceAll(/(?!^)(?=(?:..)+$)/g, ":");
}

const digestOf = ({ blob }: SshPublicKey): Buffer => createHash("sha256").update(blob).digest();

/**
 * The 32 bytes in a `SHA256:` fingerprint.
 *
 * Throws SealingError `MALFORMED_MESSAGE` for text of another shape.
 */
export function decodeFingerprint(fingerprint: string): Buffer {
  const isPrefixed = fingerprint.startsWith(SHA256_PREFIX);
  const digest = isPrefixed ? decodeBase64(fingerprint.slice(SHA256_PREFIX.length), "unpadded") : null;
  if (digest?.length !== 32) throw malformed("the fingerprint of the vault is not SHA256: and 32 bytes in base64");
  return digest;
}

/**
 * Wraps a 32-byte password to a key.
 *
 * Throws SealingError `UNUSABLE_RECIPIENT` if the key is an Ed25519 point of low order.
 */
export function wrapPassword(publicKey: SshPublicKey, password: Buffer): Stanza {
  const fingerprint = sshVaultFingerprint(publicKey);
  if (publicKey.type === "ssh-rsa")
    return { type: "AES256", args: [fingerprint], body: encryptOaepSync(publicKey, password) };
  const ephemeral = generateX25519();
  const epk = x25519PublicKey(ephemeral);
  const key = wrapKey(x25519(ephemeral, montgomeryOfEdwards(publicKey.point)), epk, publicKey);
  if (key === null) throw lowOrder();
  const nonce = randomBytes(NONCE_BYTES);
  const body = Buffer.concat([nonce, sealAead("chacha20-poly1305", key, nonce, password, digestOf(publicKey))]);
  key.fill(0);
  return { type: "CHACHA20-POLY1305", args: [fingerprint, encodeBase64(epk)], body };
}

const wrapKey = (secret: Buffer | null, epk: Buffer, publicKey: Ed25519PublicKey): Buffer | null => {
  if (secret === null) return null;
  const salt = Buffer.concat([epk, montgomeryOfEdwards(publicKey.point)]);
  const key = hkdf(secret, salt, digestOf(publicKey));
  secret.fill(0);
  return key;
};

/** Reads `CHACHA20-POLY1305 <fingerprint> <epk>`. */
export const readChaChaStanza: StanzaReader = ({ args, body }, publicKey) => {
  if (publicKey.type !== "ssh-ed25519" || args[0] !== sshVaultFingerprint(publicKey)) return null;
  const epk = args.length === 2 && args[1] !== undefined ? decodeBase64(args[1]) : null;
  if (epk?.length !== 32) throw malformed("the public key of the vault is not 32 bytes in base64");
  return (privateKey) => {
    if (privateKey.type !== "ssh-ed25519") return null;
    const password = unwrapPassword(privateKey, publicKey, epk, body);
    // The whole digest matched, so this is no coincidence.
    if (password?.length !== PASSWORD_BYTES) throw tampered(NOT_OPENED);
    return password;
  };
};

const unwrapPassword = (
  { seed }: Ed25519PrivateKey,
  publicKey: Ed25519PublicKey,
  epk: Buffer,
  body: Buffer,
): Buffer | null => {
  const scalar = x25519ScalarOfSeed(seed);
  const key = wrapKey(x25519(scalar, epk), epk, publicKey);
  scalar.fill(0);
  if (key === null) throw malformed("the public key of the vault is a point of low order");
  const nonce = body.subarray(0, NONCE_BYTES);
  const password = openAead("chacha20-poly1305", key, nonce, body.subarray(NONCE_BYTES), digestOf(publicKey));
  key.fill(0);
  return password;
};

/** Reads `AES256 <fingerprint>`. */
export const readAesStanza: StanzaReader = ({ args, body }, publicKey) => {
  if (publicKey.type !== "ssh-rsa" || args[0] !== sshVaultFingerprint(publicKey)) return null;
  if (args.length !== 1 || body.length !== publicKey.modulus.length) {
    throw malformed(`the password of the vault is not ${publicKey.modulus.length} bytes, as long as the modulus`);
  }
  return (privateKey) => {
    if (privateKey.type !== "ssh-rsa") return null;
    const password = decryptOaep(privateKey, body);
    if (password?.length !== PASSWORD_BYTES) throw tampered(NOT_OPENED);
    return password;
  };
};
