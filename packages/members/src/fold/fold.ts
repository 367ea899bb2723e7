import type { Entry, Role } from "../entry/entry.ts";
import { isAccount, type Identifier, type MemberKey } from "../entry/identifiers.ts";
import { type Look } from "../log/arrival.ts";
import type { Log } from "../log/log.ts";
import { headsOf, keyNamesOf, type KeyName } from "./generations.ts";
import { graphOf, looksOf, type Graph } from "./graph.ts";
import { judge, type Judgement } from "./judge.ts";
import { ALL, type Group } from "./people.ts";
import { isGift, isTaking, type Reason } from "./rules.ts";

/** Somebody who may open keys of the repository. */
export interface Member {
  /** The entries that added them, by which later entries name them: mostly one. */
  readonly records: readonly [string, ...string[]];
  readonly accounts: readonly string[];
  readonly keys: readonly MemberKey[];
  readonly role: Role;
  /** The names of the keys that they may open. */
  readonly opens: readonly string[];
  /** What they were called last. It is data from outside, and proves nothing. */
  readonly label: string | null;
}

/** An account or key that was taken and is nobody's now. */
export interface Removed {
  readonly identifier: Identifier;
  /** The ids of the entries that took it: a readmission names them. */
  readonly by: readonly [string, ...string[]];
}

/** Whether an entry counts. */
export type Verdict =
  | {
      readonly counts: true;
      /** The entry that removed whom it is about, neither knowing of the other; else null. */
      readonly outdoneBy: string | null;
    }
  | {
      readonly counts: false;
      readonly reason: Reason;
      /** The entry that is the cause; null where there is none. */
      readonly by: string | null;
    };

/** What a log says. */
export interface Membership {
  /** The id of the first entry; null where there is none, or several of which none is known to be first. */
  readonly root: string | null;
  /** The ids of all first entries whose signature holds: more than one is worth a look. */
  readonly roots: readonly string[];
  readonly members: readonly Member[];
  readonly removed: readonly Removed[];
  readonly keyNames: readonly KeyName[];
  /** The ids of the counting entries that none descends from: the parents of the next one. */
  readonly heads: readonly string[];
  /** Of every entry of the log, by id. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** The ids of entries that others hang on and that are not there: the log was cut. */
  readonly missing: readonly string[];
  /** The ids of entries that are remembered and not there. */
  readonly lost: readonly string[];
}

/** What is known of a log beside its entries. */
export interface FoldOptions {
  /** The root that is known: other logs are none. */
  readonly root?: string | undefined;
  /** What this clone saw of the branch, look by look: it came before all else. */
  readonly remembered?: readonly Look[] | undefined;
  /** In which order entries arrived on the branch: see `arrivalOf`. What it leaves out came last. */
  readonly history?: readonly Look[] | undefined;
}

/**
 * Folds a log to what it says. The result depends on the set of entries and on the options, not on
 * the order in which entries are given.
 */
export function fold(log: Log, { root, remembered = [], history = [] }: FoldOptions = {}): Membership {
  const lookOf = looksOf([...remembered, ...history]);
  const roots = [...log.signed].filter((id) => log.entries.get(id)?.root === null).toSorted();
  const known = rootOf(roots, root, lookOf);
  const graph = graphOf(log, known ?? "", lookOf);
  const judgement = judge(graph);
  const { counts } = judgement;
  const counting = graph.entries.flatMap(({ action }, node) =>
    counts[node] === 1 && action.kind !== "note" ? node : [],
  );
  const members = membersOf(graph, judgement);
  return {
    root: known,
    roots,
    members,
    removed: removedOf(graph, judgement, members),
    keyNames: keyNamesOf(graph, judgement),
    heads: headsOf(graph, counting)
      .map((node) => graph.entryOf(node).id)
      .toSorted(),
    verdicts: new Map([...log.entries.keys()].toSorted().map((id) => [id, verdictOf(id, log, graph, judgement)])),
    missing: graph.missing,
    lost: [...new Set(remembered.flat())].filter((id) => !log.entries.has(id)).toSorted(),
  };
}

/** The root that is known, or the only one, or the one that arrived before all others. */
function rootOf(roots: readonly string[], known: string | undefined, lookOf: (id: string) => number): string | null {
  if (known !== undefined) return roots.includes(known) ? known : null;
  const [first, second] = roots.toSorted((a, b) => lookOf(a) - lookOf(b));
  if (first === undefined) return null;
  return second === undefined || lookOf(first) < lookOf(second) ? first : null;
}

function membersOf(graph: Graph, { counts, people }: Judgement): Member[] {
  const members: Member[] = [];
  const done = new Set<number>();
  for (const [node, { action }] of graph.entries.entries()) {
    if ((action.kind !== "start" && action.kind !== "add") || done.has(node)) continue;
    const group = people.groupOfRecord(node, ALL, counts);
    if (group === null) continue;
    for (const record of group.records) done.add(record);
    members.push(memberOf(graph, group, { counts, people }));
  }
  return members;
}

function memberOf(graph: Graph, group: Group, { counts, people }: Pick<Judgement, "counts" | "people">): Member {
  const has = people.identifiersOf(group, ALL, counts);
  const gifts = group.gifts.toSorted((a, b) => a - b).map((gift) => graph.entryOf(gift).action);
  const keys = new Map<string, MemberKey>();
  let label: string | null = null;
  for (const gift of gifts) {
    if (gift.kind !== "start" && gift.kind !== "add" && gift.kind !== "give") continue;
    for (const key of gift.keys) if (has.has(key.id)) keys.set(key.id, key);
    label = gift.label ?? label;
  }
  const sorted = [...keys.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const isAdmin = people.isAdmin(group, ALL, counts) && sorted.some(({ signs }) => signs);
  const [first = "", ...more] = group.records.toSorted((a, b) => a - b).map((record) => graph.entryOf(record).id);
  return {
    records: [first, ...more],
    accounts: [...has].filter(isAccount).toSorted(),
    keys: sorted,
    role: isAdmin ? "admin" : "reader",
    opens: [...people.namesOf(group, ALL, counts)].toSorted(),
    label,
  };
}

function removedOf(graph: Graph, { counts, people }: Judgement, members: readonly Member[]): Removed[] {
  const held = new Set(members.flatMap(({ accounts, keys }) => [...accounts, ...keys.map(({ id }) => id)]));
  const takings = graph.entries.flatMap(({ action }, node) =>
    counts[node] === 1 && isTaking(action.kind) ? node : [],
  );
  const identifiers = new Set<Identifier>();
  for (const taking of takings) for (const identifier of people.takenBy(taking)) identifiers.add(identifier);
  return [...identifiers]
    .filter((identifier) => !held.has(identifier))
    .toSorted()
    .flatMap((identifier) => {
      const [first, ...more] = [...people.takersOf(identifier, ALL, counts)].map((node) => graph.entryOf(node).id);
      return first === undefined ? [] : [{ identifier, by: [first, ...more] }];
    });
}

function verdictOf(id: string, log: Log, graph: Graph, { counts, problems, people }: Judgement): Verdict {
  const node = graph.nodeOf(id);
  if (node === undefined || graph.signed[node] !== true) {
    const reason = graph.misplaced.get(id) ?? unsignedReason(id, log, graph);
    return { counts: false, reason, by: null };
  }
  const problem = problems.get(node);
  if (problem !== undefined) {
    return {
      counts: false,
      reason: problem.reason,
      by: problem.by === undefined ? null : graph.entryOf(problem.by).id,
    };
  }
  const record = isGift(graph.entryOf(node).action.kind) ? people.recordOf(node) : undefined;
  const removals = record === undefined ? [] : people.removalsOf(record, ALL, counts);
  const outdone = removals.find((removal) => graph.areConcurrent(removal, node));
  return { counts: true, outdoneBy: outdone === undefined ? null : graph.entryOf(outdone).id };
}

function unsignedReason(id: string, log: Log, graph: Graph): Reason {
  const entry: Entry | undefined = log.entries.get(id);
  if ((entry?.root ?? id) !== graph.entries[0]?.id) return "other-root";
  return log.forged.has(id) ? "bad-signature" : "stranger";
}

/** The member who has an account or a key; null where nobody has. */
export const memberWith = ({ members }: Pick<Membership, "members">, identifier: Identifier): Member | null =>
  members.find(({ accounts, keys }) => accounts.includes(identifier) || keys.some(({ id }) => id === identifier)) ??
  null;
