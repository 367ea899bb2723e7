import { push } from "@git-vault/core";
import { looksOf, type Look } from "../log/arrival.ts";
import { withAncestors, type Log } from "../log/log.ts";
import { fold, type Dispute, type FoldOptions, type Membership } from "./fold.ts";
import { isGift } from "./rules.ts";

/** So many are looked into one by one. */
const MOST = 16;

/** What is known of the order in which entries arrived, beside the looks. */
export interface KnownOrder {
  /**
   * The ids of entries whose order is not known among each other, such as those at the depth of a
   * shallow clone.
   */
  readonly unordered: ReadonlySet<string>;
  /** Whether one entry is proven to have been there before another came: see `provenOrder`. */
  readonly isBefore: (one: string, other: string) => boolean;
}

/** A dispute in which nothing proves who was first, and where it matters. */
export interface OpenDispute extends Dispute {
  /**
   * Of the two entries the one that an admin built on who is no party, without the other: they were
   * shown it first. Null where nobody did, or each has such a witness.
   */
  readonly witnessed: string | null;
  /** Whether the order of both is among what is not known, and not only contested. */
  readonly needsHistory: boolean;
}

/**
 * Entries that do not count since their author was removed, by an entry that may have arrived later
 * in truth, where it matters: who is a member, or which key is current, would be another.
 *
 * Of two lines that were merged, the looks have the merge's first parent first, which the one who
 * made the merge chose. So the looks are taken at their word only where the rule for what came
 * together says the same. Of what a shallow clone has at its depth, any order may be the true one.
 *
 * @param membership what the log says with these options
 */
export function openDisputes(log: Log, options: FoldOptions, membership: Membership, order: KnownOrder): OpenDispute[] {
  const { remembered = [], history = [] } = options;
  const root = options.root ?? membership.root ?? undefined;
  const before = stateOf(membership);
  const children = childrenOf(log);
  /** Those of some that matter, where the looks are others. */
  const openAmong = (
    some: readonly Dispute[],
    earlier: (looks: readonly Look[]) => Look[],
    last: Look,
  ): OpenDispute[] => {
    const other = fold(log, { root, remembered: earlier(remembered), history: [...earlier(history), last] });
    if (stateOf(other) === before) return [];
    return some.map((dispute) => ({
      ...dispute,
      witnessed: witnessedOf(log, dispute, children, [membership, other]),
      needsHistory: isUnordered(dispute),
    }));
  };
  const isUnordered = ({ stands, fails }: Dispute): boolean =>
    order.unordered.has(stands) && order.unordered.has(fails);
  const openIfReversed = (dispute: Dispute): OpenDispute[] => {
    const first = withAncestors(log, [dispute.fails]);
    return openAmong([dispute], (looks) => looks.flatMap((look) => split(look, dispute.fails, first)), [...first]);
  };
  const openIfTogether = (some: readonly Dispute[]): OpenDispute[] => {
    const joining = new Map<string, string[]>();
    for (const { stands, fails } of some) push(joining, stands, fails);
    const together = (look: Look): Look => {
      const fails = look.flatMap((id) => joining.get(id) ?? []);
      return fails.length === 0 ? look : [...look, ...withAncestors(log, fails)];
    };
    return openAmong(some, (looks) => looks.map(together), []);
  };
  const contested = contestedIn(log, membership, children);
  const reversible = contested.filter(isUnordered);
  const merged = unprovenAmong(contested, remembered, order).filter((one) => !isUnordered(one));
  return [
    ...(reversible.length > MOST
      ? reversible.map((dispute) => ({ ...dispute, witnessed: null, needsHistory: true }))
      : reversible.flatMap(openIfReversed)),
    ...(merged.length > MOST ? openIfTogether(merged) : merged.flatMap((one) => openIfTogether([one]))),
  ];
}

/**
 * Entries that do not count since their author was removed, where neither the history nor what is
 * remembered proves who was first, whatever depends on it.
 *
 * @param membership what the log says with these options
 */
export const unprovenDisputes = (
  log: Log,
  { remembered = [] }: FoldOptions,
  membership: Membership,
  order: Pick<KnownOrder, "isBefore">,
): Dispute[] => unprovenAmong(contestedIn(log, membership, childrenOf(log)), remembered, order);

function unprovenAmong(
  contested: readonly Dispute[],
  remembered: readonly Look[],
  { isBefore }: Pick<KnownOrder, "isBefore">,
): Dispute[] {
  const lookOf = looksOf(remembered);
  return contested.filter(({ stands, fails }) => lookOf(stands) >= lookOf(fails) && !isBefore(stands, fails));
}

/** What takes, or names a key, and fails by what another took that it does not know of. */
function contestedIn(log: Log, { verdicts }: Membership, children: Children): Dispute[] {
  const below = new Map<string, ReadonlySet<string>>();
  return [...log.entries.values()].flatMap(({ id: fails, action }): Dispute[] => {
    // A gift is undone by a removal of its author whenever that arrives.
    if (isGift(action.kind) || action.kind === "note") return [];
    let verdict = verdicts.get(fails);
    let stands: string | null = null;
    while (verdict?.counts === false && (verdict.reason === "author-removed" || verdict.reason === "hangs-on")) {
      stands = verdict.by;
      verdict = verdicts.get(stands ?? "");
    }
    if (stands === null || verdict?.counts !== true) return [];
    const itsBelow = below.get(stands) ?? descendantsOf(stands, children);
    below.set(stands, itsBelow);
    return itsBelow.has(fails) ? [] : [{ stands, fails }];
  });
}

type Children = ReadonlyMap<string, readonly string[]>;

function childrenOf(log: Log): Children {
  const children = new Map<string, string[]>();
  for (const { id, parents } of log.entries.values()) for (const parent of parents) push(children, parent, id);
  return children;
}

function descendantsOf(id: string, children: Children): Set<string> {
  const below = new Set(children.get(id));
  // A set's iterator goes on to what is added meanwhile.
  for (const one of below) for (const child of children.get(one) ?? []) below.add(child);
  return below;
}

/** A look in which an entry, and what it builds on, came before the rest. */
const split = (look: Look, id: string, first: ReadonlySet<string>): Look[] =>
  look.includes(id) ? [look.filter((one) => first.has(one)), look.filter((one) => !first.has(one))] : [look];

/** What other admins built on, who count whichever of the two came first. */
function witnessedOf(
  log: Log,
  { stands, fails }: Dispute,
  children: Children,
  whole: readonly Membership[],
): string | null {
  const parties = new Set([stands, fails].map((id) => log.entries.get(id)?.author));
  const isWitness = (id: string): boolean => {
    const entry = log.entries.get(id);
    if (entry === undefined || entry.action.kind === "note" || parties.has(entry.author)) return false;
    return whole.every(({ verdicts }) => verdicts.get(id)?.counts === true);
  };
  const onOne = descendantsOf(stands, children);
  const onOther = descendantsOf(fails, children);
  const hasOne = [...onOne].some((id) => !onOther.has(id) && isWitness(id));
  const hasOther = [...onOther].some((id) => !onOne.has(id) && isWitness(id));
  if (hasOne === hasOther) return null;
  return hasOne ? stands : fails;
}

/** Who may do what, and which keys encrypt, whatever made it so. */
function stateOf({ members, keyNames }: Membership): string {
  const people = members.map(({ accounts, keys, role, opens }) => [accounts, keys.map(({ id }) => id), role, opens]);
  const keys = keyNames.map(({ name, current, state }) => [name, current.commitment, state]);
  return JSON.stringify([people.map((one) => JSON.stringify(one)).toSorted(), keys]);
}
