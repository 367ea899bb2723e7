import type { Entry } from "@git-vault/members";
import { printable } from "@git-vault/core";
import type { ReceiveOptions } from "../identities/local-identities.ts";
import { isKeyHere } from "./keys-here.ts";
import { nameByKey } from "./log-report.ts";
import { memberWithKey, nameOfMember, type Members } from "./membership.ts";
import { ownFingerprints } from "./own-fingerprints.ts";

/** How the owner of a private key of this machine was removed, or something was taken from them. */
export interface KeyRemoval {
  /** What was taken: the id of their key, or the name of a key of the repository. */
  readonly key: string;
  /** What its owner was called. */
  readonly name: string;
  /** Whether its owner is no member any more, as far as this machine tells. */
  readonly isWhole: boolean;
  /** What who did it is called. */
  readonly by: string;
  /** When they say that it was. */
  readonly time: string;
}

/** A key of the repository that was replaced, and is not for the owner of a private key here. */
export interface TakenOff extends KeyRemoval {
  readonly keyName: string;
}

/** `github:alice removed github:mal from the members log on 2026-11-30`. */
export function removalText({ key, name, isWhole, by, time }: KeyRemoval): string {
  const what = isWhole
    ? `removed ${printable(name)} from the members log`
    : `took the key ${key} from ${printable(name)}`;
  return `${printable(by)} ${what} on ${time.slice(0, 10)}`;
}

/** The first entry of the branch that took one of some keys out; null for none. */
export function removalOf(members: Members, mine: ReadonlySet<string>): KeyRemoval | null {
  for (const { identifier, by } of members.branch.removed) {
    const entry = mine.has(identifier) ? members.log.entries.get(by[0]) : undefined;
    if (entry === undefined) continue;
    const isWhole = entry.action.kind === "remove";
    return { ...byWhom(entry, members), key: identifier, name: nameByKey(identifier, members), isWhole };
  }
  return null;
}

/**
 * The keys that are old in this clone, and of which nobody makes a copy for some private keys.
 *
 * @param names those of the keys that are old
 */
export function takenOff(
  members: Members,
  mine: ReadonlySet<string>,
  names: readonly string[] = outdatedNames(members),
): TakenOff[] {
  if (names.length === 0) return [];
  const member = memberWithKey(members.branch, mine);
  if (member === null) {
    const removal = removalOf(members, mine);
    return removal === null ? [] : names.map((keyName) => ({ ...removal, keyName }));
  }
  const name = nameOfMember(member);
  return names.flatMap((keyName) => {
    const entry = member.opens.includes(keyName) ? undefined : lastTaking(members, member.records, keyName);
    if (entry === undefined) return [];
    const { by, time } = byWhom(entry, members);
    return { key: keyName, keyName, name, isWhole: false, by, time };
  });
}

/**
 * As `takenOff`, of the private keys that unlocking would try. None is unlocked, and they are not
 * looked for where no key is outdated.
 *
 * @throws what `findLocalIdentities` and reading the keys do
 */
export async function takenOffHere(members: Members, options: ReceiveOptions): Promise<TakenOff[]> {
  const names = outdatedNames(members);
  return names.length === 0 ? [] : takenOff(members, await ownFingerprints(members.repository, options), names);
}

/** The names of keys that lie here, and of which the branch names another than those. */
function outdatedNames({ repository, rootState, branch }: Members): string[] {
  if (rootState !== "accepted") return [];
  const here = new Set(repository.keyNames());
  return branch.keyNames.flatMap(({ name, current: { commitment } }) =>
    here.has(name) && !isKeyHere(repository, name, commitment) ? name : [],
  );
}

const byWhom = ({ author, time }: Entry, members: Members): Pick<KeyRemoval, "by" | "time"> => ({
  by: nameByKey(author, members),
  time,
});

/** The last entry of the branch that took a name of a key from a member. */
function lastTaking({ branchLog, branch }: Members, records: readonly string[], keyName: string): Entry | undefined {
  return [...branchLog.entries.values()]
    .filter(
      ({ id, action }) =>
        action.kind === "take" &&
        action.opens.includes(keyName) &&
        records.includes(action.member) &&
        branch.verdicts.get(id)?.counts === true,
    )
    .toSorted((a, b) => (a.time < b.time ? -1 : 1))
    .at(-1);
}
