import { printable } from "@git-vault/core";
import { forgeUserOf, type AgeKeyEntry, type DirectoryEntry, type RecipientKey } from "@git-vault/directory";
import { isAccount, type Action, type Identifier } from "@git-vault/members";
import { keysIn } from "./coverage.ts";
import { nameByKey } from "./log-report.ts";
import type { Members } from "./membership.ts";

/** Who took a key, by name, and when they say that it was. */
interface Taking {
  readonly by: string;
  readonly time: string;
}

/**
 * The entry that took a key by itself, and not with an account, if nothing let it back since: such
 * as the key of a stolen laptop. Nobody who lets its member in means that key. Null where none did.
 */
export function takenAlone(id: Identifier, members: Members): Taking | null {
  const { branch, whole, log } = members;
  const takers = [...branch.removed, ...whole.removed].flatMap(({ identifier, by }) => (identifier === id ? by : []));
  const letBack = new Set<string>();
  for (const entry of takers.length === 0 ? [] : log.entries.values()) {
    if (!("readmits" in entry.action) || whole.verdicts.get(entry.id)?.counts !== true) continue;
    if (keysIn(entry).includes(id)) for (const by of entry.action.readmits) letBack.add(by);
  }
  const [found] = takers.flatMap((by) => {
    const entry = letBack.has(by) ? undefined : log.entries.get(by);
    return entry !== undefined && takesAlone(entry.action, id) ? entry : [];
  });
  return found === undefined ? null : { by: nameByKey(found.author, members), time: found.time };
}

/** Of a removed member without an account, nothing tells whether a key of theirs was stolen. */
const takesAlone = (action: Action, id: Identifier): boolean =>
  (action.kind === "take" && action.keys.includes(id)) || (action.kind === "remove" && !action.members.some(isAccount));

/** `github:alice took it out of the members log on 2026-11-30`. */
export const takingText = ({ by, time }: Taking): string =>
  `${printable(by)} took it out of the members log on ${time.slice(0, 10)}`;

/** Recipients, to whose accounts' keys nothing is sealed that were taken by themselves. */
export function withoutTakenKeys(entries: readonly DirectoryEntry[], members: Members): DirectoryEntry[] {
  const withReason = (entry: RecipientKey): RecipientKey => {
    const taking = entry.fingerprint === null ? null : takenAlone(entry.fingerprint, members);
    // No account has an age key, and nothing is ever wrong with one.
    return taking === null || isAgeEntry(entry) ? entry : { ...entry, unusable: takingText(taking) };
  };
  return entries.map((entry) =>
    forgeUserOf(entry.name) === null ? entry : { ...entry, keys: entry.keys.map(withReason) },
  );
}

const isAgeEntry = (entry: RecipientKey): entry is AgeKeyEntry => entry.key !== null && "wrapFileKey" in entry.key;
