import { printable } from "@git-vault/core";
import { forgeUserOf, GITHUB, type Directory, type DirectoryEntry, type RecipientKey } from "@git-vault/directory";
import { encodePublicKey, type OpenPgpKeyEntry } from "@git-vault/keys";
import { memberWith, readMemberKey, type Member, type MemberKey, type Membership } from "@git-vault/members";
import { SharingError } from "../errors.ts";
import { chooseKeys, type PassedOverKey, type SharingOptions } from "../messages/share.ts";

/** Somebody as they are to be in the log. */
export interface Person {
  /** What they are called: `github:choldgraf`, `ci:deploy`, `file:alice`. It proves nothing. */
  readonly label: string;
  /** Their account by server and number, such as `github.com/583231`; null for none. */
  readonly account: string | null;
  readonly keys: readonly MemberKey[];
  /** The OpenPGP keys among them, which copies in git-crypt's form are sealed to. */
  readonly openPgp: readonly OpenPgpKeyEntry[];
}

/** The name that somebody is called by, as the directory found them. */
export function labelOf({ name, source }: Pick<DirectoryEntry, "name" | "source">): string {
  const isPath = forgeUserOf(name) === null && !/^https?:/.test(name) && source !== "the key itself";
  const label = isPath ? `file:${(name.split(/[/\\]/).at(-1) ?? "").replace(/\.(?:pub|keys|asc|gpg)$/, "")}` : name;
  return label.replaceAll(/[^\x21-\x7e]/g, "_").slice(0, 100);
}

/** A public key as the log holds it: `age1…`, or an SSH key's type and base64. */
export const memberKeyOf: (text: string) => MemberKey = readMemberKey;

/** Keys as the log holds them. */
export const memberKeysOf = (entries: readonly RecipientKey[]): MemberKey[] => {
  const keys = entries.flatMap(({ key }) => {
    if (key === null) return [];
    if ("wrapFileKey" in key) return readMemberKey(String(key));
    if ("plugin" in key) return key.kind === "recipient" ? readMemberKey(key.text) : [];
    return readMemberKey(
      key.type === "openpgp" ? `openpgp ${key.fingerprint}` : encodePublicKey({ ...key, comment: "" }),
    );
  });
  return [...new Map(keys.map((one) => [one.id, one])).values()];
};

/** The number of the account of somebody on GitHub; null of anybody else. */
export async function accountOf(
  { name, account }: Pick<DirectoryEntry, "name" | "account">,
  directory: Directory,
): Promise<string | null> {
  if (account !== undefined) return account;
  const { forge, user: login = "" } = forgeUserOf(name) ?? {};
  return forge === GITHUB ? ((await directory.gitHubAccount({ login }))?.account ?? null) : null;
}

/** People as they are to be in the log, and the keys of theirs that nothing is sealed to. */
export interface People {
  readonly people: readonly Person[];
  readonly passedOver: readonly PassedOverKey[];
}

/**
 * Makes of what the directory found people for the log: with each key that a copy can be sealed to.
 *
 * @throws SharingError `NO_RECIPIENTS`, `NO_USABLE_KEY`, `TOO_MANY_KEYS`, `NAME_TAKEN`;
 * DirectoryError where an account's number cannot be asked now
 */
export async function peopleOf(
  to: readonly DirectoryEntry[],
  directory: Directory,
  options: Pick<SharingOptions, "allowWeak" | "format" | "plugins"> = {},
): Promise<People> {
  const { sealedTo, notSealedTo } = chooseKeys({ ...options, to });
  const people = new Map<string, Person>();
  for (const entry of to) {
    const label = labelOf(entry);
    const entries = sealedTo.flatMap((one) => (one.recipient === entry.name ? one.entry : []));
    const keys = memberKeysOf(entries);
    if (keys.length === 0) throw identityInLog(label);
    const other = people.get(label);
    if (other !== undefined && !sharesKey(other.keys, keys)) throw nameTaken(label);
    if (!fitsEntry(keys)) {
      throw new SharingError("TOO_MANY_KEYS", `${printable(label)} has ${keys.length} keys, too many for one member`, {
        subject: label,
      });
    }
    const openPgp = entries.flatMap((one): OpenPgpKeyEntry[] => (isOpenPgpEntry(one) ? [one] : []));
    people.set(label, { label, account: await accountOf(entry, directory), keys, openPgp });
  }
  return { people: [...people.values()], passedOver: notSealedTo };
}

/** What opens a message may be a secret. */
const identityInLog = (label: string): SharingError =>
  new SharingError("NO_USABLE_KEY", "an identity of an age plugin cannot be in the members log", {
    subject: label,
    hint: "name its recipient, age1NAME1…, which the plugin printed when it made the identity",
  });

/** Whether a key is OpenPGP's. */
export const isOpenPgpEntry = (entry: RecipientKey): entry is OpenPgpKeyEntry => entry.type === "openpgp";

/** An entry takes 1000 keys, and 128 KiB with all else: no person needs as many. */
const MOST_KEYS = 900;
const MOST_KEY_BYTES = 96 * 1024;

/** Whether one entry takes so many keys. */
export const fitsEntry = (keys: readonly MemberKey[]): boolean =>
  keys.length <= MOST_KEYS && keys.reduce((sum, { text }) => sum + text.length, 0) <= MOST_KEY_BYTES;

/** Whether two lists of keys have one in common. */
export const sharesKey = (a: readonly MemberKey[], b: readonly MemberKey[]): boolean =>
  a.some(({ id }) => b.some((one) => one.id === id));

/** Two files of one name may be of two people. */
export const nameTaken = (label: string): SharingError =>
  new SharingError("NAME_TAKEN", `another member is already called ${printable(label)}`, {
    subject: label,
    hint: `nothing was changed; ${label.startsWith("file:") ? "for somebody else, copy the file to one that is called after them, such as alice.pub" : "choose another name"}; or remove that member first`,
  });

/** The member that a person is already: by account, or by one of their keys; null for none. */
export function memberThatIs(
  membership: Membership,
  { account, keys }: Pick<Person, "account" | "keys">,
): Member | null {
  for (const identifier of [...(account === null ? [] : [account]), ...keys.map(({ id }) => id)]) {
    const member = memberWith(membership, identifier);
    if (member !== null) return member;
  }
  return null;
}

/** How names are compared: forges ignore the case of logins. */
const folded = (name: string): string => (forgeUserOf(name) === null ? name : name.toLowerCase());

/** Whether two names are one, as forges compare them. */
export const isSameName = (a: string | null, b: string): boolean => a !== null && folded(a) === folded(b);

/** `alice, bob and 3 more`, for the first line of a commit's message. */
export function someOf(names: readonly string[]): string {
  const first = names.slice(0, 3).map((name) => printable(name));
  const more = names.length - first.length;
  if (more > 0) return `${first.join(", ")} and ${more} more`;
  return first.length === 1 ? (first[0] ?? "") : `${first.slice(0, -1).join(", ")} and ${first.at(-1) ?? ""}`;
}
