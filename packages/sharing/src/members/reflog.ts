import { hasSettings, tryGit, type Repository } from "@git-vault/git-crypt";
import { LOG_FOLDER, reflogPath } from "../log-places.ts";
import { readText } from "../trust/locked-file.ts";

/*
 * git's reflog has what a reference of a remote was after each fetch and each push from here. So it
 * knows what somebody pushed over before this program ran, for as long as git keeps it.
 */

/** So many of the commits are looked at that were fetched last. */
const MOST_TIPS = 200;

/** The commits that a reference was, the last one first; the characters of its name are bytes. */
export function tipsOf(repository: Repository, reference: string): string[] {
  return [...new Set(reflogOf(repository, reference))].slice(0, MOST_TIPS);
}

/** Read without git where references are kept in files: most commands ask for it. */
function reflogOf(repository: Repository, reference: string): string[] {
  if (!hasSettings(repository, "extensions.refstorage")) {
    const lines = readText(reflogPath(repository, reference)).split("\n");
    return lines.toReversed().flatMap((line) => /^[0-9a-f]{40,64} ([0-9a-f]{40,64}) /.exec(line)?.[1] ?? []);
  }
  const walk = ["log", "--walk-reflogs", "--format=%H", `--max-count=${MOST_TIPS}`, "--stdin"];
  const { stdout } = tryGit(repository, walk, Buffer.from(`${reference}\n--\n`, "latin1"));
  return stdout.toString().split("\n").slice(0, -1);
}

/**
 * The commits that touched the log, that a reference of a remote had, and that are in none of some
 * commits: somebody pushed over them.
 *
 * @param tips git's names for the commits that are followed now
 */
export function pushedOver(repository: Repository, reference: string, tips: readonly string[]): string[] {
  // What one's own branch was, and was reset on purpose, nobody else has seen.
  if (reference.startsWith("refs/heads/")) return [];
  const others = tipsOf(repository, reference).filter((tip) => !tips.includes(tip));
  if (others.length === 0) return [];
  const among = [...others, ...tips.map((tip) => `^${tip}`)];
  const args = ["--literal-pathspecs", "rev-list", "--ignore-missing", "--full-history", ...among];
  const { stdout } = tryGit(repository, [...args, "--", `${LOG_FOLDER}/`]);
  return stdout.toString().split("\n").slice(0, -1);
}
