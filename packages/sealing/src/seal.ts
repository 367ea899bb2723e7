import { randomBytes } from "node:crypto";
import { assertBytes, assertOneOf } from "@git-vault/errors";
import { encodeHeader } from "./age-header.ts";
import { sealPayload } from "./age-payload.ts";
import { encodeArmor } from "./armor.ts";
import type { Format } from "./detect.ts";
import { SealingError } from "./errors.ts";
import { SshRecipient } from "./ssh-recipient.ts";
import { FILE_KEY_BYTES } from "./ssh-stanzas.ts";
import { encodeVault, sealVault } from "./ssh-vault.ts";
import type { Recipient, Stanza } from "./stanza.ts";

/** How to seal. */
export interface SealOptions {
  /** `age` where it is left out. */
  readonly format?: Format;
  /** Whether an age message is written as text (the default) or in binary. ssh-vault's format is always text. */
  readonly armor?: boolean;
}

/**
 * Seals bytes of any kind and length to recipients. A recipient that is there twice counts once.
 *
 * age's format takes any number of recipients, each of whom can open the message; ssh-vault's takes exactly one SshRecipient.
 *
 * Throws SealingError `NO_RECIPIENTS`; `UNUSABLE_RECIPIENT` where the format cannot be sealed to one of them or to so many; what
 * `Recipient.wrapFileKey` throws. TypeError and RangeError for arguments of the wrong type.
 */
export async function seal(
  plaintext: Uint8Array,
  recipients: readonly Recipient[],
  options: SealOptions = {},
): Promise<Buffer> {
  assertBytes("plaintext", plaintext);
  const { format = "age", armor = true } = options;
  assertOneOf("format", format, ["age", "ssh-vault"]);
  const distinct = distinctRecipients(recipients);
  if (distinct.length === 0) {
    throw new SealingError("NO_RECIPIENTS", "expected at least one recipient to seal to, got none", {
      hint: "name somebody who has a usable key",
    });
  }
  if (format === "ssh-vault") return sealSshVault(plaintext, distinct);
  const message = await sealAge(plaintext, distinct);
  return armor ? encodeArmor(message) : message;
}

/** The same recipients, each SSH key once. */
const distinctRecipients = (recipients: readonly Recipient[]): Recipient[] => {
  const seen = new Set<unknown>();
  return recipients.filter((recipient) => {
    const mark = recipient instanceof SshRecipient ? recipient.publicKey.blob.toString("base64") : recipient;
    if (seen.has(mark)) return false;
    seen.add(mark);
    return true;
  });
};

const sealAge = async (plaintext: Uint8Array, recipients: readonly Recipient[]): Promise<Buffer> => {
  const fileKey = randomBytes(FILE_KEY_BYTES);
  try {
    const stanzas: Stanza[] = [];
    for (const recipient of recipients) stanzas.push(...(await recipient.wrapFileKey(fileKey)));
    return Buffer.concat([encodeAgeHeader(stanzas, fileKey), sealPayload(fileKey, plaintext)]);
  } finally {
    fileKey.fill(0);
  }
};

const encodeAgeHeader = (stanzas: readonly Stanza[], fileKey: Buffer): Buffer => {
  try {
    return encodeHeader(stanzas, fileKey);
  } catch (cause) {
    throw new SealingError("UNUSABLE_RECIPIENT", "age's format cannot hold these recipients in one message", {
      hint: "seal to fewer recipients, and to a passphrase only by itself",
      cause,
    });
  }
};

const sealSshVault = (plaintext: Uint8Array, recipients: readonly Recipient[]): Buffer => {
  const [recipient] = recipients;
  if (recipients.length !== 1) {
    throw new SealingError(
      "UNUSABLE_RECIPIENT",
      `expected one key to seal to in ssh-vault's format, got ${recipients.length}`,
      { hint: "choose one key, or seal in age's format" },
    );
  }
  if (!(recipient instanceof SshRecipient)) {
    throw new SealingError(
      "UNUSABLE_RECIPIENT",
      "expected an SSH key to seal to in ssh-vault's format, got another kind",
      {
        hint: "choose an SSH key, or seal in age's format",
      },
    );
  }
  return Buffer.from(encodeVault(sealVault(plaintext, recipient.publicKey)));
};
