import type { Repository } from "@git-vault/git-crypt";
import {
  fold,
  onlyOf,
  withAncestors,
  type Entry,
  type Log,
  type Member,
  type MemberKey,
  type Membership,
  type NamedCommitment,
  type SealedCopy,
} from "@git-vault/members";
import { readOpenPgpCopies } from "./openpgp-copies.ts";
import { digestOf, isPluginKey, isSealable, lookAtCopies, type Copies } from "./sealed-keys.ts";

/*
 * For which keys there are sealed copies of a generation. A copy of age does not tell to whom it is
 * sealed, but the entry does that commits to its bytes: one that made the generation sealed it to
 * all who had it then; one about a member, to that member's keys of then. A file that no entry
 * commits to, or that was changed since, counts for nobody.
 */

/** The entry that added the member whom a gift is about; null for what is no gift. */
export function subjectOf({ id, action }: Entry): string | null {
  if (action.kind === "give") return action.member;
  return action.kind === "start" || action.kind === "add" ? id : null;
}

/** The keys that an entry brings in. */
const keysOf = ({ action }: Entry): readonly MemberKey[] =>
  action.kind === "start" || action.kind === "add" || action.kind === "give" ? action.keys : [];

/** Their ids. */
export const keysIn = (entry: Entry): string[] => keysOf(entry).map(({ id }) => id);

/** The copies that entries which count commit to. */
export const attestedCopies = (log: Log, { verdicts }: Pick<Membership, "verdicts">): SealedCopy[] =>
  [...log.entries.values()].flatMap((entry) => (verdicts.get(entry.id)?.counts === true ? copiesOf(entry) : []));

const copiesOf = ({ action }: Entry): readonly SealedCopy[] => ("copies" in action ? (action.copies ?? []) : []);

/**
 * The ids of the keys that have an age copy of a generation.
 *
 * @param id the generation's commitment
 * @param commit whose copies are meant instead of the index's
 */
export const coveredKeys = (
  repository: Repository,
  log: Log,
  membership: Membership,
  id: string,
  commit?: string,
): Set<string> => keysCovered(log, membership, id, lookAtCopies(repository, attestedCopies(log, membership), commit));

function keysCovered(log: Log, { root, verdicts }: Membership, id: string, { intact }: Copies): Set<string> {
  const covered = new Set<string>();
  const madeBy = ({ action }: Entry): NamedCommitment | undefined =>
    "generations" in action ? action.generations.find(({ commitment }) => commitment === id) : undefined;
  const audiences = new Map<string, readonly MemberKey[]>();
  for (const entry of log.entries.values()) {
    if (verdicts.get(entry.id)?.counts !== true) continue;
    const made = copiesOf(entry).filter(({ commitment, digest }) => commitment === id && intact.has(`${id} ${digest}`));
    for (const { recipient } of made) if (recipient !== null) covered.add(recipient);
    const own = copiesOf(entry).filter(({ commitment, recipient }) => commitment === id && recipient === null);
    // Which of several is for whom nobody can tell.
    if (own.length === 0 || !own.every((copy) => made.includes(copy))) continue;
    const seen = entriesOf(log, withAncestors(log, [entry.id]));
    const generation = madeBy(entry);
    if (generation === undefined) {
      for (const key of keysOfSubject(entry, seen)) if (isSealable(key)) covered.add(key.id);
      continue;
    }
    // What makes a generation may be many entries, each on the one before: the people are the same.
    const people = seen.filter((one) => madeBy(one) === undefined || one.action.kind !== "generation");
    const name = people
      .map((one) => one.id)
      .toSorted()
      .join();
    const audience = audiences.get(name) ?? keysOfThose(log, seen, root, generation.keyName);
    audiences.set(name, audience);
    for (const key of audience) if (isSealable(key)) covered.add(key.id);
  }
  return covered;
}

const entriesOf = (log: Log, ids: Iterable<string>): Entry[] => [...ids].flatMap((id) => log.entries.get(id) ?? []);

/** The keys that the member had whom a gift is about, by what its author saw. */
function keysOfSubject(gift: Entry, seen: readonly Entry[]): readonly MemberKey[] {
  const subject = subjectOf(gift);
  const taken = new Set(seen.flatMap(({ action }) => (action.kind === "take" ? action.keys : [])));
  const before = seen.filter((one) => one !== gift && subjectOf(one) === subject).flatMap(keysOf);
  return [...keysOf(gift), ...before.filter((key) => !taken.has(key.id))];
}

/** The keys of all who had a git-crypt key, by what the author of an entry saw. */
function keysOfThose(log: Log, seen: readonly Entry[], root: string | null, keyName: string): readonly MemberKey[] {
  // Where everybody has it, and nobody lost anything, there is nothing to work out.
  const isPlain = seen.every(
    ({ action }) =>
      action.kind !== "remove" &&
      action.kind !== "take" &&
      ((action.kind !== "start" && action.kind !== "add") || action.opens.includes(keyName)),
  );
  if (isPlain) return seen.flatMap(keysOf);
  const known = onlyOf(log, new Set(seen.map(({ id }) => id)));
  const { members } = fold(known, root === null ? {} : { root });
  return members.filter(({ opens }) => opens.includes(keyName)).flatMap(({ keys }) => keys);
}

/** A member for whom no copy of the present key lies in the repository. */
export interface Uncovered {
  readonly member: Member;
  readonly keyName: string;
  /** Those of the member's keys that lack one. */
  readonly keys: readonly MemberKey[];
}

/** For whom copies lie in the repository, and for whom not. */
export interface Coverage {
  /**
   * The members who may open a key and for some key of whom there is no copy of the present one,
   * such as after a grant that a rebase put behind a rotation, or where somebody wrote over it.
   */
  readonly uncovered: readonly Uncovered[];
  /** What lies among the copies, and is none that an admin made: by paths from the top folder. */
  readonly strange: readonly string[];
  /** Those of these that lie where a copy would. */
  readonly replaced: readonly string[];
}

/** Compares the copies in the index with what the log says of them. */
export function readCoverage(repository: Repository, log: Log, membership: Membership): Coverage {
  const attested = attestedCopies(log, membership);
  const copies = lookAtCopies(repository, attested);
  const openPgp = openPgpCovered(repository, attested);
  const uncovered = membership.keyNames.flatMap(({ name: keyName, current: { commitment: id }, state }) => {
    if (state === "stale") return [];
    const covered = keysCovered(log, membership, id, copies);
    const lacks = (key: MemberKey): boolean =>
      key.type === "openpgp"
        ? !openPgp.has(`${keyName} ${id} ${key.id}`)
        : (isSealable(key) || isPluginKey(key)) && !covered.has(key.id);
    return membership.members.flatMap((member) => {
      const keys = member.keys.filter(lacks);
      return member.opens.includes(keyName) && keys.length > 0 ? [{ member, keyName, keys }] : [];
    });
  });
  return { uncovered, strange: copies.strange, replaced: copies.replaced };
}

/** The OpenPGP keys, by a name's key, that have a copy which an admin made. */
function openPgpCovered(repository: Repository, attested: readonly SealedCopy[]): Set<string> {
  const byDigest = new Map(attested.map((copy) => [`${copy.recipient} ${copy.digest}`, copy.commitment]));
  return new Set(
    readOpenPgpCopies(repository).flatMap(({ keyName, fingerprint, content }) => {
      const id = content === null ? undefined : byDigest.get(`${fingerprint} ${digestOf(content)}`);
      return id === undefined ? [] : [`${keyName} ${id} ${fingerprint}`];
    }),
  );
}
