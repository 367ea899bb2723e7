import { parse } from "node:path";
import { runProgram } from "@git-vault/git-crypt/programs";

/**
 * What git prints that depends on its settings; null where it fails, or is not there. A folder that
 * looks like a bare repository may be part of a work tree, and so from anyone who can commit: git
 * refuses its settings here, and the user's own count alone.
 */
function askGit(words: readonly string[]): string | null {
  const ask = (cwd?: string): ReturnType<typeof runProgram> =>
    runProgram("git", ["-c", "safe.bareRepository=explicit", ...words], {
      stdio: ["ignore", "pipe", "ignore"],
      ...(cwd === undefined ? {} : { cwd }),
    });
  const found = ask();
  const { status, stdout } = found.status === REFUSED ? ask(parse(process.cwd()).root) : found;
  return status === 0 ? stdout.toString() : null;
}

/** What git's settings say, the last of which counts. */
const valuesOf = (name: string, options: readonly string[] = []): string[] =>
  askGit(["config", "-z", ...options, "--get-all", name])
    ?.split("\0")
    .slice(0, -1) ?? [];

/** How git ends where it may not, or cannot, use the repository. */
const REFUSED = 128;

/** All values of one of git's settings, as several lines or files give them; none without git. */
export const gitConfigs = (name: string): string[] => valuesOf(name).filter(Boolean);

/** One of git's settings, local or global; undefined if unset or empty, or without git. */
export const gitConfig = (name: string, ...options: readonly string[]): string | undefined =>
  valuesOf(name, options).at(-1) || undefined;

/** The command line of git's pager: that of GIT_PAGER, core.pager or PAGER; null without git. */
export const gitPager = (): string | null => askGit(["var", "GIT_PAGER"])?.replace(/\n$/, "") ?? null;
