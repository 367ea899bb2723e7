import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { git } from "./git.ts";

/** A line of attributes, not a comment, that gives a path to git-crypt's filter or to that of a named key. */
const FILTER_LINE = "^[^#].*filter=git-crypt";

const STATE_FOLDER = ".git-crypt";

/** A repository, as far as its traces of git-crypt go. */
export interface Traced {
  /** Where git runs: where it found the repository. */
  readonly cwd: string;
  readonly topLevel: string | null;
  readonly commonDir: string;
}

function isInPrivateAttributes(commonDir: string): boolean {
  try {
    return new RegExp(FILTER_LINE, "m").test(readFileSync(join(commonDir, "info", "attributes"), "utf8"));
  } catch {
    return false;
  }
}

/**
 * Tells whether anything in a repository speaks of git-crypt: its own configuration, the folder of its GPG grants, or the
 * attributes in HEAD, the index, the work tree and `info/attributes`. HEAD matters in a bare repository and in a clone that
 * was not checked out, the work tree before the first commit.
 */
export function hasTraces({ cwd, topLevel, commonDir }: Traced, env: NodeJS.ProcessEnv): boolean {
  const succeeds = (...args: string[]): boolean => git(cwd, env, args).status === 0;
  const attributesSay = (...where: string[]): boolean =>
    succeeds(
      "grep",
      "--no-recurse-submodules",
      "--quiet",
      "-e",
      FILTER_LINE,
      ...where,
      "--",
      ":(top,glob)**/.gitattributes",
    );
  return (
    succeeds("config", "--local", "--get-regexp", "^(filter\\.git-crypt|git-crypt\\.)") ||
    (topLevel !== null && existsSync(join(topLevel, STATE_FOLDER))) ||
    succeeds("cat-file", "-e", `HEAD:${STATE_FOLDER}`) ||
    attributesSay("HEAD") ||
    (topLevel !== null && (attributesSay("--cached") || attributesSay("--untracked"))) ||
    isInPrivateAttributes(commonDir)
  );
}
