import { loadOpenPgp, type OpenPgpPublicKey } from "@git-vault/keys";
import type { Recipient, Stanza } from "../age/stanza.ts";
import { MAX_STANZAS } from "../limits.ts";
import { SealingError, tooManyToSeal, unusable } from "../errors.ts";
import { MAX_OPENPGP_SECRET } from "./message.ts";

/** An OpenPGP key to seal to, only in OpenPGP's format. */
export class OpenPgpRecipient implements Recipient {
  readonly publicKey: OpenPgpPublicKey;

  /** @param publicKey a usable key, as `readOpenPgpKeys` gives it */
  constructor(publicKey: OpenPgpPublicKey) {
    this.publicKey = publicKey;
  }

  get id(): string {
    return `openpgp ${this.publicKey.fingerprint}`;
  }

  /** Throws SealingError `UNUSABLE_RECIPIENT`: age has no stanza for OpenPGP keys. */
  wrapFileKey(): Stanza[] {
    const message = "expected an age or SSH key for the age format, got an OpenPGP key";
    throw unusable(message, "seal in the openpgp format");
  }
}

/**
 * Seals bytes to OpenPGP keys, as one message (RFC 9580 section 10.3): uncompressed, with the
 * integrity protection that gpg 2.2 can read (section 5.13.1), unless every key says that its
 * owner's program reads AEAD (section 5.13.2).
 *
 * Throws SealingError `UNUSABLE_RECIPIENT` for a recipient of another kind; `REFUSED_RECIPIENT` for
 * a key that expired since it was read; `TOO_LARGE`.
 */
export async function sealOpenPgp(
  plaintext: Uint8Array,
  recipients: readonly Recipient[],
  armor: boolean,
): Promise<Buffer> {
  const keys = recipients.flatMap((recipient) =>
    recipient instanceof OpenPgpRecipient ? [recipient.publicKey.key] : [],
  );
  if (keys.length < recipients.length) {
    const message = "expected OpenPGP keys for the openpgp format, got another kind";
    throw unusable(message, "choose OpenPGP keys, or seal in age's format");
  }
  if (keys.length > MAX_STANZAS) throw tooManyToSeal(keys.length);
  if (plaintext.length > MAX_OPENPGP_SECRET) {
    const message = `expected at most ${MAX_OPENPGP_SECRET} bytes to seal in the openpgp format, got ${plaintext.length}`;
    throw new SealingError("TOO_LARGE", message, { hint: "seal in age's format, which has no such limit" });
  }
  const { openpgp, config } = await loadOpenPgp();
  const message = await openpgp.createMessage({ binary: plaintext });
  try {
    const options = { message, encryptionKeys: keys, config };
    return armor
      ? Buffer.from(await openpgp.encrypt({ ...options, format: "armored" }))
      : Buffer.from(await openpgp.encrypt({ ...options, format: "binary" }));
  } catch (cause) {
    throw new SealingError("REFUSED_RECIPIENT", "openpgp.js refuses to seal to one of the keys", { cause });
  }
}
