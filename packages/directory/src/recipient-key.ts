import type { OpenPgpKeyEntry, PublicKeyEntry } from "@git-vault/keys";
import type { AgeRecipient } from "@git-vault/sealing";

/** One of age's own public keys; its recipient is its fingerprint as well. */
export interface AgeKeyEntry {
  readonly line: number;
  readonly type: "age-x25519" | "age-hybrid";
  /** The recipient: `age1…` or `age1pq1…`. */
  readonly fingerprint: string;
  readonly comment: "";
  readonly key: AgeRecipient;
  readonly unusable: null;
}

/**
 * One of a recipient's keys: SSH's or OpenPGP's, with why not for one that nothing can be sealed
 * to, or age's.
 */
export type RecipientKey = PublicKeyEntry | AgeKeyEntry | OpenPgpKeyEntry;

/** Which keys of an account are meant: a forge keeps those of SSH and of OpenPGP apart. */
export type KeyKind = "ssh" | "openpgp";

/** What they are called. */
export const KIND_NAMES: Readonly<Record<KeyKind, string>> = { ssh: "SSH", openpgp: "OpenPGP" };

/**
 * Whether a text is meant as one of age's recipients, whole or not: one that was cut off must not
 * pass for the name of an account, which could be anybody's.
 */
export const isAgeRecipient = (text: string): boolean => /^age1[0-9a-z]*$/i.test(text);
