import { KeyError } from "@git-vault/keys";
import type { Asks, Identity, Stanza } from "./stanza.ts";
import { SealingError } from "../errors.ts";

const ORDER: Record<Asks, number> = { never: 0, "on-match": 1, always: 2 };
const orderOf = ({ asks = "never" }: Identity): number => ORDER[asks];

/** The message key and the identity that gave it. `open` tells the order. */
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

const MAX_NAMED = 8;

const SHAPES: ReadonlyMap<string, readonly [name: string, tag: RegExp]> = new Map([
  ["ssh-ed25519", ["ssh-ed25519", /^[A-Za-z0-9+/]{6}$/]],
  ["ssh-rsa", ["ssh-rsa", /^[A-Za-z0-9+/]{6}$/]],
  ["CHACHA20-POLY1305", ["ssh-ed25519", /^SHA256:[A-Za-z0-9+/]{43}$/]],
  ["AES256", ["ssh-rsa", /^[0-9a-f]{2}(?::[0-9a-f]{2}){15}$/]],
  ["X25519", ["an age key (X25519)", /^$/]],
  ["mlkem768x25519", ["an age key (mlkem768x25519)", /^$/]],
  ["openpgp", ["an OpenPGP key", /^[0-9A-F]{16}$/]],
  ["openpgp-passphrase", ["a passphrase (OpenPGP)", /^$/]],
  ["scrypt", ["a passphrase (scrypt)", /^$/]],
]);

/** A message's recipient: its kind if known, with a well-formed tag; no other input. */
const nameOf = ({ type, args: [tag = ""] }: Stanza): string => {
  const [name, shape] = SHAPES.get(type) ?? ["a recipient of another kind", /^$/];
  return tag !== "" && shape.test(tag) ? `${name} ${tag}` : name;
};

/** The error for a message that none of the identities opens. */
const noIdentityMatched = (stanzas: readonly Stanza[], tried: number, reasons: readonly string[]): SealingError => {
  const names = [...new Set(stanzas.slice(0, MAX_NAMED).map(nameOf))].join(", ");
  const rest = stanzas.length > MAX_NAMED ? ` and ${stanzas.length - MAX_NAMED} more` : "";
  const who =
    tried === 1 ? "the one key that was tried does not open" : `none of the ${tried} keys that were tried opens`;
  const message = `${tried === 0 ? "there is no private key here to open" : who} the message, which is sealed to ${names}${rest}`;
  const why = [...new Set(reasons)].slice(0, MAX_NAMED).join("; ");
  return new SealingError("NO_IDENTITY_MATCHED", why === "" ? message : `${message}: ${why}`, {
    hint: "use the private key that belongs to one of these, or ask the sender to seal to a key of yours",
  });
};
