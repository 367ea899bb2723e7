import { tryGit, type Repository } from "@git-vault/git-crypt";
import { arrivalOf, isSound, type Log, type LogCommit, type LogFile, type Look } from "@git-vault/members";
import { LOG_FOLDER, shallowText } from "../log-places.ts";
import type { SeenBlobs } from "./log-files.ts";
import { EntryBlobs, MOST, TOUCHING, walk, type Bounds, type FileChange, type Walked } from "./log-walk.ts";

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
 * @param bounds how much of it is read
 * @throws SharingError HISTORY_TOO_LARGE
 */
export function readHistory(
  repository: Repository,
  tips: readonly (string | null)[],
  seen: SeenBlobs,
  beside: readonly (readonly string[])[] = [],
  bounds: Bounds = MOST,
): LogHistory {
  const [head = null] = tips;
  const starts = [...new Set([...tips.filter((tip) => tip !== null), ...beside.flat()])];
  if (starts.length === 0) return NO_HISTORY;
  const blobs = new EntryBlobs(repository, seen, bounds.files);
  // A partial clone may lack what was fetched last, and have what is checked out.
  const whole = walk(repository, starts, blobs, bounds);
  const walked = whole ?? (head === null || starts.length === 1 ? null : walk(repository, [head], blobs, bounds));
  if (walked === null) return { ...NO_HISTORY, isWhole: head === null };
  const lists = new Set(walked.map(({ changes }) => changes));
  const wanted = new Map([...lists].flatMap((changes) => changes.flatMap(({ name, is }) => copyOf(name, is))));
  const files = [...wanted.values()].flatMap(({ name, oid }) => {
    const bytes = seen.get(oid);
    return bytes === undefined ? [] : [{ name, bytes }];
  });
  const newest = tips.map((tip) => (tip === null ? null : newestOf(repository, tip, walked, starts)));
  const depths = shallowText(repository).split("\n");
  return {
    files,
    isWhole:
      ![...wanted.values()].some(({ oid }) => blobs.isMissing(oid)) ||
      ancestorsOf(newest[0] ?? "", walked).every(({ changes }) => !changes.some(({ is }) => blobs.isMissing(is ?? ""))),
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

/** The last commit of a branch that is among those which touched the log. */
function newestOf(
  repository: Repository,
  tip: string,
  walked: readonly Walked[],
  starts: readonly string[],
): string | null {
  if (starts.length === 1) return walked[0]?.id ?? null;
  if (walked.some(({ id }) => id === tip)) return tip;
  const args = ["--literal-pathspecs", "rev-list", ...TOUCHING, "--max-count=1", tip, "--", `${LOG_FOLDER}/`];
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
  const arrived = new Map<readonly FileChange[], string[]>();
  const arrivedIn = (changes: readonly FileChange[]): string[] => {
    const before = arrived.get(changes);
    if (before !== undefined) return before;
    const fresh = changes.filter(({ name, is, was }) => isHeld(name, is) && !was.some((oid) => isHeld(name, oid)));
    const names = fresh.map(({ name }) => name);
    arrived.set(changes, names);
    return names;
  };
  return new Map(walked.map(({ id, parents, changes }) => [id, { parents, entries: arrivedIn(changes) }]));
}
