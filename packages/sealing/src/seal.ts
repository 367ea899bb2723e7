import { assertBytes, assertOneOf } from "@git-vault/core";
import { type Format, FORMATS } from "./formats.ts";
import { unusable } from "./errors.ts";
import { sealOpenPgp } from "./openpgp/recipient.ts";
import { createSealer, type SealerOptions } from "./sealer.ts";
import { SshRecipient } from "./ssh/recipient.ts";
import { encodeVault, sealVault } from "./ssh-vault/format.ts";
import type { Recipient } from "./age/stanza.ts";
import { distinctRecipients } from "./age/wrap-header.ts";

/** How to seal. */
export interface SealOptions extends SealerOptions {
  /** `age` by default. */
  readonly format?: Format;
}

/**
 * Seals bytes of any kind to recipients. A recipient that occurs twice counts once. For more bytes
 * than should be in memory at once, see `createSealer`.
 *
 * age's format takes at most 1024 recipients, each of whom can open the message, or one passphrase
 * by itself; ssh-vault's, which is always text, takes exactly one SshRecipient; OpenPGP's takes at
 * most 1024 OpenPgpRecipients, and at most 8 MiB.
 *
 * Throws SealingError `NO_RECIPIENTS`; `MIXED_RECIPIENTS`; `UNUSABLE_RECIPIENT` if the format
 * cannot be sealed to one of them, or to so many; `REFUSED_RECIPIENT`; `TOO_LARGE`; what
 * `Recipient.wrapFileKey` throws. TypeError and RangeError for arguments of the wrong type.
 */
export async function seal(
  plaintext: Uint8Array,
  recipients: readonly Recipient[],
  options: SealOptions = {},
): Promise<Buffer> {
  assertBytes("plaintext", plaintext);
  const { format = "age" } = options;
  assertOneOf("format", format, FORMATS);
  if (format !== "age" && options.signature !== undefined) {
    throw new RangeError("signature: expected none in ssh-vault's or OpenPGP's format, which have no place for one");
  }
  if (format === "ssh-vault") return sealSshVault(plaintext, distinctRecipients(recipients));
  if (format === "openpgp") return sealOpenPgp(plaintext, distinctRecipients(recipients), options.armor ?? true);
  const sealer = await createSealer(recipients, options);
  return Buffer.concat([sealer.push(plaintext), sealer.finish()]);
}

const sealSshVault = (plaintext: Uint8Array, recipients: readonly Recipient[]): Buffer => {
  const [recipient] = recipients;
  if (recipients.length !== 1) {
    const message = `expected one key to seal to in ssh-vault's format, got ${recipients.length}`;
    throw unusable(message, "choose one key, or seal in age's format");
  }
  if (!(recipient instanceof SshRecipient)) {
    const message = "expected an SSH key to seal to in ssh-vault's format, got another kind";
    throw unusable(message, "choose an SSH key, or seal in age's format");
  }
  return Buffer.from(encodeVault(sealVault(plaintext, recipient.publicKey)));
};
