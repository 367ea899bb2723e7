import { commitOf, readSmallBlobs, readTracked, tryGit, type Repository } from "@git-vault/git-crypt";
import { arrivalOf, isEntryId, MAX_ENTRY_BYTES, type LogCommit, type LogFile, type Look } from "@git-vault/members";
import { LOG_FOLDER, shallowText } from "../log-places.ts";

/** Blobs that were read, by git's names for them: branches mostly hold the same entries. */
export type SeenBlobs = Map<string, Buffer>;

/**
 * The files of the log that the index holds, or a commit. What is not named as an entry, or is too
 * large for one, is left out.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function readLogFiles(repository: Repository, commit?: string, seen?: SeenBlobs): LogFile[] {
  return readTracked(repository, LOG_FOLDER, { most: MAX_ENTRY_BYTES, commit, seen }).flatMap(({ path, content }) => {
    const name = path.slice(LOG_FOLDER.length + 1);
    return content !== null && isEntryId(name) ? [{ name, bytes: content }] : [];
  });
}

/** What the history of a branch tells of the log. */
export interface LogHistory {
  /** In which order entries arrived. */
  readonly looks: readonly Look[];
  /** The entries that are in the history, and were not asked to be left out. */
  readonly files: readonly LogFile[];
  /**
   * The entries that a shallow clone has at its depth: in which order they arrived, the history
   * below tells, which is not here.
   */
  readonly unordered: readonly string[];
}

export const NO_HISTORY: LogHistory = { looks: [], files: [], unordered: [] };

/**
 * Reads in which order entries arrived on a branch, and those of them that its tree may lack.
 *
 * @param tip the branch's last commit
 * @param known entries that are not read again
 * @param seen what was read of these and others
 */
export function readHistory(
  repository: Repository,
  tip: string,
  known: ReadonlySet<string>,
  seen: SeenBlobs = new Map(),
): LogHistory {
  const head = commitOf(repository, tip);
  if (head === null) return NO_HISTORY;
  // Merges stay in it whole: which parent is the first decides what arrived first.
  const walk = ["log", "--full-history", "--parents", "-c", "--raw", "--root", "--no-abbrev", "--no-renames"];
  const args = [...walk, "--no-show-signature", "--format=commit %H %P", head, "--", `${LOG_FOLDER}/`];
  const { status, stdout } = tryGit(repository, ["--literal-pathspecs", ...args]);
  if (status !== 0) return NO_HISTORY;
  const { commits, oids, newest } = parseLog(stdout.toString("latin1"));
  const wanted = new Map([...oids].filter(([id]) => !known.has(id)));
  const unread = [...wanted.values()].filter((oid) => !seen.has(oid));
  const blobs = readSmallBlobs(repository, unread, MAX_ENTRY_BYTES);
  // One that is in the tree as well may have another name there, which is not its own.
  const files = [...wanted].flatMap(([name, oid]) => {
    const bytes = seen.get(oid) ?? blobs.get(oid);
    return bytes === undefined ? [] : [{ name, bytes }];
  });
  const depths = shallowText(repository).split("\n");
  return {
    looks: newest === null ? [] : arrivalOf(newest, commits),
    files,
    unordered: depths.flatMap((id) => commits.get(id)?.entries ?? []),
  };
}

/** A line of a file that a commit has and none of its parents had: `:` for each parent. */
const ADDED = /^:+[0-7 ]+ [0-9a-f ]*?([0-9a-f]{40,64}) A+\t(.*)$/;

function parseLog(text: string): {
  readonly commits: ReadonlyMap<string, LogCommit>;
  readonly oids: ReadonlyMap<string, string>;
  /** The first commit of the walk; null for none. */
  readonly newest: string | null;
} {
  const commits = new Map<string, { parents: readonly string[]; entries: string[] }>();
  const oids = new Map<string, string>();
  let entries: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("commit ")) {
      const [, id = "", ...parents] = line.trimEnd().split(" ");
      entries = [];
      commits.set(id, { parents, entries });
      continue;
    }
    const [, oid = "", path = ""] = ADDED.exec(line) ?? [];
    const name = path.slice(LOG_FOLDER.length + 1);
    if (!isEntryId(name)) continue;
    entries.push(name);
    oids.set(name, oid);
  }
  const [newest = null] = commits.keys();
  return { commits, oids, newest };
}
