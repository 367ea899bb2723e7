import { SealingError } from "./errors.ts";
import { looksLikeOpenPgp } from "./openpgp/message.ts";

/** The formats of sealed messages. */
export type Format = "age" | "ssh-vault" | "openpgp";

/** All of them, the usual one first. */
export const FORMATS: readonly Format[] = ["age", "ssh-vault", "openpgp"];

/** How much of a message tells its format: enough for every mark below after some blank lines. */
export const LOOK_BYTES = 4096;

const MARKS: readonly (readonly [Format, RegExp])[] = [
  ["age", /^age-encryption\.org\//],
  ["age", /^\s*-----BEGIN AGE /],
  ["ssh-vault", /^\s*SSH-VAULT;/],
];

const startOf = (message: Uint8Array): string => Buffer.from(message.subarray(0, LOOK_BYTES)).toString("latin1");

/**
 * Tells a message's format by how it begins; null where it is none. What follows may still be
 * malformed.
 */
export function detectFormat(message: Uint8Array): Format | null {
  const start = startOf(message);
  const format = MARKS.find(([, mark]) => mark.test(start))?.[0];
  return format ?? (looksLikeOpenPgp(Buffer.from(start, "latin1")) ? "openpgp" : null);
}

/**
 * Things that get mistaken for a sealed message: what begins so, what it is, and what to do with
 * it.
 */
const MISTAKES: readonly (readonly [RegExp, string, string])[] = [
  [
    /^\s*(?:-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-|AGE-SECRET-KEY-)/m,
    "a private key",
    "keep it to yourself: give the sealed message here, and the private key as the identity to open it with",
  ],
  [
    /^\0GITCRYPTKEY/,
    "a git-crypt key file, which is not sealed",
    "unlock the repository with it, and keep it off every channel",
  ],
  [
    /^\0GITCRYPT\0/,
    "a file that git-crypt encrypted",
    "it opens with the repository's git-crypt key: unlock the repository",
  ],
  [/^\s*-----BEGIN PGP /, "an OpenPGP key or signature", "give the sealed message itself"],
  [/^\s*-----BEGIN SSH SIGNATURE/, "an SSH signature", "give the message that it belongs to"],
  [
    /^\s*(?:ssh-|ecdsa-|sk-|age1)[\w@.-]+(?:\s|$)/,
    "a public key",
    "messages are sealed to it; give a sealed message to open one",
  ],
  [/^\$ANSIBLE_VAULT;/, "an Ansible vault", "open it with ansible-vault view"],
];

const EXPECTED = "expected a message in the format of age, ssh-vault or OpenPGP";

/** The error for bytes that `detectFormat` does not know; it says what they seem to be instead. */
export function unknownFormat(message: Uint8Array): SealingError {
  const start = startOf(message);
  if (/^\s*$/.test(start) && message.length <= LOOK_BYTES) {
    const what = message.length === 0 ? "nothing at all" : "only white space";
    return new SealingError("UNKNOWN_FORMAT", `${EXPECTED}, got ${what}`, {
      hint: "copy the message whole, from its first line to its last",
    });
  }
  const mistake = MISTAKES.find(([mark]) => mark.test(start));
  if (mistake !== undefined) {
    return new SealingError("UNKNOWN_FORMAT", `${EXPECTED}, got ${mistake[1]}`, { hint: mistake[2] });
  }
  const isInside = /BEGIN AGE ENCRYPTED|BEGIN PGP MESSAGE|SSH-VAULT;/i.test(start);
  const what = isInside ? "one with other text before it or a damaged first line" : "something else";
  return new SealingError("UNKNOWN_FORMAT", `${EXPECTED}, got ${what}`, {
    hint: "a message begins with age-encryption.org/v1, -----BEGIN AGE ENCRYPTED FILE-----, -----BEGIN PGP MESSAGE----- or SSH-VAULT;",
  });
}
