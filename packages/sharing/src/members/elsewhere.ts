import { existsSync } from "node:fs";
import { join } from "node:path";
import { plural, printable } from "@git-vault/core";
import {
  fold,
  memberWith,
  readLog,
  type Action,
  type Entry,
  type Log,
  type LogFile,
  type Membership,
} from "@git-vault/members";
import { nameOfMember, type Members } from "./membership.ts";
import { readOtherLogs } from "./other-logs.ts";
import { entryPath } from "../log-places.ts";

/** A change that waits on another branch. */
export interface Waiting {
  /** Such as `refs/remotes/origin/rotate`. */
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
  /** What all branches say together: which keys there may be. */
  readonly together: Membership;
  /** The entries that they all have. */
  readonly entries: Log;
  /** The references that hold entries which count, and which the branch lacks. */
  readonly references: readonly string[];
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
  const { repository, log, whole, branch, files, options, root, ahead, seen } = members;
  const known = [...whole.verdicts.keys()].filter((id) => !ahead.has(id));
  const { others, unread } = readOtherLogs(repository, {
    known: new Set([...members.present, ...known]),
    first: members.followed,
    seen,
  });
  if (others.length === 0) return { waiting: [], together: whole, entries: log, references: [], unread };
  const all = await readLog([...files, ...others.flatMap((one) => one.files)], {
    root: root ?? undefined,
    verified: log.signed,
  });
  const together = fold(all, options);
  const counts = ({ name }: LogFile): boolean => together.verdicts.get(name)?.counts === true;
  const waiting = new Map<string, Waiting>();
  for (const { reference, files: theirs } of others) {
    for (const { name } of theirs.filter(counts)) {
      const entry = all.entries.get(name);
      if (entry === undefined || waiting.has(name)) continue;
      const change = describe(entry, reference, branch, together);
      if (change !== null) waiting.set(name, change);
    }
  }
  return {
    waiting: [...waiting.values()],
    together,
    entries: all,
    // Anybody may push any number of others, and each costs a look for copies.
    references: others.flatMap((one) => (one.files.some(counts) ? one.reference : [])),
    unread,
  };
}

function describe(entry: Entry, reference: string, branch: Membership, together: Membership): Waiting | null {
  const { action, author, id } = entry;
  const removed = removedBy(action, branch);
  const keyNames =
    "generations" in action && action.kind !== "start" ? action.generations.map(({ keyName }) => keyName) : [];
  if (removed.length + keyNames.length === 0) return null;
  const by = memberWith(together, author) ?? memberWith(branch, author);
  return { reference, removed, keyNames, by: by === null ? author : nameOfMember(by), entry: id };
}

function removedBy(action: Action, branch: Membership): string[] {
  if (action.kind === "remove") {
    const gone = action.members.map((identifier) => memberWith(branch, identifier));
    return [...new Set(gone.flatMap((member) => (member === null ? [] : nameOfMember(member))))];
  }
  if (action.kind !== "take") return [];
  const member = branch.members.find(({ records }) => records.includes(action.member));
  return member === undefined ? [] : [nameOfMember(member)];
}

/** What a reference is called among branches, such as `origin/rotate`. */
export const branchName = (reference: string): string => reference.replace(/^refs\/(?:heads|remotes)\//, "");

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
