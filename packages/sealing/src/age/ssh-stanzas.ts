import { createHash } from "node:crypto";
import type { Ed25519PrivateKey, Ed25519PublicKey, PrivateKey, RsaPublicKey, SshPublicKey } from "@git-vault/keys";
import { decodeBase64, encodeBase64 } from "@git-vault/core";
import { lowOrder, malformed } from "../errors.ts";
import { FILE_KEY_BYTES, unwrapFileKey, WRAPPED_BYTES, wrapFileKey } from "./file-key.ts";
import { hkdf } from "../crypto/aead.ts";
import { decryptOaep, encryptOaep } from "../crypto/rsa-oaep.ts";
import type { Stanza } from "./stanza.ts";
import {
  generateX25519,
  montgomeryOfEdwards,
  publicScalar,
  type X25519PrivateKey,
  x25519,
  x25519PublicKey,
  x25519ScalarOfSeed,
} from "../crypto/x25519.ts";

/*
 * The two kinds of stanza by which age seals to SSH keys. Their specification is age's package
 * agessh.
 */

/**
 * Reads one kind of stanza that is addressed to an SSH key; null if it is addressed to another key.
 * What it returns unwraps the message key, or returns null if the private key does not open it.
 *
 * Both throw SealingError `MALFORMED_MESSAGE` for a stanza that is addressed to this key and has
 * the wrong shape.
 */
export type StanzaReader = (
  stanza: Stanza,
  publicKey: SshPublicKey,
) => ((privateKey: PrivateKey) => Buffer | null) | null;

const ED25519_LABEL = "age-encryption.org/v1/ssh-ed25519";
const RSA_LABEL = Buffer.from("age-encryption.org/v1/ssh-rsa");
const NOTHING = Buffer.alloc(0);

/** Names a key in a stanza: the first 4 bytes of SHA-256 over its blob. Two keys can share one. */
const tagOf = ({ blob }: SshPublicKey): string =>
  encodeBase64(createHash("sha256").update(blob).digest().subarray(0, 4), "unpadded");

/** X25519 with the tweak that binds the secret to an SSH key, from its blob. */
const tweaked = (secret: Buffer | null, { blob }: Ed25519PublicKey): Buffer | null =>
  secret && x25519(publicScalar(hkdf(NOTHING, blob, ED25519_LABEL)), secret);

const wrapKey = (secret: Buffer, share: Buffer, montgomery: Buffer): Buffer =>
  hkdf(secret, Buffer.concat([share, montgomery]), ED25519_LABEL);

/**
 * Wraps a 16-byte file key to an Ed25519 key.
 *
 * Throws SealingError `UNUSABLE_RECIPIENT` if the key's point is of low order.
 *
 * @param ephemeral a private key of its own; only test vectors pass one
 */
export function wrapToEd25519(
  publicKey: Ed25519PublicKey,
  fileKey: Buffer,
  ephemeral: X25519PrivateKey = generateX25519(),
): Stanza {
  const montgomery = montgomeryOfEdwards(publicKey.point);
  const share = x25519PublicKey(ephemeral);
  const secret = tweaked(x25519(ephemeral, montgomery), publicKey);
  if (secret === null) throw lowOrder();
  const body = wrapFileKey(wrapKey(secret, share, montgomery), fileKey);
  secret.fill(0);
  return { type: "ssh-ed25519", args: [tagOf(publicKey), encodeBase64(share, "unpadded")], body };
}

/** Wraps a 16-byte file key to an RSA key. */
export function wrapToRsa(publicKey: RsaPublicKey, fileKey: Buffer): Stanza {
  return { type: "ssh-rsa", args: [tagOf(publicKey)], body: encryptOaep(publicKey, fileKey, RSA_LABEL) };
}

/** Reads `ssh-ed25519 <tag> <share>`. */
export const readEd25519Stanza: StanzaReader = ({ args, body }, publicKey) => {
  if (publicKey.type !== "ssh-ed25519" || args[0] !== tagOf(publicKey)) return null;
  const share = args.length === 2 && args[1] !== undefined ? decodeBase64(args[1], "unpadded") : null;
  if (share?.length !== 32) throw malformed("an ssh-ed25519 recipient has not a tag and a share of 32 bytes");
  if (body.length !== WRAPPED_BYTES)
    throw malformed(`the body of an ssh-ed25519 recipient is not ${WRAPPED_BYTES} bytes`);
  return (privateKey) => (privateKey.type === "ssh-ed25519" ? unwrapEd25519(privateKey, publicKey, share, body) : null);
};

const unwrapEd25519 = (
  { seed }: Ed25519PrivateKey,
  publicKey: Ed25519PublicKey,
  share: Buffer,
  body: Buffer,
): Buffer | null => {
  const scalar = x25519ScalarOfSeed(seed);
  const secret = tweaked(x25519(scalar, share), publicKey);
  scalar.fill(0);
  if (secret === null) throw malformed("the share of an ssh-ed25519 recipient is a point of low order");
  const key = wrapKey(secret, share, montgomeryOfEdwards(publicKey.point));
  secret.fill(0);
  return unwrapFileKey(key, body);
};

/** Reads `ssh-rsa <tag>`. */
export const readRsaStanza: StanzaReader = ({ args, body }, publicKey) => {
  if (publicKey.type !== "ssh-rsa" || args[0] !== tagOf(publicKey)) return null;
  if (args.length !== 1) throw malformed("an ssh-rsa recipient has more than a tag");
  if (body.length !== publicKey.modulus.length) {
    throw malformed(
      `the body of an ssh-rsa recipient is not ${publicKey.modulus.length} bytes, as long as its modulus`,
    );
  }
  return (privateKey) => {
    const fileKey = privateKey.type === "ssh-rsa" ? decryptOaep(privateKey, body, RSA_LABEL) : null;
    if (fileKey !== null && fileKey.length !== FILE_KEY_BYTES) {
      throw malformed(`an ssh-rsa recipient holds a file key that is not ${FILE_KEY_BYTES} bytes`);
    }
    return fileKey;
  };
};
