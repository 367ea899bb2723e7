import type { Repository } from "@git-vault/git-crypt";
import type { Entry, Log, Member, MemberKey, Membership } from "@git-vault/members";
import { readOpenPgpCopies } from "./openpgp-copies.ts";
import { isSealable, sealedFor, type GenerationName } from "./sealed-keys.ts";

/*
 * For which keys there are sealed copies of a generation. A copy of age does not tell to whom it is
 * sealed, but it bears the id of an entry, which does: one that made the generation sealed it to
 * all members of then; one about a member, to that member's keys of then.
 */

/** Entries, by their ids, and all that they build on. */
export function withAncestors(log: Log, ids: Iterable<string>): Set<string> {
  const within = new Set(ids);
  // A set's iterator goes on to what is added meanwhile.
  for (const one of within) for (const parent of log.entries.get(one)?.parents ?? []) within.add(parent);
  return within;
}

/** The entry that added the member whom a gift is about; null for what is no gift. */
export function subjectOf({ id, action }: Entry): string | null {
  if (action.kind === "give") return action.member;
  return action.kind === "start" || action.kind === "add" ? id : null;
}

/** The ids of the keys that an entry brings in. */
export const keysIn = ({ action }: Entry): string[] =>
  action.kind === "start" || action.kind === "add" || action.kind === "give" ? action.keys.map(({ id }) => id) : [];

/**
 * The ids of the keys that copies of a generation are for.
 *
 * @param commit whose copies are meant instead of the index's
 */
export function coveredKeys(
  repository: Repository,
  log: Log,
  generation: GenerationName,
  commit?: string,
): Set<string> {
  const covered = new Set<string>();
  for (const id of sealedFor(repository, generation, commit)) {
    const entry = log.entries.get(id);
    if (entry === undefined) continue;
    const { action } = entry;
    const isMaker =
      "generations" in action && action.generations.some(({ commitment }) => commitment === generation.id);
    const subject = subjectOf(entry);
    for (const one of withAncestors(log, [id])) {
      const other = log.entries.get(one);
      if (other === undefined || (!isMaker && subjectOf(other) !== subject)) continue;
      for (const key of keysIn(other)) covered.add(key);
    }
  }
  return covered;
}

/** A member for whom no copy of the present key lies in the repository. */
export interface Uncovered {
  readonly member: Member;
  readonly keyName: string;
}

/**
 * The members who may open a key and for some key of whom there is no copy of the present one, such
 * as after a grant that a rebase put behind a rotation.
 */
export function uncovered(repository: Repository, log: Log, { members, keyNames }: Membership): Uncovered[] {
  // A rotation removes those of older keys.
  const copies = new Set(readOpenPgpCopies(repository).map((copy) => `${copy.keyName} ${copy.fingerprint}`));
  return keyNames.flatMap(({ name: keyName, current: { commitment: id }, state }) => {
    if (state === "stale") return [];
    const covered = coveredKeys(repository, log, { keyName, id });
    const lacks = (key: MemberKey): boolean =>
      key.type === "openpgp" ? !copies.has(`${keyName} ${key.id}`) : isSealable(key) && !covered.has(key.id);
    return members.flatMap((member) => {
      const isLacking = member.keys.some(lacks);
      return member.opens.includes(keyName) && isLacking ? [{ member, keyName }] : [];
    });
  });
}
