import type { OpenPgpKeyEntry, PublicKeyEntry } from "@git-vault/keys";
import type { AgeRecipient } from "@git-vault/sealing";
import type { PluginKey } from "@git-vault/sealing/plugins";

/** A native age public key; its recipient is its fingerprint as well. */
export interface AgeKeyEntry {
  readonly line: number;
  readonly type: `age-${AgeRecipient["kind"]}`;
  /** The recipient: `age1…`, `age1pq1…`, `age1tag1…` or `age1tagpq1…`. */
  readonly fingerprint: string;
  readonly comment: "";
  readonly key: AgeRecipient;
  readonly unusable: null;
}

/** A key of an age plugin. */
export interface PluginKeyEntry {
  readonly line: number;
  readonly type: `age-plugin-${string}`;
  /** The recipient, `age1name1…`; null for an identity, which may hold a secret. */
  readonly fingerprint: string | null;
  readonly comment: "";
  readonly key: PluginKey;
  /** Why its plugin is not run, where somebody else wrote it: the user may name the plugin. */
  readonly unusable: string | null;
}

/** Whether a key is an age plugin's. */
export const isPluginEntry = (entry: RecipientKey): entry is PluginKeyEntry =>
  entry.key !== null && "plugin" in entry.key;

/**
 * One of a recipient's keys: SSH's or OpenPGP's, with why not for one that nothing can be sealed
 * to, age's, or that of an age plugin.
 */
export type RecipientKey = PublicKeyEntry | AgeKeyEntry | PluginKeyEntry | OpenPgpKeyEntry;

/** Which keys of an account are meant: a forge keeps those of SSH and of OpenPGP apart. */
export type KeyKind = "ssh" | "openpgp";

/** What they are called. */
export const KIND_NAMES: Readonly<Record<KeyKind, string>> = { ssh: "SSH", openpgp: "OpenPGP" };

/**
 * Whether a text is meant as an age recipient, whole or not: one that was cut off must not
 * pass for the name of an account, which could be anybody's.
 */
export const isAgeRecipient = (text: string): boolean => /^age1(?:[0-9a-z+._-]+1)?[0-9a-z]*$/i.test(text);

/** Whether a text is meant as an identity of an age plugin, which may be sealed to. */
export const isPluginIdentity = (text: string): boolean => /^AGE-PLUGIN-\S+$/i.test(text);
