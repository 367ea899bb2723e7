import { memberWith, withAncestors, type Action, type Entry, type Log, type Membership } from "@git-vault/members";

/*
 * Entries that the branch had and lacks: it was reverted, or something else was pushed over it.
 * What it says by other entries since is no concern any more.
 */

/** What is looked at: see `Members`. */
interface CutLog {
  readonly cut: readonly Entry[];
  readonly log: Log;
  readonly branchLog: Log;
  readonly branch: Membership;
  readonly whole: Membership;
}

/** Of the entries that were cut off, those whose effect the branch lacks, or that others need. */
export const missedEntries = ({ cut, log, branchLog, branch, whole }: CutLog): Entry[] =>
  cut.filter(
    (entry) =>
      branchLog.entries.has(entry.id) ||
      !(isReplaced(entry, withAncestors(log, [entry.id]), branch) && isSaidAgain(entry, branch, whole)),
  );

/** The names of keys that somebody could open who was removed by an entry that was cut off. */
export function namesCut(members: CutLog): Set<string> {
  const { branch } = members;
  const gone = missedEntries(members).flatMap(({ action }) => {
    if (action.kind === "take") return branch.members.filter(({ records }) => records.includes(action.member));
    return action.kind === "remove" ? action.members.flatMap((one) => memberWith(branch, one) ?? []) : [];
  });
  return new Set(gone.flatMap(({ opens }) => opens));
}

/** Whether each name has a key that was made without knowing of the entry. */
function isReplaced({ action }: Entry, ancestors: ReadonlySet<string>, { keyNames }: Membership): boolean {
  if (!("generations" in action)) return true;
  return action.generations.every(({ keyName }) => {
    const current = keyNames.find(({ name }) => name === keyName)?.current;
    return current !== undefined && !ancestors.has(current.entry);
  });
}

function isSaidAgain({ id, action }: Entry, branch: Membership, whole: Membership): boolean {
  const removed = new Set(branch.removed.map(({ identifier }) => identifier));
  switch (action.kind) {
    case "remove":
      return whole.removed.every(({ identifier, by }) => !by.includes(id) || removed.has(identifier));
    case "take":
      return action.keys.every((key) => removed.has(key)) && isTaken(action, branch);
    case "start":
    case "add":
    case "give":
      return action.keys.every((key) => removed.has(key.id) || isGiven(key.id, action.opens, branch));
    case "generation":
      return true;
    case "note":
  }
  return false;
}

function isTaken({ member, opens, role }: Extract<Action, { kind: "take" }>, { members }: Membership): boolean {
  const now = members.find(({ records }) => records.includes(member));
  return (
    now === undefined || (opens.every((name) => !now.opens.includes(name)) && (role === null || now.role !== role))
  );
}

const isGiven = (key: string, opens: readonly string[], branch: Membership): boolean => {
  const member = memberWith(branch, key);
  return member !== null && opens.every((name) => member.opens.includes(name));
};
