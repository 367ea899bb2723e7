import { readSmallBlobs, sizesOf, tryGit, type Repository } from "@git-vault/git-crypt";
import {
  arrivalOf,
  isEntryId,
  isSound,
  MAX_ENTRY_BYTES,
  type Log,
  type LogCommit,
  type LogFile,
  type Look,
} from "@git-vault/members";
import { LOG_FOLDER, shallowText } from "../log-places.ts";
import type { SeenBlobs } from "./log-files.ts";

/*
 * What the history of branches tells of the log. By an entry's name anything may have been
 * committed: a link, junk, the entry under a signature that does not hold. So everything that ever
 * had such a name is read, and a commit brings an entry in only by a sound copy of it.
 */

/** What history tells, once it is known which copies of entries are sound. */
export interface Arrivals {
  /** In which order entries arrived on each of the branches. */
  readonly looks: readonly (readonly Look[])[];
  /** The entries that each group of commits brought in which were asked for beside the branches. */
  readonly beside: readonly Look[];
  /**
   * The entries that a shallow clone has at its depth: in which order they arrived, the history
   * below tells, which is not here.
   */
  readonly unordered: ReadonlySet<string>;
  /** The commits that touched the log, by their ids. */
  readonly commits: ReadonlyMap<string, LogCommit>;
}

/** The history of some branches, as far as it is about the log. */
export interface LogHistory {
  /** What was committed by entries' names. */
  readonly files: readonly LogFile[];
  /** Whether all of the first branch's history was read: a partial clone may lack some. */
  readonly isWhole: boolean;
  /** What it tells, where `log` was read with these files. */
  readonly arrivals: (log: Pick<Log, "sound">) => Arrivals;
}

/** What nobody asked for. */
export const NO_HISTORY: LogHistory = {
  files: [],
  isWhole: true,
  arrivals: () => ({ looks: [], beside: [], unordered: new Set(), commits: new Map() }),
};

/**
 * Reads the history of branches.
 *
 * @param tips git's names for their last commits; null where one has none
 * @param seen what was read before; what is read is added
 * @param beside groups of further commits
 */
export function readHistory(
  repository: Repository,
  tips: readonly (string | null)[],
  seen: SeenBlobs,
  beside: readonly (readonly string[])[] = [],
): LogHistory {
  const [head = null] = tips;
  const starts = [...new Set([...tips.filter((tip) => tip !== null), ...beside.flat()])];
  if (starts.length === 0) return NO_HISTORY;
  // A partial clone may lack what was fetched last, and have what is checked out.
  const whole = walk(repository, starts);
  const walked = whole ?? (head === null || starts.length === 1 ? null : walk(repository, [head]));
  if (walked === null) return { ...NO_HISTORY, isWhole: head === null };
  const wanted = new Map(walked.flatMap(({ changes }) => changes.flatMap(({ name, is }) => copyOf(name, is))));
  const unread = [...new Set([...wanted.values()].map(({ oid }) => oid))].filter((oid) => !seen.has(oid));
  for (const [oid, content] of readSmallBlobs(repository, unread, MAX_ENTRY_BYTES)) seen.set(oid, content);
  // What is too large for an entry is here, and is none.
  const left = unread.filter((oid) => !seen.has(oid));
  const here = sizesOf(repository, left);
  const missing = new Set(left.filter((oid) => !here.has(oid)));
  const files = [...wanted.values()].flatMap(({ name, oid }) => {
    const bytes = seen.get(oid);
    return bytes === undefined ? [] : [{ name, bytes }];
  });
  const newest = tips.map((tip) => (tip === null ? null : newestOf(repository, tip, walked, starts)));
  const depths = shallowText(repository).split("\n");
  return {
    files,
    isWhole:
      missing.size === 0 ||
      ancestorsOf(newest[0] ?? "", walked).every(({ changes }) => changes.every(({ is }) => !missing.has(is ?? ""))),
    arrivals: (log) => {
      const commits = commitsOf(walked, ({ name, oid }) => {
        const bytes = seen.get(oid);
        return bytes !== undefined && isSound(log, { name, bytes });
      });
      return {
        looks: newest.map((id) => (id === null ? [] : arrivalOf(id, commits))),
        beside: beside.map((ids) => ids.flatMap((id) => commits.get(id)?.entries ?? [])),
        unordered: new Set(depths.flatMap((id) => commits.get(id)?.entries ?? [])),
        commits,
      };
    },
  };
}

/** What was committed by an entry's name. */
interface Copy {
  readonly name: string;
  /** git's name for the file. */
  readonly oid: string;
}

const copyOf = (name: string, oid: string | null): [string, Copy][] =>
  oid === null ? [] : [[`${name} ${oid}`, { name, oid }]];

/** A file by an entry's name that is another in a commit than in each of its parents. */
interface Change {
  readonly name: string;
  /** git's name for it; null for none, or what is no regular file. */
  readonly is: string | null;
  /** The same in each parent. */
  readonly was: readonly (string | null)[];
}

interface Walked {
  readonly id: string;
  readonly parents: readonly string[];
  readonly changes: readonly Change[];
}

/** Merges stay in it whole: which parent is the first decides what arrived first. */
const KEPT = ["--full-history", "--parents"];
const SHOWN = ["-c", "--raw", "--root", "--no-abbrev", "--no-renames", "--no-relative", "-O/dev/null"];

/** The commits that touched the log, the newest first; null where git cannot tell. */
function walk(repository: Repository, starts: readonly string[]): Walked[] | null {
  const args = ["log", ...KEPT, ...SHOWN, "--ignore-submodules=none", "--no-show-signature", "--format=commit %H %P"];
  const words = ["--literal-pathspecs", ...args, ...starts, "--", `${LOG_FOLDER}/`];
  const { status, stdout } = tryGit(repository, words);
  if (status !== 0) return null;
  const walked: Walked[] = [];
  let changes: Change[] = [];
  for (const line of stdout.toString("latin1").split("\n")) {
    if (line.startsWith("commit ")) {
      const [, id = "", ...parents] = line.trimEnd().split(" ");
      changes = [];
      walked.push({ id, parents, changes });
      continue;
    }
    changes.push(...changeIn(line));
  }
  return walked;
}

/** A line of a change: `:` for each parent, then all modes, all names of objects, and the path. */
const CHANGED = /^:+((?:[0-7]{6} )+)((?:[0-9a-f]{40,64} )+)[A-Z]+\t(.*)$/;

function changeIn(line: string): Change[] {
  const [, modes = "", oids = "", path = ""] = CHANGED.exec(line) ?? [];
  const name = path.slice(LOG_FOLDER.length + 1);
  if (!isEntryId(name)) return [];
  const isRegular = modes.split(" ").map((mode) => mode.startsWith("100"));
  const all = oids
    .trimEnd()
    .split(" ")
    .map((oid, at) => (isRegular[at] === true ? oid : null));
  return [{ name, is: all.at(-1) ?? null, was: all.slice(0, -1) }];
}

/** The last commit of a branch that is among those which touched the log. */
function newestOf(
  repository: Repository,
  tip: string,
  walked: readonly Walked[],
  starts: readonly string[],
): string | null {
  if (starts.length === 1) return walked[0]?.id ?? null;
  if (walked.some(({ id }) => id === tip)) return tip;
  const args = ["--literal-pathspecs", "rev-list", ...KEPT, "--max-count=1", tip, "--", `${LOG_FOLDER}/`];
  const { status, stdout } = tryGit(repository, args);
  return (status === 0 && /^[0-9a-f]+/.exec(stdout.toString("latin1"))?.[0]) || null;
}

/** A commit and all that it builds on. */
function ancestorsOf(id: string, walked: readonly Walked[]): Walked[] {
  const byId = new Map(walked.map((commit) => [commit.id, commit]));
  const found = new Set([id]);
  // A set's iterator goes on to what is added meanwhile.
  for (const one of found) for (const parent of byId.get(one)?.parents ?? []) found.add(parent);
  return [...found].flatMap((one) => byId.get(one) ?? []);
}

function commitsOf(walked: readonly Walked[], holds: (copy: Copy) => boolean): Map<string, LogCommit> {
  const known = new Map<string, boolean>();
  const isHeld = (name: string, oid: string | null): boolean =>
    copyOf(name, oid).some(([key, copy]) => {
      const answer = known.get(key) ?? holds(copy);
      known.set(key, answer);
      return answer;
    });
  return new Map(
    walked.map(({ id, parents, changes }) => {
      const arrived = changes.filter(({ name, is, was }) => isHeld(name, is) && !was.some((oid) => isHeld(name, oid)));
      return [id, { parents, entries: arrived.map(({ name }) => name) }];
    }),
  );
}
