import type { SshPublicKey } from "@git-vault/keys";
import { wrapToEd25519, wrapToRsa } from "../age/ssh-stanzas.ts";
import type { Recipient, Stanza } from "../age/stanza.ts";
import { unusable } from "../errors.ts";

/** In bits. */
const RSA = { weak: 1024, min: 2048, max: 8192 };

/** Seals to an SSH key, by the stanzas of age or in either form of ssh-vault's format. */
export class SshRecipient implements Recipient {
  readonly publicKey: SshPublicKey;

  /**
   * Throws SealingError `UNUSABLE_RECIPIENT` for an RSA key of under 2048 or over 8192 bits.
   *
   * @param options `allowWeak` admits RSA keys from 1024 bits
   */
  constructor(publicKey: SshPublicKey, { allowWeak = false }: { readonly allowWeak?: boolean } = {}) {
    const min = allowWeak ? RSA.weak : RSA.min;
    if (publicKey.type === "ssh-rsa" && (publicKey.bits < min || publicKey.bits > RSA.max)) {
      const message = `expected an RSA key of ${min} to ${RSA.max} bits to seal to, got one of ${publicKey.bits} bits`;
      throw unusable(message, "ask for an Ed25519 key, as ssh-keygen -t ed25519 makes it");
    }
    this.publicKey = publicKey;
  }

  get id(): string {
    return this.publicKey.blob.toString("base64");
  }

  /** Throws SealingError `UNUSABLE_RECIPIENT` for an Ed25519 key that is a point of low order. */
  async wrapFileKey(fileKey: Buffer): Promise<Stanza[]> {
    const { publicKey } = this;
    return [publicKey.type === "ssh-rsa" ? await wrapToRsa(publicKey, fileKey) : wrapToEd25519(publicKey, fileKey)];
  }
}
