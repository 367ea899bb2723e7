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
    hint: "name a recipient who has a usable key",
  });
}

const POST_QUANTUM = "postquantum";

/** How many sets of labels there are among recipients, of those labels that count. */
const countSets = (recipients: readonly Recipient[], counts: (label: string) => boolean): number =>
  new Set(recipients.map(({ labels = [] }) => labels.filter(counts).toSorted().join("\n"))).size;

/**
 * As in age, all recipients of a message must have the same labels. A mix of strengths can be
 * allowed; what another label says is a plugin's to know.
 */
const refuseMixed = (recipients: readonly Recipient[], allowMixed: boolean): void => {
  if (countSets(recipients, (label) => label !== POST_QUANTUM) > 1) {
    const text = "the plugin of a recipient does not allow the other recipients in the same message";
    throw new SealingError("SEPARATE_RECIPIENTS", text, { hint: "seal a separate message to that recipient" });
  }
  if (allowMixed || countSets(recipients, (label) => label === POST_QUANTUM) === 1) return;
  const text = "expected recipients of one strength, got post-quantum and classical recipients for one message";
  throw new SealingError("MIXED_RECIPIENTS", text, {
    hint: "a message is as strong as the weakest of its recipients; seal it twice, or allow the mix explicitly",
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
  refuseMixed(recipients, allowMixed);
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
