import { SealingError } from "./errors.ts";
import type { Stanza } from "./age/stanza.ts";

const MAX_NAMED = 8;
const HINT = "use the private key that belongs to one of these, or ask the sender to seal to a key of yours";

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

/**
 * How a recipient is called in a message: kinds that are known, with a tag of the right shape;
 * nothing else of the input.
 */
const nameOf = ({ type, args: [tag = ""] }: Stanza): string => {
  const [name, shape] = SHAPES.get(type) ?? ["a recipient of another kind", /^$/];
  return tag !== "" && shape.test(tag) ? `${name} ${tag}` : name;
};

/** The error for a message that none of the identities opens. */
export function noIdentityMatched(stanzas: readonly Stanza[], tried: number, reasons: readonly string[]): SealingError {
  const names = [...new Set(stanzas.slice(0, MAX_NAMED).map(nameOf))].join(", ");
  const rest = stanzas.length > MAX_NAMED ? ` and ${stanzas.length - MAX_NAMED} more` : "";
  const who = tried === 1 ? "the one identity tried does not open" : `none of the ${tried} identities tried opens`;
  const message = tried === 0 ? "there is no identity to open" : who;
  const why = [...new Set(reasons)].slice(0, MAX_NAMED).join("; ");
  return new SealingError(
    "NO_IDENTITY_MATCHED",
    `${message} the message, which is sealed to ${names}${rest}${why === "" ? "" : `: ${why}`}`,
    { hint: HINT },
  );
}
