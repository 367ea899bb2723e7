import { printable } from "@git-vault/core";
import { commitFiles, wipeKeyFile, type StoredKey } from "@git-vault/git-crypt";
import {
  memberWith,
  type Member,
  type MemberKey,
  type Membership,
  type Removed,
  type Role,
  type SealedCopy,
} from "@git-vault/members";
import { SharingError } from "../errors.ts";
import { keyHere, requireKey } from "./keys-here.ts";
import { nameOfMember, openMembers, type Members } from "./membership.ts";
import { rememberIfPossible } from "./memory.ts";
import { isSameName, memberThatIs, nameTaken, sharesKey, someOf, type Person } from "./people.ts";
import type { PluginDialog } from "../identities/plugin-process.ts";
import {
  canSealTo,
  sealCopies,
  tryPlugins,
  unsealedAmong,
  type MadeCopies,
  type TriedPlugins,
  type UnsealedKey,
} from "./seal-copies.ts";
import { readCoverage } from "./coverage.ts";
import { startLog, acceptOwn } from "./start.ts";
import { isPluginKey } from "./sealed-keys.ts";
import { takenAlone } from "./taken-keys.ts";
import { LogWriter, assertAdmin, type Author, type Change } from "./writer.ts";

/** What is granted, to whom and how. */
export interface GrantOptions {
  readonly members: Members;
  readonly author: Author;
  /** Who the author is, where the log must be started first. */
  readonly self: Person;
  readonly people: readonly Person[];
  /** The names of keys that they are to open. */
  readonly keyNames: readonly string[];
  /** Whether somebody may only open keys. Who has no key that signs is a reader anyway. */
  readonly isReader: (person: Person) => boolean;
  /** Whether removed people may come back. */
  readonly readmit: boolean;
  /** The ids of keys that may come back although they were taken out by themselves. */
  readonly readmitKeys: readonly string[];
  /** The age plugins that the user named; no other is run. */
  readonly plugins?: PluginDialog | undefined;
  /** Whether the files are left staged instead of committed. */
  readonly stageOnly: boolean;
  readonly now?: Date | undefined;
}

/** Somebody who was granted keys. */
export interface Granted {
  readonly name: string;
  readonly role: Role;
  /** The keys that copies were sealed to. */
  readonly keys: readonly MemberKey[];
  /** Those that none was sealed to, since the user did not name their plugin, or it failed. */
  readonly notSealedTo: readonly UnsealedKey[];
  /** Whether they were a member before. */
  readonly wasMember: boolean;
  /** Other keys that they may open already, of which further keys of theirs got copies, too. */
  readonly also: readonly string[];
  /** Those of which these got none, since they are not in this clone, or are to be replaced. */
  readonly notHere: readonly string[];
}

/** What granting did. */
export interface GrantResult {
  readonly root: string;
  /** The same, where the log was started for this; else null. */
  readonly started: string | null;
  readonly keyNames: readonly string[];
  readonly granted: readonly Granted[];
  /** Keys of people that were taken out by themselves, and so did not come back with the others. */
  readonly leftOut: readonly { readonly name: string; readonly keys: readonly MemberKey[] }[];
  /** What those are called who had all of it already. */
  readonly unchanged: readonly string[];
  /** Those of them who are a member by another name, whom their key shows. */
  readonly sameAs: readonly { readonly name: string; readonly member: string }[];
  /** The commit's name; null where nothing was committed. */
  readonly commit: string | null;
}

/**
 * Lets people open keys of the repository: writes them into the log and seals the present keys to
 * theirs, in one commit. Where there is no log, the author starts it. Where anything fails, nothing
 * is changed.
 *
 * @throws SharingError `NOT_ADMIN`, `REMOVED_BEFORE`, `KEYS_TAKEN`, `NAME_TAKEN`, `KEY_NOT_HERE`,
 * `NO_SUCH_KEY_NAME`, `STALE_KEY`; what `commitFiles` and signing do
 */
export async function grant(options: GrantOptions): Promise<GrantResult> {
  const { members, author, self, people, keyNames, now, stageOnly } = options;
  const { repository } = members;
  const isNew = members.rootState === "none";
  const begun = isNew ? await startLog({ members, author, person: self, now }) : null;
  const writer = begun?.writer ?? new LogWriter(members, author, now);
  if (begun === null) assertAdmin(members.branch, author);
  const files = new Map(begun?.files);
  const keys = presentKeys(options, writer.membership);
  const granted: Granted[] = [];
  const leftOut: { readonly name: string; readonly keys: readonly MemberKey[] }[] = [];
  const unchanged: string[] = [];
  const sameAs: { name: string; member: string }[] = [];
  try {
    for (const whole of people) {
      const { person, left } = withoutTaken(whole, options);
      if (left.length > 0) leftOut.push({ name: person.label, keys: left });
      const before = memberThatIs(writer.membership, person);
      // Somebody new who has a removed key may be the removed person.
      assertReadmitted(before === null ? whole : person, writer.membership, options);
      const change = changeFor(person, before, writer, options);
      if (change === null) {
        unchanged.push(person.label);
        const member = before === null ? person.label : nameOfMember(before);
        if (!isSameName(member, person.label)) sameAs.push({ name: person.label, member });
        continue;
      }
      const theirs = allKeysOf(person, before);
      const plugins = await tryPlugins(theirs, options.plugins);
      const openPgp = new Set(person.openPgp.flatMap(({ fingerprint }) => fingerprint ?? []));
      const reach = { openPgp, plugins };
      const [failed] = plugins?.failing.values() ?? [];
      // Nobody is granted what they could not open.
      if (failed !== undefined && !theirs.some((key) => canSealTo(key, reach))) throw failed;
      const others = before === null || change.keys.length === 0 ? [] : otherNames(before, keyNames);
      const also = others.filter((name) => takeAlong(name, keys, options, writer.membership));
      const to = { members, person, keys, plugins };
      const first = await copiesFor(theirs, { ...to, keyNames }, writer.membership);
      const further = await copiesFor(change.keys, { ...to, keyNames: also }, writer.membership);
      for (const [path, content] of [...first.files, ...further.files]) files.set(path, content);
      await writer.write({ ...change, copies: [...first.copies, ...further.copies] });
      const role = memberThatIs(writer.membership, person)?.role ?? "reader";
      granted.push({
        name: person.label,
        role,
        keys: person.keys.filter((key) => canSealTo(key, reach)),
        notSealedTo: unsealedAmong(theirs.filter(isPluginKey), reach),
        wasMember: before !== null,
        also,
        notHere: others.filter((name) => !also.includes(name)),
      });
    }
  } finally {
    for (const { bytes, keyFile } of keys.values()) {
      bytes.fill(0);
      wipeKeyFile(keyFile);
    }
  }
  for (const [path, content] of writer.files) files.set(path, content);
  const root = begun?.root ?? members.root ?? "";
  if (granted.length === 0 && begun === null)
    return { root, started: null, keyNames, granted, leftOut, unchanged, sameAs, commit: null };
  const names = granted.map(({ name }) => name);
  const keyText = `the key${keyNames.length === 1 ? "" : "s"} ${keyNames.join(", ")}`;
  const message = names.length === 0 ? "Start the members log" : `Grant ${keyText} to ${someOf(names)}`;
  const commit = commitFiles(repository, files, { message, stageOnly });
  const met = people.flatMap((person) => person.keys.map(({ id }) => id));
  if (begun !== null) acceptOwn(repository, begun.root, [author.publicKey.fingerprint, ...met]);
  else rememberIfPossible(repository, { met });
  await openMembers(repository);
  return { root, started: begun?.root ?? null, keyNames, granted, leftOut, unchanged, sameAs, commit };
}

/** The present keys of the names that are granted, by name. */
function presentKeys({ members, keyNames }: GrantOptions, membership: Membership): Map<string, StoredKey> {
  return new Map(
    keyNames.map((keyName) => {
      const known = membership.keyNames.find(({ name }) => name === keyName);
      if (known === undefined) {
        const names = membership.keyNames.map(({ name }) => name);
        throw new SharingError("NO_SUCH_KEY_NAME", `the members log names no key ${printable(keyName)}`, {
          subject: keyName,
          hint: names.length === 0 ? "make one first" : `it names ${names.join(", ")}`,
        });
      }
      if (known.state === "stale") {
        throw new SharingError("STALE_KEY", `the key ${keyName} must be replaced before it is granted to anybody`, {
          subject: keyName,
        });
      }
      return [keyName, requireKey(members.repository, keyName, known.current.commitment)];
    }),
  );
}

/** Keys that a member may open beside those that are granted. */
const otherNames = ({ opens }: Member, keyNames: readonly string[]): string[] =>
  opens.filter((name) => !keyNames.includes(name));

/** Adds the present key of a name to `keys`, and says whether it is here and fit to be sealed. */
function takeAlong(
  keyName: string,
  keys: Map<string, StoredKey>,
  { members: { repository } }: GrantOptions,
  { keyNames }: Membership,
): boolean {
  if (keys.has(keyName)) return true;
  const known = keyNames.find(({ name }) => name === keyName);
  if (known === undefined || known.state === "stale") return false;
  const key = keyHere(repository, keyName, known.current.commitment);
  if (key !== null) keys.set(keyName, key);
  return key !== null;
}

type GrantChange = Extract<Change, { readonly kind: "add" | "give" }>;

/** What the log is to say of a person; null where it says so already. */
function changeFor(
  person: Person,
  before: Member | null,
  { membership, log }: LogWriter,
  { members, keyNames, isReader }: GrantOptions,
): GrantChange | null {
  assertOwn(person, before, membership);
  const readmits = [...new Set(removedOf(person, membership).flatMap(({ by }) => by))];
  if (before === null) {
    const taken = membership.members.find(
      ({ label, keys }) => isSameName(label, person.label) && !sharesKey(keys, person.keys),
    );
    if (taken !== undefined) throw nameTaken(person.label);
    const role: Role = !isReader(person) && person.keys.some(({ signs }) => signs) ? "admin" : "reader";
    const { account, keys, label } = person;
    return { kind: "add", account, keys, role, opens: keyNames, label, readmits };
  }
  const keys = person.keys.filter(({ id }) => !before.keys.some((key) => key.id === id));
  const opens = keyNames.filter((name) => !before.opens.includes(name));
  const lacks = readCoverage(members.repository, log, membership).uncovered.some(
    (one) => one.member.records[0] === before.records[0] && keyNames.includes(one.keyName),
  );
  if (keys.length + opens.length === 0 && !lacks) return null;
  return { kind: "give", member: before.records[0], keys, role: null, opens, label: person.label, readmits };
}

/** Nobody gets a key that is another member's: the log would not let that count. */
function assertOwn({ label, account, keys }: Person, before: Member | null, membership: Membership): void {
  const isOther =
    account !== null && before !== null && before.accounts.length > 0 && !before.accounts.includes(account);
  for (const { id } of keys) {
    const owner = memberWith(membership, id);
    if (owner === null || (!isOther && owner.records[0] === before?.records[0])) continue;
    const name = printable(nameOfMember(owner));
    throw new SharingError("NOT_ALLOWED", `the key ${id} of ${printable(label)} belongs to ${name} already`, {
      subject: label,
      hint: `nothing was changed; find out whose it is: take the key from ${name} first, or leave it out`,
    });
  }
}

/**
 * A person without the keys that an entry took by themselves, such as of a stolen laptop: the
 * account may still publish them. They come back only if the user names them.
 */
function withoutTaken(
  person: Person,
  { members, readmitKeys }: GrantOptions,
): { readonly person: Person; readonly left: MemberKey[] } {
  const left = person.keys.filter(({ id }) => !readmitKeys.includes(id) && takenAlone(id, members) !== null);
  if (left.length === 0) return { person, left };
  const isLeft = (id: string | null): boolean => left.some((key) => key.id === id);
  const keys = person.keys.filter(({ id }) => !isLeft(id));
  if (keys.length === 0) {
    const ids = left.map(({ id }) => id).join(", ");
    throw new SharingError("KEYS_TAKEN", `no key of ${printable(person.label)} is left: ${ids} was taken out before`, {
      subject: person.label,
    });
  }
  const openPgp = person.openPgp.filter(({ fingerprint }) => !isLeft(fingerprint));
  return { person: { ...person, keys, openPgp }, left };
}

/** What a person has that was removed. */
function removedOf({ account, keys }: Person, { removed }: Pick<Membership, "removed">): Removed[] {
  const theirs = new Set([account, ...keys.map(({ id }) => id)]);
  return removed.filter(({ identifier }) => theirs.has(identifier));
}

/** Nobody comes back unless that is said. */
function assertReadmitted(
  person: Person,
  membership: Membership,
  { members: { whole }, readmit, readmitKeys }: GrantOptions,
): void {
  const removed = [...removedOf(person, membership), ...removedOf(person, whole)];
  if (readmit || removed.every(({ identifier }) => readmitKeys.includes(identifier))) return;
  const { label } = person;
  throw new SharingError("REMOVED_BEFORE", `${printable(label)} was removed before, or a key of theirs was`, {
    subject: label,
  });
}

/** The keys that a person has in the end. */
const allKeysOf = ({ keys }: Person, before: Member | null): MemberKey[] => [
  ...new Map([...(before?.keys ?? []), ...keys].map((key) => [key.id, key])).values(),
];

interface CopiesWanted extends Pick<GrantOptions, "members" | "keyNames"> {
  readonly person: Person;
  readonly keys: ReadonlyMap<string, StoredKey>;
  readonly plugins: TriedPlugins | undefined;
}

/** The sealed copies for a person, and what the entry says of them. */
async function copiesFor(
  theirs: readonly MemberKey[],
  { members: { repository }, keyNames, person: { openPgp }, keys, plugins }: CopiesWanted,
  { keyNames: known }: Membership,
): Promise<MadeCopies> {
  const files = new Map<string, Buffer>();
  const copies: SealedCopy[] = [];
  for (const keyName of keyNames) {
    const key = keys.get(keyName);
    const id = known.find(({ name }) => name === keyName)?.current.commitment;
    if (key === undefined || id === undefined) continue;
    const made = await sealCopies(repository, { keyName, id }, key.bytes, { keys: theirs, openPgp, plugins });
    for (const [path, content] of made.files) files.set(path, content);
    copies.push(...made.copies);
  }
  return { files, copies };
}
