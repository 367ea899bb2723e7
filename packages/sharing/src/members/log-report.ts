import { push } from "@git-vault/core";
import { memberWith, withAncestors, type Action, type Entry, type Reason } from "@git-vault/members";
import { keysIn } from "./coverage.ts";
import { nameOfMember, type Members } from "./membership.ts";

/** An entry of the log, as it is shown. */
export interface LogLine {
  readonly id: string;
  /** When its author says that it was written. */
  readonly time: string;
  /** What the author is called, else the id of the author's key. */
  readonly author: string;
  readonly action: Action;
  /** What the people it is about are called, else their accounts or ids of keys. */
  readonly about: readonly string[];
  readonly counts: boolean;
  /** Why it does not count; null where it does. */
  readonly reason: Reason | null;
  /** The entry that is the cause of that, or that undid it since; null where none is. */
  readonly by: string | null;
  /** Whether the branch's files have it. */
  readonly isPresent: boolean;
}

/** The entries of a log, each after those that it builds on. */
export function reportLog(members: Members): LogLine[] {
  const { log, whole, present } = members;
  return inOrder(log.entries).map((entry): LogLine => {
    const verdict = whole.verdicts.get(entry.id);
    return {
      id: entry.id,
      time: entry.time,
      author: nameByKey(entry.author, members),
      action: entry.action,
      about: aboutOf(entry, members),
      counts: verdict?.counts === true,
      reason: verdict?.counts === false ? verdict.reason : null,
      by: verdict?.counts === true ? verdict.outdoneBy : (verdict?.by ?? null),
      isPresent: present.has(entry.id),
    };
  });
}

/** What the owner of a key is called, or was. */
export function nameByKey(id: string, members: Members): string {
  const member = memberWith(members.whole, id);
  return member === null ? labelAt(id, members) : nameOfMember(member);
}

/** What somebody was called who has the key no more: by the entry that brought it in. */
const labelAt = (id: string, members: Members): string =>
  firstLabel(members, (entry) => keysIn(entry).includes(id)) ?? id;

/**
 * What somebody was called by the entry that brought them in: the one on which others of them
 * build, one that adds a member before one that gives, and else by id. Null where none names them.
 */
function firstLabel({ log, whole }: Members, isAbout: (entry: Entry) => boolean): string | null {
  const about = [...log.entries.values()].filter(
    (entry) => whole.verdicts.get(entry.id)?.counts === true && labelIn(entry) !== null && isAbout(entry),
  );
  const ids = new Set(about.map(({ id }) => id));
  const isLater = ({ id, parents }: Entry): boolean =>
    [...withAncestors(log, parents)].some((one) => one !== id && ids.has(one));
  const first = about.length < 2 ? about : about.filter((entry) => !isLater(entry));
  const [found] = first.toSorted((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1));
  return found === undefined ? null : labelIn(found);
}

const rankOf = ({ action, id }: Entry): string => `${action.kind === "give" ? 1 : 0} ${id}`;

const labelIn = ({ action }: Entry): string | null => ("label" in action ? action.label : null);

function aboutOf({ action }: Entry, members: Members): string[] {
  const ofRecord = (record: string): string => {
    const gift = members.log.entries.get(record)?.action;
    return gift?.kind === "add" || gift?.kind === "start" ? (gift.label ?? gift.keys[0]?.id ?? record) : record;
  };
  switch (action.kind) {
    case "start":
    case "add":
      return [action.label ?? action.account ?? action.keys[0]?.id ?? ""];
    case "give":
    case "take":
      return [ofRecord(action.member)];
    case "remove":
      return [
        ...new Set(
          action.members.map((identifier) =>
            identifier.includes("/") && !identifier.startsWith("SHA256:")
              ? accountName(identifier, members)
              : labelAt(identifier, members),
          ),
        ),
      ];
    case "generation":
      return action.generations.map(({ keyName }) => keyName);
    case "note":
  }
  return [];
}

/** What an account was called, as the entry called it that brought it in. */
const accountName = (account: string, members: Members): string =>
  firstLabel(
    members,
    ({ action }) => (action.kind === "start" || action.kind === "add") && action.account === account,
  ) ?? account;

/** Each entry after its parents; else by what their authors say of the time, and their ids. */
function inOrder(entries: ReadonlyMap<string, Entry>): Entry[] {
  const children = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const { id, parents } of entries.values()) {
    const known = parents.filter((parent) => entries.has(parent));
    open.set(id, known.length);
    for (const parent of known) push(children, parent, id);
  }
  const result: Entry[] = [];
  let ready = [...entries.values()].filter(({ id }) => open.get(id) === 0).toSorted(earlier);
  while (ready.length > 0) {
    result.push(...ready);
    const next: Entry[] = [];
    for (const { id } of ready) {
      for (const child of children.get(id) ?? []) {
        const left = (open.get(child) ?? 1) - 1;
        open.set(child, left);
        const entry = left === 0 ? entries.get(child) : undefined;
        if (entry !== undefined) next.push(entry);
      }
    }
    ready = next.toSorted(earlier);
  }
  return result;
}

/** Nothing descends from a note: of one second, it comes before what else builds on its parents. */
const placeOf = ({ time, action, id }: Entry): string => `${time} ${action.kind === "note" ? 0 : 1} ${id}`;

const earlier = (a: Entry, b: Entry): number => (placeOf(a) < placeOf(b) ? -1 : 1);
