import { SealingError, tooManyToSeal } from "../errors.ts";
import type { AttachedSignature } from "./attached-signature.ts";
import { encodeHeader } from "./header.ts";
import { MAX_STANZAS } from "../limits.ts";
import type { Recipient, Stanza } from "./stanza.ts";

/** The same recipients, each once. */
export function distinctRecipients(recipients: readonly Recipient[]): Recipient[] {
  const distinct = [...new Map(recipients.map((recipient) => [recipient.id ?? recipient, recipient])).values()];
  if (distinct.length > 0) return distinct;
  throw new SealingError("NO_RECIPIENTS", "expected at least one recipient to seal to, got none", {
    hint: "name somebody who has a usable key",
  });
}

const labelsOf = ({ labels = [] }: Recipient): string => labels.toSorted().join("\n");

/** As in age, all recipients of a message must have the same labels. */
const refuseMixed = (recipients: readonly Recipient[]): void => {
  const all = new Set(recipients.map(labelsOf));
  if (all.size === 1) return;
  const isPostQuantum = recipients.some(({ labels = [] }) => labels.includes("postquantum"));
  const what = isPostQuantum ? "post-quantum and classical recipients" : "recipients that must not stand beside others";
  throw new SealingError("MIXED_RECIPIENTS", `expected recipients of one strength, got ${what} for one message`, {
    hint: "a message is as strong as the weakest of its recipients; seal it twice, or allow the mix expressly",
  });
};

/** Writes the header for a file key, with any signature, whose stanza counts as one more. */
export async function wrapHeader(
  fileKey: Buffer,
  recipients: readonly Recipient[],
  { allowMixed = false, signature }: { readonly allowMixed?: boolean; readonly signature?: AttachedSignature },
): Promise<Buffer> {
  const count = recipients.length + (signature === undefined ? 0 : 1);
  if (count > MAX_STANZAS) throw tooManyToSeal(count);
  const stanzas: Stanza[] = [];
  for (const recipient of recipients) stanzas.push(...(await recipient.wrapFileKey(fileKey)));
  if (!allowMixed) refuseMixed(recipients);
  if (signature !== undefined) {
    // Most messages are not signed.
    const { sealSignature } = await import("./attached-signature.ts");
    stanzas.push(sealSignature(fileKey, signature));
  }
  try {
    return encodeHeader(stanzas, fileKey);
  } catch (cause) {
    throw new SealingError("UNUSABLE_RECIPIENT", "age's format cannot hold these recipients in one message", {
      hint: "seal to fewer recipients, and to a passphrase only by itself",
      cause,
    });
  }
}
