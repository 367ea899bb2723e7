import type { Look } from "../log/arrival.ts";
import type { Log } from "../log/log.ts";
import { fold, type Dispute, type FoldOptions, type Membership } from "./fold.ts";

/** So many are looked into; where there are more, each is taken for one that matters. */
const MOST = 16;

/**
 * Entries that do not count since their author was removed, by an entry that may have arrived later
 * in truth, where it matters: who is a member, or which key is current, would be another. Where
 * they arrived together as far as is known here, seniority decided, or that removal wins.
 *
 * @param membership what the log says with these options
 * @param unordered the ids of entries whose order of arrival is not known among each other, such as
 * those at the depth of a shallow clone
 */
export function openDisputes(
  log: Log,
  options: FoldOptions,
  membership: Membership,
  unordered: ReadonlySet<string>,
): Dispute[] {
  const contested = [...unordered].flatMap((fails): Dispute[] => {
    const verdict = membership.verdicts.get(fails);
    if (verdict?.counts !== false || verdict.reason !== "author-removed" || verdict.by === null) return [];
    const { by: stands } = verdict;
    const isOpen = unordered.has(stands) && !ancestorsOf(log, fails).has(stands);
    return isOpen && !isGift(log, fails) ? [{ stands, fails }] : [];
  });
  if (contested.length > MOST) return contested;
  const before = stateOf(membership);
  return contested.filter(({ fails }) => {
    const first = ancestorsOf(log, fails).add(fails);
    const earlier = (looks: readonly Look[] = []): Look[] => looks.flatMap((look) => split(look, fails, first));
    const { root, remembered, history } = options;
    const other = fold(log, { root, remembered: earlier(remembered), history: [...earlier(history), [...first]] });
    return stateOf(other) !== before;
  });
}

/** A gift is undone by a removal of its author whenever that arrives. */
function isGift(log: Log, id: string): boolean {
  const kind = log.entries.get(id)?.action.kind;
  return kind === "add" || kind === "give";
}

function ancestorsOf(log: Log, id: string): Set<string> {
  const above = new Set(log.entries.get(id)?.parents);
  // A set's iterator goes on to what is added meanwhile.
  for (const one of above) for (const parent of log.entries.get(one)?.parents ?? []) above.add(parent);
  return above;
}

/** A look in which an entry, and what it builds on, came before the rest. */
const split = (look: Look, id: string, first: ReadonlySet<string>): Look[] =>
  look.includes(id) ? [look.filter((one) => first.has(one)), look.filter((one) => !first.has(one))] : [look];

/** Who may do what, and which keys encrypt, whatever made it so. */
function stateOf({ members, keyNames }: Membership): string {
  const people = members.map(({ accounts, keys, role, opens }) => [accounts, keys.map(({ id }) => id), role, opens]);
  const keys = keyNames.map(({ name, current, state }) => [name, current.commitment, state]);
  return JSON.stringify([people.map((one) => JSON.stringify(one)).toSorted(), keys]);
}
