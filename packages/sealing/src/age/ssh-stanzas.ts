import {
  encryptOaep,
  generateX25519,
  hkdf,
  publicScalar,
  x25519,
  type X25519PrivateKey,
  x25519PublicKey,
} from "#crypto";
import { encodeBase64 } from "@git-vault/core";
import { Buffer, sha256Of } from "@git-vault/core/bytes";
import type { Ed25519PublicKey, RsaPublicKey, SshPublicKey } from "@git-vault/keys";
import { montgomeryOfEdwards } from "../crypto/montgomery.ts";
import { lowOrder } from "../errors.ts";
import { wrapFileKey } from "./file-key.ts";
import type { Stanza } from "./stanza.ts";

/*
 * The two kinds of stanza by which age seals to SSH keys, written: ssh-unwrap.ts reads them. Their
 * specification is age's package agessh.
 */

const ED25519_LABEL = "age-encryption.org/v1/ssh-ed25519";
/** What OAEP is bound to. */
export const RSA_LABEL: Buffer = Buffer.from("age-encryption.org/v1/ssh-rsa");
const NOTHING = Buffer.alloc(0);

/**
 * How age names a key in a stanza: the first 4 bytes of SHA-256 over its blob, in base64. Two keys
 * can share one.
 */
export const sshTag = ({ blob }: SshPublicKey): string => encodeBase64(sha256Of(blob).subarray(0, 4), "unpadded");

/** X25519 with the tweak that binds the secret to an SSH key, from its blob. */
export const tweaked = (secret: Buffer | null, { blob }: Ed25519PublicKey): Buffer | null =>
  secret && x25519(publicScalar(hkdf(NOTHING, blob, ED25519_LABEL)), secret);

/** The key that wraps the file key. */
export const wrapKey = (secret: Buffer, share: Buffer, montgomery: Buffer): Buffer =>
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
  return { type: "ssh-ed25519", args: [sshTag(publicKey), encodeBase64(share, "unpadded")], body };
}

/** Wraps a 16-byte file key to an RSA key. */
export async function wrapToRsa(publicKey: RsaPublicKey, fileKey: Buffer): Promise<Stanza> {
  return { type: "ssh-rsa", args: [sshTag(publicKey)], body: await encryptOaep(publicKey, fileKey, RSA_LABEL) };
}
