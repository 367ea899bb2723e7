import * as fc from "fast-check";
import {
  arrivalOf,
  type Action,
  type FoldOptions,
  type Identifier,
  type LogCommit,
  type Look,
  type Member,
  type Membership,
  type NamedCommitment,
} from "../src/index.ts";
import { commitmentNamed, keyNamed, person, Story, type Person } from "./story.ts";

/*
 * Histories at random: people who follow the rules write on branches and merge them, and others
 * write what they like, on whatever they like, and commit it wherever they like.
 */

/** One step: what is done, and numbers that its choices are made from. */
export interface Step {
  readonly kind: "write" | "branch" | "merge" | "attack";
  readonly picks: readonly number[];
}

const pick = fc.nat({ max: 1_000_000 });
export const steps = (weights: Readonly<Record<Step["kind"], number>>, maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      kind: fc.oneof(
        ...Object.entries(weights).map(([kind, weight]) => ({
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a record
          arbitrary: fc.constant(kind as Step["kind"]),
          weight,
        })),
      ),
      picks: fc.array(pick, { minLength: 12, maxLength: 12 }),
    }),
    { minLength: Math.floor(maxLength / 2), maxLength },
  );

const NAMES = ["default", "prod"];
const ADMINS = ["bob", "carol", "dave"].map(person);
const MORE = ["erin", "frank", "grace", "heidi", "ivan"].map(person);
/** Who has never been a member where a story does not make them one. */
export const OUTSIDERS: readonly Person[] = ["mallory", "oscar"].map(person);

interface Commit extends LogCommit {
  readonly all: ReadonlySet<string>;
}

/** Takes choices out of a step's numbers. */
class Picks {
  readonly #picks: readonly number[];
  #at = 0;

  constructor(picks: readonly number[]) {
    this.#picks = picks;
  }

  number(below: number): number {
    const value = this.#picks[this.#at % this.#picks.length] ?? 0;
    this.#at += 1;
    return below === 0 ? 0 : value % below;
  }

  one<T>(from: readonly T[]): T | undefined {
    return from[this.number(from.length)];
  }

  some<T>(from: readonly T[]): T[] {
    const bits = this.number(1 << Math.min(from.length, 16));
    return from.filter((_, at) => (bits >> at) % 2 === 1);
  }
}

export class RandomHistory {
  readonly story = new Story(person("alice"));
  readonly #commits = new Map<string, Commit>();
  readonly #memberships = new Map<string, Membership>();
  readonly branches: string[] = [];
  /** Which keys those who keep the rules sealed a key to, with which entry. */
  readonly #seals: { readonly entry: string; readonly commitment: string; readonly keys: readonly Identifier[] }[] = [];
  readonly #extraKeys = ["bob 2", "carol 2", "erin 2", "alice 2"].map(keyNamed);
  #count = 0;

  constructor() {
    const start = this.story.start(NAMES);
    const first = this.commit([], [start]);
    this.branches.push(first);
    this.#seal(start, this.membershipAt(first), NAMES, this.membershipAt(first).members);
    for (const admin of ADMINS) this.#writeOn(0, this.story.founder, addOf(admin, "admin", NAMES, []));
  }

  commit(parents: readonly string[], entries: readonly string[]): string {
    this.#count += 1;
    const id = `commit ${this.#count}`;
    const before = new Set(parents.flatMap((parent) => [...(this.#commits.get(parent)?.all ?? [])]));
    const added = entries.filter((entry) => !before.has(entry));
    this.#commits.set(id, { parents, entries: added, all: new Set([...before, ...added]) });
    return id;
  }

  get commits(): ReadonlyMap<string, LogCommit> {
    return this.#commits;
  }

  get commitIds(): string[] {
    return [...this.#commits.keys()];
  }

  idsAt(commit: string): string[] {
    return [...(this.#commits.get(commit)?.all ?? [])];
  }

  historyAt(commit: string): Look[] {
    return arrivalOf(commit, this.#commits);
  }

  #viewAt(commit: string): FoldOptions & { ids: string[] } {
    return { ids: this.idsAt(commit), history: this.historyAt(commit), root: this.story.root };
  }

  membershipAt(commit: string): Membership {
    const membership = this.#memberships.get(commit) ?? this.story.fold(this.#viewAt(commit));
    this.#memberships.set(commit, membership);
    return membership;
  }

  get main(): string {
    return this.branches[0] ?? "";
  }

  run(all: readonly Step[]): void {
    for (const step of all) this.step(step);
  }

  step({ kind, picks: numbers }: Step): void {
    const picks = new Picks(numbers);
    const at = picks.number(this.branches.length);
    if (kind === "write") this.#write(at, picks);
    if (kind === "branch" && this.branches.length < 4)
      this.branches.push(picks.one(this.commitIds.slice(-6)) ?? this.main);
    if (kind === "merge" && this.branches.length > 1) {
      const from = 1 + picks.number(this.branches.length - 1);
      const [into, other] = picks.number(3) === 0 ? [from, 0] : [0, from];
      this.branches[into] = this.commit([this.branches[into] ?? "", this.branches[other] ?? ""], []);
      if (into === 0) this.branches.splice(from, 1);
    }
    if (kind === "attack")
      this.attack(picks, [...OUTSIDERS, ...ADMINS.slice(-1), ...this.removedPeople(this.main)], at);
  }

  /** People whose key is out on a branch. */
  removedPeople(commit: string): Person[] {
    const removed = new Set(this.membershipAt(commit).removed.map(({ identifier }) => identifier));
    return [this.story.founder, ...ADMINS, ...MORE, ...OUTSIDERS].filter(({ key }) => removed.has(key.id));
  }

  /** An entry by somebody who keeps the rules, on what the branch says. */
  #write(at: number, picks: Picks): void {
    const membership = this.membershipAt(this.branches[at] ?? "");
    const author = picks.one([this.story.founder, ...ADMINS, ...MORE].filter(({ key }) => isAdmin(membership, key.id)));
    if (author === undefined) return;
    const action = this.#action(membership, author, picks);
    if (action !== null) this.#writeOn(at, author, action, "generations" in action ? this.#keysOf(action, picks) : []);
  }

  /** @param replaced the names whose keys are replaced with it */
  #writeOn(at: number, author: Person, action: Action, replaced: readonly string[] = []): void {
    const branch = this.branches[at] ?? "";
    const { heads } = this.membershipAt(branch);
    const previewed = action.kind === "generation" ? null : action;
    const generations = this.story.generations(replaced, author, previewed, heads, this.#viewAt(branch));
    const id = this.story.write(author, "generations" in action ? { ...action, generations } : action, heads);
    this.branches[at] = this.commit([branch], [id]);
    const after = this.membershipAt(this.branches[at] ?? "");
    // What the rules do not allow, no matter who keeps them does not commit.
    if (after.verdicts.get(id)?.counts !== true) {
      this.branches[at] = branch;
      return;
    }
    const mine = namesOpenTo(after, author.key.id);
    this.#seal(id, after, replaced, after.members);
    if (action.kind === "add" || action.kind === "give") {
      const touched = after.members.filter(({ records, keys }) =>
        action.kind === "give"
          ? records.includes(action.member)
          : keys.some((key) => action.keys.some((one) => one.id === key.id)),
      );
      this.#seal(
        id,
        after,
        NAMES.filter((name) => mine.includes(name)),
        touched,
      );
    }
  }

  /** The keys that a key was sealed to, with these entries. */
  audienceOf(commitment: string, entries: readonly string[]): Identifier[] {
    const seals = this.#seals.filter((one) => one.commitment === commitment && entries.includes(one.entry));
    return [...new Set(seals.flatMap(({ keys }) => keys))];
  }

  /** Seals what is current to members who may open it. */
  #seal(entry: string, { keyNames }: Membership, names: readonly string[], members: readonly Member[]): void {
    for (const { name, current } of keyNames.filter((one) => names.includes(one.name))) {
      const keys = members
        .filter(({ opens }) => opens.includes(name))
        .flatMap((member) => member.keys.map(({ id }) => id));
      this.#seals.push({ entry, commitment: current.commitment, keys });
    }
  }

  #keysOf({ kind }: Action, picks: Picks): readonly string[] {
    const names = picks.some(NAMES);
    return (kind === "remove" && picks.number(4) > 0) || (kind === "generation" && names.length === 0) ? NAMES : names;
  }

  /** Claims of an adversary. */
  #claims(names: readonly string[]): NamedCommitment[] {
    this.#count += 1;
    const digest = commitmentNamed(`claim ${this.#count}`);
    return names.map((keyName) => ({
      keyName,
      commitment: commitmentNamed(`${keyName} ${this.#count}`),
      audience: digest,
    }));
  }

  #action(membership: Membership, author: Person, picks: Picks): Action | null {
    const others = membership.members.filter(({ keys }) => keys.every(({ id }) => id !== author.key.id));
    const member = picks.one(others);
    const names = picks.some(NAMES);
    const kind = picks.number(12);
    if (kind < 2) {
      const newcomer = picks.one(
        [...MORE, ...ADMINS].filter(({ key }) =>
          membership.members.every(({ keys }) => keys.every(({ id }) => id !== key.id)),
        ),
      );
      if (newcomer === undefined) return null;
      const banned = membership.removed.filter(
        ({ identifier }) => identifier === newcomer.key.id || identifier === newcomer.account,
      );
      const readmits = [...new Set(banned.flatMap(({ by }) => by))];
      return addOf(newcomer, picks.number(2) === 0 ? "admin" : "reader", names, picks.number(4) === 0 ? [] : readmits);
    }
    if (kind < 4) return { kind: "generation", generations: [] };
    if (member === undefined) return null;
    if (kind < 7) {
      const members = [...member.accounts, ...member.keys.map(({ id }) => id)];
      return { kind: "remove", members, generations: [] };
    }
    if (kind < 9) {
      const free = this.#extraKeys.filter((key) =>
        membership.members.every((one) => one.keys.every(({ id }) => id !== key.id)),
      );
      const keys = picks.some(free).slice(0, 1);
      const role = picks.number(2) === 0 ? "admin" : null;
      if (keys.length === 0 && role === null && names.length === 0) return null;
      return { kind: "give", member: member.records[0], keys, role, opens: names, label: null, readmits: [] };
    }
    const keys = picks.some(member.keys.map(({ id }) => id));
    const role = picks.number(2) === 0 ? "admin" : null;
    if (keys.length === 0 && role === null && names.length === 0) return null;
    return {
      kind: "take",
      member: member.records[0],
      keys,
      role,
      opens: names,
      generations: [],
    };
  }

  /** Whatever an adversary with these people's keys could write and commit. Gives the entries. */
  attack(picks: Picks, adversaries: readonly Person[], at: number | null): string[] {
    const author = picks.one(adversaries);
    if (author === undefined) return [];
    const known = this.story.ids;
    const all = [this.story.founder, ...ADMINS, ...MORE, ...OUTSIDERS];
    const victim = picks.one(all) ?? author;
    const sock = picks.one([...OUTSIDERS, ...adversaries]) ?? author;
    const records = known.filter((id) => ["start", "add"].includes(this.story.entry(id).action.kind));
    const takings = known.filter((id) => ["take", "remove"].includes(this.story.entry(id).action.kind));
    const names = picks.some(NAMES);
    const record = picks.one(records) ?? this.story.root;
    const actions: Action[] = [
      addOf(sock, "admin", names, picks.some(takings.slice(-8))),
      {
        kind: "give",
        member: record,
        keys: [sock.key],
        role: "admin",
        opens: names,
        label: null,
        readmits: picks.some(takings.slice(-8)),
      },
      {
        kind: "take",
        member: record,
        keys: [victim.key.id],
        role: "admin",
        opens: names,
        generations: this.#claims(names),
      },
      {
        kind: "remove",
        members: [victim.key.id, victim.account ?? victim.key.id].filter((id, index, its) => its.indexOf(id) === index),
        generations: this.#claims(names),
      },
      { kind: "generation", generations: this.#claims(NAMES) },
      { kind: "note", text: "nothing to see here" },
    ];
    const action = picks.one(actions) ?? addOf(sock, "admin", names, []);
    const parents = new Set(
      [picks.one(known), picks.one(known), picks.one(known.slice(-5))].filter((id) => id !== undefined),
    );
    const id = this.story.write(author, action, [...parents]);
    if (at !== null) {
      // On the branch, or on any older commit that is merged into it.
      const base = picks.number(2) === 0 ? (this.branches[at] ?? "") : (picks.one(this.commitIds) ?? "");
      const mine = this.commit([base], [id]);
      this.branches[at] = base === this.branches[at] ? mine : this.commit([this.branches[at] ?? "", mine], []);
    }
    return [id];
  }

  /** An attack whose choices are these numbers. */
  attackWith(numbers: readonly number[], adversaries: readonly Person[], at: number | null): string[] {
    return this.attack(new Picks(numbers), adversaries, at);
  }
}

const addOf = (
  { account, key, name }: Person,
  role: "admin" | "reader",
  opens: string[],
  readmits: string[],
): Action => ({
  kind: "add",
  account,
  keys: [key],
  role,
  opens,
  label: name,
  readmits,
});

export const isAdmin = ({ members }: Membership, key: Identifier): boolean =>
  members.some(({ role, keys }) => role === "admin" && keys.some(({ id }) => id === key));

const namesOpenTo = ({ members }: Membership, key: Identifier): readonly string[] =>
  members.find(({ keys }) => keys.some(({ id }) => id === key))?.opens ?? [];
