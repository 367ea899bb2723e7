import type { Entry } from "../entry/entry.ts";
import { isAccount, type Identifier, type MemberKey } from "../entry/identifiers.ts";
import { allLooks, looksOf, type Look } from "../log/arrival.ts";
import type { Log } from "../log/log.ts";
import type { Member } from "../member.ts";
import { keyNamesOf, type KeyName } from "./generations.ts";
import { graphOf, type Graph } from "./graph.ts";
import { judge, type Judgement } from "./judge.ts";
import { ALL, type Group } from "./people.ts";
import { isGift, isTaking, isVain, type Reason } from "./rules.ts";

/** An account or key that was taken and is nobody's now. */
export interface Removed {
  readonly identifier: Identifier;
  /** The ids of the entries that took it: a readmission names them. */
  readonly by: readonly [string, ...string[]];
}

/**
 * An entry that took from the author of another, which took it from its own author, or from
 * somebody who let the other in; neither knew of the other. Clones that know different histories of
 * the branch may take another side.
 */
export interface Dispute {
  /** The id of the entry that counts here. */
  readonly stands: string;
  /** The id of the entry that does not. */
  readonly fails: string;
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
  /**
   * The id of the first entry; null where there is none, or several of which none is known to be
   * first.
   */
  readonly root: string | null;
  /** The ids of all first entries whose signature holds: more than one is worth a look. */
  readonly roots: readonly string[];
  readonly members: readonly Member[];
  readonly removed: readonly Removed[];
  readonly keyNames: readonly KeyName[];
  /** Who took from each other. */
  readonly disputes: readonly Dispute[];
  /** The ids of the counting entries that none descends from: the parents of the next one. */
  readonly heads: readonly string[];
  /** Of every entry of the log, by id. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /**
   * The ids of entries that are not there and that what a member wrote hangs on: the log was cut.
   * What others hang their entries on is of no interest.
   */
  readonly missing: readonly string[];
  /** The ids of entries that are remembered and not there. */
  readonly lost: readonly string[];
}

/** What is known of a log beside its entries. */
export interface FoldOptions {
  /** The root that is known: other logs are none. */
  readonly root?: string | undefined;
  /**
   * What this clone saw of the branch, look by look: it came before all else. In which order the
   * entries of one look came, `history` says.
   */
  readonly remembered?: readonly Look[] | undefined;
  /**
   * In which order entries arrived on the branch: see `arrivalOf`. What it leaves out came last.
   */
  readonly history?: readonly Look[] | undefined;
  /**
   * Whether one of several first entries is proven to be the earlier: see `isWhollyBefore`. Where
   * it is left out, the looks are taken at their word.
   */
  readonly isEarlierRoot?: ((one: string, other: string) => boolean) | undefined;
}

/**
 * Folds a log to what it says. The result depends on the set of entries and on the options, not on
 * the order in which entries are given.
 */
export function fold(log: Log, options: FoldOptions = {}): Membership {
  const { root, remembered = [], history = [] } = options;
  const lookOf = looksOf(allLooks(remembered, history));
  const roots = [...log.signed].filter((id) => log.entries.get(id)?.root === null).toSorted();
  const { isEarlierRoot = (one, other) => lookOf(one) < lookOf(other) } = options;
  const first = rootOf(roots, root, isEarlierRoot);
  const graph = graphOf(log, first ?? "", lookOf);
  const judgement = judge(graph);
  const { counts, problems, people } = judgement;
  const known = graph.entries.flatMap(({ action }, node) =>
    (counts[node] === 1 || isVain(problems.get(node))) && action.kind !== "note" ? node : [],
  );
  const members = people.groupsWithin(ALL, counts).map((group) => memberOf(graph, group, judgement));
  const idOf = (node: number): string => graph.entryOf(node).id;
  return {
    root: first,
    roots,
    members,
    removed: removedOf(graph, judgement, members),
    keyNames: keyNamesOf(graph, judgement),
    disputes: disputesOf(graph, judgement),
    heads: graph.headsAmong(known).map(idOf).toSorted(),
    verdicts: new Map([...log.entries.keys()].toSorted().map((id) => [id, verdictOf(id, log, graph, judgement)])),
    missing: missingOf(log, graph, members),
    lost: [...new Set(remembered.flat())].filter((id) => !log.entries.has(id)).toSorted(),
  };
}

function missingOf(log: Log, graph: Graph, members: readonly Member[]): string[] {
  const authors = new Set(members.flatMap(({ keys }) => keys.map(({ id }) => id)));
  const cut = [...graph.misplaced].filter(([id, why]) => {
    const author = log.signed.has(id) ? log.entries.get(id)?.author : undefined;
    return why === "missing-parent" && author !== undefined && authors.has(author);
  });
  const above = new Set(cut.map(([id]) => id));
  // A set's iterator goes on to what is added meanwhile.
  for (const id of above) for (const parent of log.entries.get(id)?.parents ?? []) above.add(parent);
  return [...above].filter((id) => !log.entries.has(id)).toSorted();
}

/** The root that is known, or the only one, or the one that arrived before all others. */
function rootOf(
  roots: readonly string[],
  known: string | undefined,
  isEarlier: (one: string, other: string) => boolean,
): string | null {
  if (known !== undefined) return roots.includes(known) ? known : null;
  return roots.find((one) => roots.every((other) => other === one || isEarlier(one, other))) ?? null;
}

function disputesOf(graph: Graph, judgement: Judgement): Dispute[] {
  return graph.entries.flatMap(({ id, action }, node) => {
    const by = isTaking(action.kind) ? causeOf(node, judgement) : null;
    return by !== null && undoes(node, by, graph, judgement) ? { stands: graph.entryOf(by).id, fails: id } : [];
  });
}

/** The entry that counts and took from the author of another, or from the one who let them in. */
function causeOf(node: number, { counts, problems }: Judgement): number | null {
  let problem = problems.get(node);
  let cause: number | null = null;
  while (problem?.reason === "author-removed" || problem?.reason === "hangs-on") {
    cause = problem.by ?? null;
    problem = cause === null ? undefined : problems.get(cause);
  }
  return cause !== null && counts[cause] === 1 ? cause : null;
}

/** Whether an entry does not count if a taking does that it does not know of, nor that of it. */
function undoes(taking: number, node: number, graph: Graph, { counts, people }: Judgement): boolean {
  const nodes = new Set([node]);
  // A set's iterator goes on to what is added meanwhile.
  for (const one of nodes) {
    if (!graph.areConcurrent(taking, one)) continue;
    const { author } = graph.entryOf(one);
    const group = people.groupOf(author, one, counts);
    if (group !== null && people.disarms(taking, author, group)) return true;
    for (const gift of people.bringersOf(author)) if (counts[gift] === 1 && graph.isBefore(gift, one)) nodes.add(gift);
  }
  return false;
}

function memberOf(graph: Graph, group: Group, { counts, people }: Judgement): Member {
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
