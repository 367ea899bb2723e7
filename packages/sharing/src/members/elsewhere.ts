import { existsSync } from "node:fs";
import { join } from "node:path";
import { plural, printable } from "@git-vault/core";
import { textOf } from "@git-vault/git-crypt";
import {
  fold,
  memberWith,
  onlyOf,
  readLog,
  type Entry,
  type FoldOptions,
  type Log,
  type Membership,
  type SealedCopy,
} from "@git-vault/members";
import { attestedCopies } from "./coverage.ts";
import { nameOfMember, type Members } from "./membership.ts";
import { readOtherLogs, type OtherLog } from "./other-logs.ts";
import { entryPath } from "../log-places.ts";

/** A change that waits on another branch. */
export interface Waiting {
  /** Such as `refs/remotes/origin/rotate`; its characters are bytes. */
  readonly reference: string;
  /** What those are called who are removed there, or lose a key. */
  readonly removed: readonly string[];
  /** The names of the keys that are replaced there. */
  readonly keyNames: readonly string[];
  /** What who did it is called. */
  readonly by: string;
  /** The entry's id. */
  readonly entry: string;
}

/** What other branches say beside the one that is checked out. */
export interface Elsewhere {
  readonly waiting: readonly Waiting[];
  /**
   * What the log says that is known, and what it says with each other branch: which keys there may
   * be. Not all together: what somebody writes on one branch takes no key from another.
   */
  readonly memberships: readonly Membership[];
  /** The copies of keys that they commit to. */
  readonly attested: readonly SealedCopy[];
  /** git's names for commits that hold entries which count, and which the branch lacks. */
  readonly tips: readonly string[];
  /** References with further entries that were not read: too much, or not in this clone. */
  readonly unread: readonly string[];
}

/** What was found beside a look at the log: several ask for it in one run. */
const found = new WeakMap<Members, Promise<Elsewhere>>();

/**
 * Looks at all that was fetched, and at other branches: for removals and new keys that the branch
 * lacks. It looks once for each time that the log is opened.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function readElsewhere(members: Members): Promise<Elsewhere> {
  const known = found.get(members) ?? look(members);
  found.set(members, known);
  return known;
}

async function look(members: Members): Promise<Elsewhere> {
  const { repository, log, whole, branch, files, options, root, ahead, seen, held } = members;
  // Junk here by an entry's name hides none that is elsewhere.
  const known = [...whole.verdicts.keys()].filter((id) => !ahead.has(id) && !log.forged.has(id));
  const { others, unread } = readOtherLogs(repository, {
    known: new Set(known),
    first: members.followed,
    seen,
  });
  if (others.length === 0)
    return { waiting: [], memberships: [whole], attested: attestedCopies(log, whole), tips: [], unread };
  const all = await readLog([...files, ...others.flatMap((one) => one.files)], { root: root ?? undefined, held });
  const { judged, unjudged } = judgeEach(others, { all, log, options });
  const waiting = new Map<string, Waiting>();
  for (const { reference, counting, alone } of judged) {
    for (const entry of counting) {
      const change = waiting.has(entry.id) ? null : describe(entry, reference, branch, alone);
      if (change !== null) waiting.set(entry.id, change);
    }
  }
  // Anybody may push any number of others, and each costs a look for copies.
  const telling = judged.filter(({ counting }) => counting.length > 0);
  const memberships = [whole, ...new Set(telling.map(({ alone }) => alone))];
  return {
    waiting: [...waiting.values()],
    memberships,
    attested: memberships.flatMap((one) => attestedCopies(all, one)),
    tips: telling.map(({ tip }) => tip),
    unread: [...unread, ...unjudged],
  };
}

/** What a reference holds beside the log that is known. */
interface Judged {
  readonly reference: string;
  readonly tip: string;
  /** Its entries that count with that log. */
  readonly counting: readonly Entry[];
  /** What both say together. */
  readonly alone: Membership;
}

/** So many entries are folded for the references, each time with all that is known. */
const MOST_FOLDED = 500_000;

/**
 * Judges each reference by itself: what somebody wrote on one branch takes nothing from what
 * another one says.
 */
function judgeEach(
  others: readonly OtherLog[],
  { all, log, options }: { readonly all: Log; readonly log: Log; readonly options: FoldOptions },
): { readonly judged: readonly Judged[]; readonly unjudged: readonly string[] } {
  const unjudged: string[] = [];
  const byEntries = new Map<string, Membership>();
  let left = MOST_FOLDED;
  const judged = others.flatMap(({ reference, tip, files }): Judged[] => {
    // What no member signed counts nowhere.
    const signed = files.map(({ name }) => name).filter((name) => all.signed.has(name));
    if (signed.length === 0) return [];
    const within = new Set([...log.entries.keys(), ...files.map(({ name }) => name)]);
    const of = signed.toSorted().join();
    if (!byEntries.has(of)) {
      left -= within.size;
      if (left < 0) unjudged.push(reference);
      else byEntries.set(of, fold(onlyOf(all, within), options));
    }
    const alone = byEntries.get(of);
    if (alone === undefined) return [];
    const counting = signed.filter((id) => alone.verdicts.get(id)?.counts === true);
    return [{ reference, tip, counting: counting.flatMap((id) => all.entries.get(id) ?? []), alone }];
  });
  return { judged, unjudged };
}

function describe(entry: Entry, reference: string, branch: Membership, alone: Membership): Waiting | null {
  const { action, author, id } = entry;
  const removed = removedBy(entry, branch, alone);
  const keyNames =
    "generations" in action && action.kind !== "start" ? action.generations.map(({ keyName }) => keyName) : [];
  if (removed.length + keyNames.length === 0) return null;
  const by = memberWith(alone, author) ?? memberWith(branch, author);
  return { reference, removed, keyNames, by: by === null ? author : nameOfMember(by), entry: id };
}

function removedBy({ action, id }: Entry, branch: Membership, alone: Membership): string[] {
  if (action.kind === "remove") {
    // It may name them by a key that they have there alone.
    const taken = alone.removed.flatMap(({ identifier, by }) => (by.includes(id) ? identifier : []));
    const gone = [...action.members, ...taken].map((identifier) => memberWith(branch, identifier));
    return [...new Set(gone.flatMap((member) => (member === null ? [] : nameOfMember(member))))];
  }
  if (action.kind !== "take") return [];
  const member = branch.members.find(({ records }) => records.includes(action.member));
  return member === undefined ? [] : [nameOfMember(member)];
}

/** What a reference is called among branches, such as `origin/rotate`, as text. */
export const branchName = (reference: string): string => textOf(reference.replace(/^refs\/(?:heads|remotes)\//, ""));

/** That references were not read, of which there is at least one, as a phrase. */
export function unreadText([first = "", ...more]: readonly string[]): string {
  const others = more.length === 0 ? "" : ` and ${plural(more.length, "more branch", "more branches")}`;
  return `not searched for removals: ${printable(branchName(first))}${others}`;
}

/**
 * Whether git broke a pull off while it wrote the files: some of the log of what the branch follows
 * lie in the work tree already, and the branch does not have them.
 */
export const isPullBrokenOff = ({ repository: { topLevel }, ahead }: Members): boolean =>
  topLevel !== null && [...ahead].some((id) => existsSync(join(topLevel, entryPath(id))));
