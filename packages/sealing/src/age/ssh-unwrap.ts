import { decodeBase64 } from "@git-vault/core";
import type { Ed25519PrivateKey, Ed25519PublicKey, PrivateKey, SshPublicKey } from "@git-vault/keys";
import { montgomeryOfEdwards } from "../crypto/montgomery.ts";
import { decryptOaep } from "../crypto/rsa-oaep.ts";
import { x25519, x25519ScalarOfSeed } from "../crypto/x25519.ts";
import { malformed } from "../errors.ts";
import { FILE_KEY_BYTES, unwrapFileKey, WRAPPED_BYTES } from "./file-key.ts";
import { RSA_LABEL, sshTag, tweaked, wrapKey } from "./ssh-stanzas.ts";
import type { Stanza } from "./stanza.ts";

/*
 * age's stanzas for SSH keys, opened with a private key.
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

/** Reads `ssh-ed25519 <tag> <share>`. */
export const readEd25519Stanza: StanzaReader = ({ args, body }, publicKey) => {
  if (publicKey.type !== "ssh-ed25519" || args[0] !== sshTag(publicKey)) return null;
  const share = args.length === 2 && args[1] !== undefined ? decodeBase64(args[1], "unpadded") : null;
  if (share?.length !== 32) throw malformed("an ssh-ed25519 recipient does not have a tag and a share of 32 bytes");
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
  if (publicKey.type !== "ssh-rsa" || args[0] !== sshTag(publicKey)) return null;
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
