import { push } from "@git-vault/core";
import type { Action, Entry } from "../entry/entry.ts";
import type { Identifier } from "../entry/identifiers.ts";
import type { Graph } from "./graph.ts";

/*
 * Who is whom. A *record* is an entry that added somebody (start, add); a *gift* is a record or
 * what was given to it later (give). Gifts bring in identifiers: accounts and keys. Two records
 * that brought in the same identifier are one member, unless a counting entry that took it lies
 * between them: an ancestor of one and not of the other. A *taking* (take, remove) undoes what its
 * member was given by entries that do not descend from it.
 *
 * Each question is asked of a part of the log, the ancestors of the node `within`, and of the
 * entries that count there.
 */

/** In the place of `within`: the whole log. */
export const ALL = -1;

/** In the place of `within`: the ancestors of a node, and itself. */
export const upTo = (node: number): number => ALL - 1 - node;

/** In the place of `within`: all that comes before a node in the graph's order. */
const before = (node: number): number => BEFORE + node;

/** More nodes than any graph has. */
const BEFORE = 2 ** 40;

/** 1 for each node that counts. */
export type Counts = Uint8Array;

/** Records that are one member. */
export interface Group {
  readonly records: readonly number[];
  /** The records, and what was given to them. */
  readonly gifts: readonly number[];
}

/** The accounts and keys that an entry brings in. */
export function identifiersIn({ action }: Entry): readonly Identifier[] {
  if (action.kind === "give") return action.keys.map(({ id }) => id);
  if (action.kind !== "start" && action.kind !== "add") return [];
  const keys = action.keys.map(({ id }) => id);
  return action.account === null ? keys : [action.account, ...keys];
}

/** The names of the keys that an entry lets a member open. */
export const namesIn = ({ action }: Entry): readonly string[] =>
  action.kind === "start" || action.kind === "add" || action.kind === "give" ? action.opens : [];

const makesAdmin = ({ action }: Entry): boolean =>
  action.kind === "start" || ((action.kind === "add" || action.kind === "give") && action.role === "admin");

const removes = ({ kind }: Action): boolean => kind === "remove";
const takesRole = (action: Action): boolean => action.kind === "take" && action.role === "admin";

const NONE: readonly never[] = [];

export class People {
  readonly #graph: Graph;
  /** What is decided so far. */
  readonly #decided: Counts;
  /** Of each node: the identifiers that it brings in. */
  readonly #identifiers: readonly (readonly Identifier[])[];
  /** Of an identifier: the gifts that bring it in. */
  readonly #bringers = new Map<Identifier, number[]>();
  /** Of a gift or a take: the record that it is about. */
  readonly #records = new Map<number, number>();
  /** Of a record: what was given to it later. */
  readonly #gives = new Map<number, number[]>();
  /** Of a taking: the identifiers of its member, each with the nodes as of which it is meant. */
  readonly #reach = new Map<number, ReadonlyMap<Identifier, readonly number[]>>();
  /** Of a taking: the identifiers that it takes away. */
  readonly #taken = new Map<number, ReadonlySet<Identifier>>();
  /** Of an identifier: the takings that have it in their reach, or had it once. */
  readonly #takers = new Map<Identifier, Set<number>>();

  constructor(graph: Graph, decided: Counts) {
    this.#graph = graph;
    this.#decided = decided;
    this.#identifiers = graph.entries.map(identifiersIn);
    for (const [node, entry] of graph.entries.entries()) {
      const { action } = entry;
      for (const identifier of this.#in(node)) push(this.#bringers, identifier, node);
      if (action.kind === "start" || action.kind === "add") this.#records.set(node, node);
      if (action.kind !== "give" && action.kind !== "take") continue;
      const record = graph.nodeOf(action.member);
      if (record === undefined || this.#records.get(record) !== record || !graph.isBefore(record, node)) continue;
      this.#records.set(node, record);
      if (action.kind === "give") push(this.#gives, record, node);
    }
  }

  #in(node: number): readonly Identifier[] {
    return this.#identifiers[node] ?? NONE;
  }

  #isIn(node: number, within: number, counts: Counts): boolean {
    if (counts[node] !== 1) return false;
    if (within >= BEFORE) return node < within - BEFORE;
    if (within >= 0) return this.#graph.isBefore(node, within);
    const last = ALL - 1 - within;
    return within === ALL || node === last || this.#graph.isBefore(node, last);
  }

  /** The record that a gift or a take is about; undefined where it names none of its ancestors. */
  recordOf(node: number): number | undefined {
    return this.#records.get(node);
  }

  /** The gifts that bring in an identifier, whether they count or not. */
  bringersOf(identifier: Identifier): readonly number[] {
    return this.#bringers.get(identifier) ?? NONE;
  }

  /** What was given to a record later, whether it counts or not. */
  givesOf(record: number): readonly number[] {
    return this.#gives.get(record) ?? NONE;
  }

  /** Whether a taking takes an identifier itself, and not only something else of its member. */
  #takes(taking: number, identifier: Identifier): boolean {
    return this.#taken.get(taking)?.has(identifier) === true;
  }

  /** Whether an identifier is the same thing at two nodes: nothing that took it lies between. */
  #isSame(identifier: Identifier, one: number, other: number): boolean {
    const takers = this.#takers.get(identifier);
    if (takers === undefined) return true;
    return [...takers].every(
      (taking) =>
        this.#decided[taking] !== 1 ||
        this.#graph.isBefore(taking, one) === this.#graph.isBefore(taking, other) ||
        !this.#takes(taking, identifier),
    );
  }

  /** Whether a taking is about the member to whom a gift brought an identifier. */
  #reaches(taking: number, identifier: Identifier, gift: number): boolean {
    const nodes = this.#reach.get(taking)?.get(identifier);
    return nodes?.some((node) => this.#isSame(identifier, node, gift)) === true;
  }

  /**
   * What was taken from the member to whom `bringer` brought an identifier, by other than ancestors
   * of `gift`.
   */
  #takingsFrom(
    identifier: Identifier,
    bringer: number,
    gift: number,
    within: number,
    counts: Counts,
  ): readonly number[] {
    const takers = this.#takers.get(identifier);
    if (takers === undefined) return NONE;
    return [...takers].filter(
      (taking) =>
        this.#isIn(taking, within, counts) &&
        !this.#graph.isBefore(taking, gift) &&
        this.#reaches(taking, identifier, bringer),
    );
  }

  /** The takings that undo a gift, of those for which `isMeant` holds. */
  #undoing(gift: number, within: number, counts: Counts, isMeant: (action: Action) => boolean): readonly number[] {
    const record = this.recordOf(gift);
    if (record === undefined) return NONE;
    const found: number[] = [];
    for (const identifier of this.#in(record)) {
      for (const taking of this.#takingsFrom(identifier, record, gift, within, counts)) {
        if (isMeant(this.#graph.entryOf(taking).action)) found.push(taking);
      }
    }
    return found;
  }

  /** The entries that removed a record; none where it stands. */
  removalsOf(record: number, within: number, counts: Counts): readonly number[] {
    return this.#undoing(record, within, counts, removes);
  }

  /**
   * The entries that took from a member an identifier that a gift brought in; none where it is
   * theirs.
   */
  takingsOf(identifier: Identifier, gift: number, within: number, counts: Counts): readonly number[] {
    const record = this.recordOf(gift);
    const removals = record === undefined ? NONE : this.removalsOf(record, within, counts);
    const takings = this.#takingsFrom(identifier, gift, gift, within, counts);
    if (takings.length === 0) return removals;
    return [...removals, ...takings.filter((taking) => this.#takes(taking, identifier))];
  }

  /** The ancestors of an entry that took an identifier from anybody who had it. */
  takersOf(identifier: Identifier, within: number, counts: Counts): Set<number> {
    const direct = [...(this.#takers.get(identifier) ?? [])].filter(
      (taking) => this.#isIn(taking, within, counts) && this.#takes(taking, identifier),
    );
    const bringers = this.bringersOf(identifier).filter((gift) => this.#isIn(gift, within, counts));
    return new Set([...direct, ...bringers.flatMap((gift) => this.takingsOf(identifier, gift, within, counts))]);
  }

  /** The gifts by which somebody has an identifier, in the graph's order. */
  giftsWith(identifier: Identifier, within: number, counts: Counts): number[] {
    return this.bringersOf(identifier).filter(
      (gift) => this.#isIn(gift, within, counts) && this.takingsOf(identifier, gift, within, counts).length === 0,
    );
  }

  /** The member who has an identifier; null where nobody has. */
  groupOf(identifier: Identifier, within: number, counts: Counts): Group | null {
    const gifts = this.giftsWith(identifier, within, counts);
    return this.#join(
      gifts.map((gift) => this.recordOf(gift)),
      within,
      counts,
    );
  }

  /** The member whom a record added; null where it does not count, or they were removed. */
  groupOfRecord(record: number, within: number, counts: Counts): Group | null {
    return this.#join([record], within, counts);
  }

  /** All members. */
  groupsWithin(within: number, counts: Counts): Group[] {
    const groups: Group[] = [];
    const done = new Set<number>();
    for (const [node, record] of this.#records) {
      if (node !== record || done.has(record)) continue;
      const group = this.groupOfRecord(record, within, counts);
      for (const one of group?.records ?? []) done.add(one);
      if (group !== null) groups.push(group);
    }
    return groups;
  }

  #join(first: readonly (number | undefined)[], within: number, counts: Counts): Group | null {
    const records = new Set<number>();
    const add = (record: number | undefined): void => {
      if (record === undefined || records.has(record) || !this.#isIn(record, within, counts)) return;
      if (this.removalsOf(record, within, counts).length === 0) records.add(record);
    };
    first.forEach(add);
    const gifts: number[] = [];
    // A set's iterator goes on to what is added meanwhile.
    for (const record of records) {
      const gives = this.givesOf(record).filter((gift) => this.#isIn(gift, within, counts));
      for (const gift of [record, ...gives]) {
        gifts.push(gift);
        for (const identifier of this.#in(gift)) {
          for (const other of this.bringersOf(identifier)) {
            if (other === gift || !this.#isIn(other, within, counts)) continue;
            if (this.#isSame(identifier, gift, other)) add(this.recordOf(other));
          }
        }
      }
    }
    return records.size === 0 ? null : { records: [...records], gifts };
  }

  /**
   * A gift before another one, of a second member whom that one would make one with the first.
   * Members are meant by what comes before it, whether it knows of that or not. Undefined where it
   * makes none of several.
   */
  linkedBy(gift: number, counts: Counts): number | undefined {
    const shared = this.#in(gift).filter((one) => this.bringersOf(one).some((other) => other < gift));
    if (shared.length === 0) return undefined;
    const record = this.recordOf(gift);
    const subject = record === undefined || record === gift ? null : this.groupOfRecord(record, before(gift), counts);
    const groups = [subject, ...shared.map((one) => this.groupOf(one, before(gift), counts))];
    const [first, ...others] = groups.filter((group) => group !== null);
    return others.find(({ records }) => !first?.records.includes(records[0] ?? gift))?.records[0];
  }

  /** The accounts and the ids of the keys that a member has. */
  identifiersOf({ gifts }: Group, within: number, counts: Counts): Set<Identifier> {
    const has = gifts.flatMap((gift) =>
      this.#in(gift).filter((one) => this.takingsOf(one, gift, within, counts).length === 0),
    );
    return new Set(has);
  }

  /** Whether a member is an admin. */
  isAdmin({ gifts }: Group, within: number, counts: Counts): boolean {
    return gifts.some(
      (gift) => makesAdmin(this.#graph.entryOf(gift)) && this.#undoing(gift, within, counts, takesRole).length === 0,
    );
  }

  /** The names of the keys that a member may open. */
  namesOf({ gifts }: Group, within: number, counts: Counts): Set<string> {
    const names = gifts.flatMap((gift) =>
      namesIn(this.#graph.entryOf(gift)).filter((name) => {
        const isMeant = (action: Action): boolean => action.kind === "take" && action.opens.includes(name);
        return this.#undoing(gift, within, counts, isMeant).length === 0;
      }),
    );
    return new Set(names);
  }

  /** Finds out whom a taking is about, as its ancestors have it. */
  aim(taking: number): void {
    const { action } = this.#graph.entryOf(taking);
    const named = action.kind === "remove" ? action.members : action.kind === "take" ? action.keys : [];
    const record = this.recordOf(taking);
    const groups = action.kind === "remove" ? named.map((one) => this.groupOf(one, taking, this.#decided)) : [];
    if (record !== undefined) groups.push(this.groupOfRecord(record, taking, this.#decided));
    const reach = new Map<Identifier, number[]>(named.map((identifier) => [identifier, [taking]]));
    const taken = new Set(named);
    for (const group of groups) {
      if (group === null) continue;
      for (const gift of group.gifts) {
        for (const identifier of this.#in(gift)) push(reach, identifier, gift);
      }
      const has = action.kind === "remove" ? this.identifiersOf(group, taking, this.#decided) : [];
      for (const identifier of has) taken.add(identifier);
    }
    this.#reach.set(taking, reach);
    this.#taken.set(taking, taken);
    for (const identifier of reach.keys()) {
      this.#takers.set(identifier, (this.#takers.get(identifier) ?? new Set()).add(taking));
    }
  }

  /** The identifiers of the member that a taking is about. */
  aimOf(taking: number): Iterable<Identifier> {
    return this.#reach.get(taking)?.keys() ?? [];
  }

  /** The identifiers that a taking takes away. */
  takenBy(taking: number): ReadonlySet<Identifier> {
    return this.#taken.get(taking) ?? new Set();
  }

  /**
   * The names of the keys that were open to whom a taking removed or took something from: then, and
   * by what was given to them without knowing of it.
   */
  namesTakenBy(taking: number): Set<string> {
    const { action } = this.#graph.entryOf(taking);
    const names = new Set(action.kind === "take" ? action.opens : []);
    if (action.kind === "take" && action.keys.length === 0) return names;
    const records = new Set<number>();
    for (const identifier of this.aimOf(taking)) {
      for (const gift of this.bringersOf(identifier)) {
        const record = this.recordOf(gift);
        if (record !== undefined && this.#decided[gift] === 1 && this.#reaches(taking, identifier, gift))
          records.add(record);
      }
    }
    for (const record of records) {
      const group = this.groupOfRecord(record, taking, this.#decided);
      for (const name of group === null ? [] : this.namesOf(group, taking, this.#decided)) names.add(name);
      const meanwhile = [record, ...this.givesOf(record)].filter(
        (gift) =>
          this.#decided[gift] === 1 && !this.#graph.isBefore(gift, taking) && !this.#graph.isBefore(taking, gift),
      );
      for (const gift of meanwhile) for (const name of namesIn(this.#graph.entryOf(gift))) names.add(name);
    }
    return names;
  }

  /** Whether a taking takes a member's key, or what lets the member sign with it. */
  disarms(taking: number, key: Identifier, { gifts }: Group): boolean {
    const { action } = this.#graph.entryOf(taking);
    const reaches = (gift: number, identifier: Identifier): boolean => this.#reaches(taking, identifier, gift);
    const inGroup = (isMeant: (identifier: Identifier) => boolean): boolean =>
      gifts.some((gift) => this.#in(gift).some((one) => isMeant(one) && reaches(gift, one)));
    if (action.kind === "remove") return inGroup(() => true);
    if (action.kind !== "take") return false;
    return (
      (action.role === "admin" && inGroup(() => true)) || (action.keys.includes(key) && inGroup((one) => one === key))
    );
  }

  /**
   * What disarms a member and neither knows of an entry nor is known to it; undefined where nothing
   * does.
   */
  disarmerOf(node: number, key: Identifier, group: Group, counts: Counts): number | undefined {
    const takings = new Set<number>();
    for (const gift of group.gifts) {
      for (const identifier of this.#in(gift)) {
        for (const taking of this.#takers.get(identifier) ?? []) takings.add(taking);
      }
    }
    if (takings.size === 0) return undefined;
    return [...takings]
      .filter((taking) => counts[taking] === 1 && this.#graph.areConcurrent(taking, node))
      .toSorted((a, b) => a - b)
      .find((taking) => this.disarms(taking, key, group));
  }
}
