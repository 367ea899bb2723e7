import type { Directory } from "@git-vault/directory";
import { isVaultError, push } from "@git-vault/core";
import { memberWith, type Entry, type Member, type MemberKey } from "@git-vault/members";
import type { Pins } from "../trust/pins.ts";
import { accountStates, NOT_ASKED, type AccountState } from "./forge-state.ts";
import { keysIn, subjectOf } from "./coverage.ts";
import { nameOfMember, type Members } from "./membership.ts";

/**
 * What is worth a look about a member who is to have a new key:
 * - `never-met`: the one who looks has not accepted all their keys yet
 * - `added-by-removed`: somebody who goes now added them, or a key of theirs, or somebody whom they
 *   added did
 * - `removed-elsewhere`: an entry that this branch lacks removed them
 * - `key-not-on-account`, `account-gone`, `account-taken`: the forge does not have them so now
 * - `not-openable`: nothing can be sealed to any key of theirs
 */
export type MarkKind =
  | "never-met"
  | "added-by-removed"
  | "removed-elsewhere"
  | "key-not-on-account"
  | "account-gone"
  | "account-taken"
  | "not-openable";

/** Something worth a look. */
export interface Mark {
  readonly kind: MarkKind;
  /** Whom or what it is about beside the member: who added them, a key, an account's new name. */
  readonly about: string | null;
  /** The id of the key that is worth the look, of somebody who has others that are not. */
  readonly key?: string;
}

/** A member who is to have new keys, or may let others have them. */
export interface Reviewed {
  readonly member: Member;
  readonly name: string;
  /** The names of the new keys; none for an admin who is worth a look and has none of them. */
  readonly keyNames: readonly string[];
  readonly marks: readonly Mark[];
}

/** What is looked at. */
export interface ReviewRequest {
  readonly members: Members;
  /** As they will be. */
  readonly after: readonly Member[];
  /** Who goes. */
  readonly removed: readonly Member[];
  /** Keys that go while their owners stay. */
  readonly takenKeys: readonly { readonly member: Member; readonly keys: readonly string[] }[];
  readonly keyNames: readonly string[];
  /** The ids of keys that members get now: the one who looks was asked about them. */
  readonly given: ReadonlySet<string>;
  /** The id of the key of the one who looks. */
  readonly own: string;
  readonly pins: Pins;
  /** Asks the forges; null to ask nobody. */
  readonly directory: Directory | null;
}

/** Who will have new keys, and whether the forges could be asked. */
export interface Review {
  readonly recipients: readonly Reviewed[];
  /** Why the forges could not be asked; empty where they were, or where that was not wanted. */
  readonly unasked: readonly Unasked[];
}

/** What the forges do not tell. */
export interface Unasked {
  /** What the member is called who could not be asked about; null for all of them. */
  readonly name: string | null;
  readonly problem: string;
}

/**
 * Looks at everybody who is to have new keys, before they have them; and at the other admins, who
 * can give them to themselves later: of these it tells those who should go with somebody who goes.
 *
 * @throws SharingError PINS_UNREADABLE
 */
export async function review(request: ReviewRequest): Promise<Review> {
  const { after, keyNames, directory } = request;
  const namesOf = ({ opens }: Member): string[] => keyNames.filter((name) => opens.includes(name));
  const looked = after.filter((member) => member.role === "admin" || namesOf(member).length > 0);
  const { states, unasked } = await statesOf(looked, directory);
  const bringers = new Bringers(request.members);
  const reviewed = looked.map((member): Reviewed => ({
    member,
    name: nameOfMember(member),
    keyNames: namesOf(member),
    marks: marksOf(member, states.get(member) ?? NOT_ASKED, request, bringers),
  }));
  return { recipients: reviewed.filter(isTold), unasked };
}

const isTold = ({ keyNames, marks }: Reviewed): boolean =>
  keyNames.length > 0 || marks.some(({ kind }) => kind === "added-by-removed" || kind === "removed-elsewhere");

/** What the forges say of members; what one of them does not tell is no failure. */
async function statesOf(
  members: readonly Member[],
  directory: Directory | null,
): Promise<{ readonly states: ReadonlyMap<Member, AccountState>; readonly unasked: readonly Unasked[] }> {
  if (directory === null) return { states: new Map(), unasked: [] };
  try {
    const states = await accountStates(members, directory);
    const unasked = [...states].flatMap(([member, { forge }]) =>
      forge.kind === "unanswered" ? [{ name: nameOfMember(member), problem: forge.problem }] : [],
    );
    return { states, unasked };
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { states: new Map(), unasked: [{ name: null, problem: error.message }] };
  }
}

function marksOf(member: Member, state: AccountState, request: ReviewRequest, bringers: Bringers): Mark[] {
  const { members, own } = request;
  const isOwn = member.keys.some(({ id }) => id === own);
  // One's own record is no exception: anybody who was an admin may have put a key there.
  const looked = isOwn ? strangeKeysOf(member, state, request, bringers) : member.keys;
  const adder = adderAmong(member, looked, request, bringers);
  const isGone = members.whole.members.every(
    ({ records }) => !records.some((record) => member.records.includes(record)),
  );
  const [strange] = looked;
  const which = isOwn && strange !== undefined ? { key: strange.id } : {};
  const isNew = isOwn ? strange !== undefined : !isMet(member, request);
  return [
    ...(isNew ? [{ kind: "never-met" as const, about: addedBy(member, looked, members, bringers), ...which }] : []),
    ...(adder === null ? [] : [{ kind: "added-by-removed" as const, about: adder, ...which }]),
    ...(isGone ? [{ kind: "removed-elsewhere" as const, about: null }] : []),
    ...forgeMarks(member.keys, state),
  ];
}

/**
 * Of the keys of the one who looks, those that they do not stand behind: other than the one that
 * they sign with, those that came with it when it first came, those that keys of theirs brought in
 * or were brought in by, and those that they accepted before or that lie on their account. A key
 * that goes stands behind none, and nor does what somebody signed who goes, with any key.
 */
function strangeKeysOf(member: Member, { has }: AccountState, request: ReviewRequest, bringers: Bringers): MemberKey[] {
  const { own, given, takenKeys } = request;
  const goers = goersIn(request);
  const taken = new Set(takenKeys.flatMap(({ keys }) => keys));
  const isOfGoer = (author: string): boolean =>
    taken.has(author) || bringers.of(author).some((entry) => goers.has(subjectOf(entry) ?? ""));
  const entriesOf = (id: string): Entry[] => bringers.for(member, id).filter(({ author }) => !isOfGoer(author));
  const theirs = new Set(member.keys.map(({ id }) => id));
  // Where nobody can tell which of several came first, none stands for what came with it.
  const all = bringers.firstOf(member, own);
  const first = all.length === 1 ? all.filter(({ author }) => !isOfGoer(author)) : [];
  const behind = new Set([own, ...first.map(({ author }) => author), ...first.flatMap(keysIn)]);
  // A set's iterator goes on to what is added meanwhile.
  for (const one of behind) {
    if (!theirs.has(one) || taken.has(one)) continue;
    for (const id of theirs) if (entriesOf(id).some(({ author }) => author === one)) behind.add(id);
  }
  const isAccepted = acceptedOf(member, request);
  const isKnown = (key: MemberKey): boolean => isAccepted(key) || given.has(key.id) || has(key) === true;
  return member.keys.filter((key) => !behind.has(key.id) && !isKnown(key));
}

/** Of some entries those that build on none of the others. */
function firstOf(some: readonly Entry[], builders: ReadonlyMap<string, readonly string[]>): readonly Entry[] {
  if (some.length < 2) return some;
  const later = new Set(some.flatMap(({ id }) => builders.get(id) ?? []));
  // A set's iterator goes on to what is added meanwhile.
  for (const one of later) for (const id of builders.get(one) ?? []) later.add(id);
  return some.filter(({ id }) => !later.has(id));
}

/** What those who go are called, by their records. */
const goersIn = ({ removed }: ReviewRequest): Map<string, string> =>
  new Map(removed.flatMap((one) => one.records.map((record) => [record, nameOfMember(one)] as const)));

/**
 * Whether who looks has accepted all keys of a member, here or by dealing with them elsewhere: one
 * that is known may stand beside another that somebody put there.
 */
function isMet(member: Member, request: ReviewRequest): boolean {
  const { keys, records } = member;
  const { members, given } = request;
  const old = keys.filter(({ id }) => !given.has(id));
  // Who has but keys that they get now is known by those that these replace.
  const before =
    old.length > 0 ? [] : members.branch.members.filter((one) => one.records.some((id) => records.includes(id)));
  const known = [...old, ...before.flatMap((one) => one.keys)];
  return known.every(acceptedOf(member, request));
}

/** Tells which keys of a member who looks has accepted, here or by dealing with them elsewhere. */
function acceptedOf({ label }: Member, { members, pins }: ReviewRequest): (key: MemberKey) => boolean {
  const pinned = label === null ? null : pins.fingerprintsOf(label, "ssh");
  return ({ id }) => members.memory.met.has(id) || pinned?.has(id) === true;
}

/**
 * The entries that count and brought keys in. A key that its member had is not brought in again.
 */
class Bringers {
  readonly #entries = new Map<string, Entry[]>();
  /** The ids of the entries that build on one, by its id. */
  readonly #builders = new Map<string, string[]>();
  /** The ids of keys that were taken from somebody: they may have come back. */
  readonly #taken = new Set<string>();
  readonly #first = new Map<string, readonly Entry[]>();

  constructor({ log, whole }: Members) {
    for (const entry of log.entries.values()) {
      for (const parent of entry.parents) push(this.#builders, parent, entry.id);
      if (whole.verdicts.get(entry.id)?.counts !== true) continue;
      if (entry.action.kind === "take") for (const id of entry.action.keys) this.#taken.add(id);
      for (const id of keysIn(entry)) push(this.#entries, id, entry);
    }
  }

  /** Those that brought in a key, for whomever. */
  of(id: string): readonly Entry[] {
    const known = this.#first.get(id) ?? this.#findFirst(id);
    this.#first.set(id, known);
    return known;
  }

  #findFirst(id: string): readonly Entry[] {
    const all = this.#entries.get(id) ?? [];
    if (all.length < 2 || this.#taken.has(id)) return all;
    const subjects = new Set(all.map(subjectOf));
    return [...subjects].flatMap((subject) =>
      firstOf(
        all.filter((entry) => subjectOf(entry) === subject),
        this.#builders,
      ),
    );
  }

  /** Those that brought it in for a member. */
  for({ records }: Member, id: string): readonly Entry[] {
    return this.of(id).filter((entry) => records.includes(subjectOf(entry) ?? ""));
  }

  /** Those of these that build on none of the others. */
  firstOf(member: Member, id: string): readonly Entry[] {
    return firstOf(this.for(member, id), this.#builders);
  }
}

/** What the one who brought in a key of a member that is new to who looks is called. */
function addedBy(
  member: Member,
  looked: readonly MemberKey[],
  { branch, memory }: Members,
  bringers: Bringers,
): string | null {
  const fresh = looked.find(({ id }) => !memory.met.has(id)) ?? looked[0];
  const [entry] = fresh === undefined ? [] : bringers.for(member, fresh.id);
  if (entry === undefined) return null;
  // Also by a key that was taken from them since.
  const records = new Set(bringers.of(entry.author).map(subjectOf));
  const adder =
    memberWith(branch, entry.author) ?? branch.members.find((one) => one.records.some((id) => records.has(id)));
  return adder === undefined ? entry.author : nameOfMember(adder);
}

/**
 * Who of those that go brought in a member, or a key of theirs, or let in who did; null where none
 * of them. An author is who had the key, whether they have it still or not.
 */
function adderAmong(
  member: Member,
  looked: readonly MemberKey[],
  request: ReviewRequest,
  bringers: Bringers,
): string | null {
  const { log, branch } = request.members;
  const { takenKeys } = request;
  const goers = goersIn(request);
  // Of a member who stays, what was signed with the key that goes is worth a look.
  const keys = new Map(takenKeys.flatMap((one) => one.keys.map((id) => [id, `the key ${id}`] as const)));
  const seen = new Set<string>();
  const waiting = looked.flatMap(({ id }) => bringers.for(member, id).map(({ author }) => author));
  const own = new Set(member.records);
  for (let author = waiting.pop(); author !== undefined; author = waiting.pop()) {
    if (seen.has(author)) continue;
    seen.add(author);
    const taken = keys.get(author);
    if (taken !== undefined) return taken;
    for (const entry of bringers.of(author)) {
      const record = subjectOf(entry) ?? "";
      const goer = own.has(record) ? undefined : goers.get(record);
      if (goer !== undefined) return goer;
      // Who brought in the key that signed: of a member whom another added, somebody else may have.
      waiting.push(entry.author);
      const letIn = record === branch.root ? undefined : log.entries.get(record)?.author;
      if (letIn !== undefined) waiting.push(letIn);
    }
  }
  return null;
}

function forgeMarks(keys: readonly MemberKey[], { forge, has }: AccountState): Mark[] {
  if (forge.kind === "gone") return [{ kind: "account-gone", about: null }];
  if (forge.kind === "other-account") return [{ kind: "account-taken", about: forge.renamedTo }];
  return keys.filter((key) => has(key) === false).map(({ id }) => ({ kind: "key-not-on-account", about: id }));
}
