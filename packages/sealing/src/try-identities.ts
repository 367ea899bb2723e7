import { KeyError } from "@git-vault/keys";
import { SealingError } from "./errors.ts";
import { noIdentityMatched } from "./no-identity.ts";
import type { Asks, Identity, Stanza } from "./age/stanza.ts";

const ORDER: Record<Asks, number> = { never: 0, "on-match": 1, always: 2 };
const orderOf = ({ asks = "never" }: Identity): number => ORDER[asks];

/**
 * The message key, and the identity that gave it. See `open` for the order and for what ends the
 * run.
 */
export async function tryIdentities(
  stanzas: readonly Stanza[],
  identities: readonly Identity[],
): Promise<{ fileKey: Buffer; identity: Identity }> {
  const failures: unknown[] = [];
  const reasons: string[] = [];
  let tried = 0;
  for (const identity of identities.toSorted((a, b) => orderOf(a) - orderOf(b))) {
    try {
      const fileKey = await identity.unwrapFileKey(stanzas);
      if (fileKey !== null) return { fileKey, identity };
      const reason = identity.whyNot?.(stanzas);
      if (reason !== null) tried += 1;
      if (typeof reason === "string") reasons.push(reason);
    } catch (error) {
      // Anything else is a decision, such as a person who gave up at the question for a passphrase.
      if (!(error instanceof SealingError || error instanceof KeyError)) throw error;
      failures.push(error);
    }
  }
  throw failures.length > 0 ? failures[0] : noIdentityMatched(stanzas, tried, reasons);
}
