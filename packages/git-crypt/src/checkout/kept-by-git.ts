import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { startOfFile } from "../git/file-start.ts";
import type { CommonPlace } from "../git/git.ts";

/** In bytes: a message with a longer diff has its first lines here as well. */
const MOST_MESSAGE = 1024 * 1024;

/** The message of the last commit, which `git commit --verbose` leaves with the diff below it. */
function hasDiff(gitDir: string): boolean {
  const found = startOfFile(gitDir, "COMMIT_EDITMSG", MOST_MESSAGE);
  // Of what is encrypted, git tells no lines.
  return found !== null && /^diff --git [^]*^@@ /m.test(found.start.toString("latin1"));
}

/** What `rerere` recorded of conflicts: both sides of each, as they stood in the work tree. */
function hasConflicts(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const names = ["preimage", "postimage", "thisimage"];
  return readdirSync(folder).some((entry) => names.some((name) => existsSync(join(folder, entry, name))));
}

/**
 * Paths in git's own folders at which git keeps lines of files in the clear, some of which may be
 * of protected ones: nothing there says of which files all of them are.
 */
export function keptByGit({ gitDir, commonDir }: CommonPlace): string[] {
  const conflicts = join(commonDir, "rr-cache");
  return [
    ...(hasDiff(gitDir) ? [join(gitDir, "COMMIT_EDITMSG")] : []),
    ...(hasConflicts(conflicts) ? [conflicts] : []),
  ];
}
