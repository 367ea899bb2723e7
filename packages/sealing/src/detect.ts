import { SealingError } from "./errors.ts";
import type { Format } from "./formats.ts";
import { looksLikeOpenPgp } from "./openpgp/message.ts";

/** How many bytes tell a message's format: every mark after a few blank lines. */
export const LOOK_BYTES = 4096;

const MARKS: readonly (readonly [Format, RegExp])[] = [
  ["age", /^age-encryption\.org\//],
  ["age", /^\s*-----BEGIN AGE /],
  ["ssh-vault", /^\s*SSH-VAULT;/],
];

const startOf = (message: Uint8Array): string => Buffer.from(message.subarray(0, LOOK_BYTES)).toString("latin1");

/** Tells a message's format by how it begins; null if it is none. It may still be malformed. */
export function detectFormat(message: Uint8Array): Format | null {
  const start = startOf(message);
  const format = MARKS.find(([, mark]) => mark.test(start))?.[0];
  return format ?? (looksLikeOpenPgp(Buffer.from(start, "latin1")) ? "openpgp" : null);
}

/** What gets mistaken for a sealed message: how it begins, what it is, and what to do with it. */
const MISTAKES: readonly (readonly [RegExp, string, string])[] = [
  [
    /^\s*(?:-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-|AGE-SECRET-KEY-)/m,
    "a private key",
    "keep it to yourself: give the sealed message here, and the private key as the identity to open it with",
  ],
  [
    /^\0GITCRYPTKEY/,
    "a git-crypt key file, which is not sealed",
    "unlock the repository with it, and send it to nobody",
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
    "messages are sealed to it; give the sealed message itself",
  ],
  [/^\$ANSIBLE_VAULT;/, "an Ansible vault", "open it with ansible-vault view"],
];

const COPY_WHOLE = "copy the message whole, from its first line to its last";
const MARKS_HINT =
  "a message begins with SSH-VAULT; or age-encryption.org/v1, -----BEGIN AGE ENCRYPTED FILE----- or -----BEGIN PGP MESSAGE-----";

/** What bytes that are no message seem to be, and what to do about it. */
const mistakenFor = (message: Uint8Array): readonly [got: string, hint: string] => {
  if (message.length === 0) return ["nothing at all", COPY_WHOLE];
  const start = startOf(message);
  if (/^\s*$/.test(start) && message.length <= LOOK_BYTES) return ["only white space", COPY_WHOLE];
  const [, what, hint] = MISTAKES.find(([mark]) => mark.test(start)) ?? [];
  if (what !== undefined && hint !== undefined) return [what, hint];
  const isInside = /BEGIN AGE ENCRYPTED|BEGIN PGP MESSAGE|SSH-VAULT;/i.test(start);
  return [isInside ? "one with other text before it or a damaged first line" : "something else", MARKS_HINT];
};

/** The error for bytes that `detectFormat` does not know; it says what they seem to be instead. */
export function unknownFormat(message: Uint8Array): SealingError {
  const [got, hint] = mistakenFor(message);
  const text = `expected a message in the format of age, ssh-vault or OpenPGP, got ${got}`;
  return new SealingError("UNKNOWN_FORMAT", text, { hint });
}
