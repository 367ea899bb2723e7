import type { SshPublicKey } from "@git-vault/keys";
import { SealingError } from "../errors.ts";
import { rsaKeyObject } from "../crypto/rsa-oaep.ts";
import { wrapToEd25519, wrapToRsa } from "../age/ssh-stanzas.ts";
import type { Recipient, Stanza } from "../age/stanza.ts";

const RSA_BITS = { weak: 1024, min: 2048, max: 8192 };

/**
 * Seals to an SSH key: age's `ssh-ed25519` and `ssh-rsa` stanzas, and either kind of ssh-vault's
 * format.
 */
export class SshRecipient implements Recipient {
  readonly publicKey: SshPublicKey;

  /**
   * Throws SealingError `UNUSABLE_RECIPIENT` for an RSA key of under 2048 or over 8192 bits.
   *
   * @param options `allowWeak` admits RSA keys from 1024 bits
   */
  constructor(publicKey: SshPublicKey, { allowWeak = false }: { readonly allowWeak?: boolean } = {}) {
    if (publicKey.type === "ssh-rsa") {
      const bits = rsaKeyObject(publicKey).asymmetricKeyDetails?.modulusLength ?? 0;
      assertRsaSize(bits, allowWeak ? RSA_BITS.weak : RSA_BITS.min);
    }
    this.publicKey = publicKey;
  }

  get id(): string {
    return this.publicKey.blob.toString("base64");
  }

  /** Throws SealingError `UNUSABLE_RECIPIENT` for an Ed25519 key that is a point of low order. */
  wrapFileKey(fileKey: Buffer): Stanza[] {
    const { publicKey } = this;
    return [publicKey.type === "ssh-rsa" ? wrapToRsa(publicKey, fileKey) : wrapToEd25519(publicKey, fileKey)];
  }
}

const assertRsaSize = (bits: number, min: number): void => {
  if (bits >= min && bits <= RSA_BITS.max) return;
  throw new SealingError(
    "UNUSABLE_RECIPIENT",
    `expected an RSA key of ${min} to ${RSA_BITS.max} bits to seal to, got one of ${bits} bits`,
    { hint: "ask for an Ed25519 key, as ssh-keygen -t ed25519 makes it" },
  );
};
