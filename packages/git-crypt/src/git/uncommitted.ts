import { recordsOf, runGit } from "./git.ts";
import type { Repository } from "./repository.ts";

/**
 * The files at or below some paths that the index or the work tree holds otherwise than HEAD does:
 * changed, removed, or new and not ignored. A bare repository has none. Paths go from the top
 * folder, with `/` between their parts.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function uncommittedFiles(repository: Repository, paths: readonly string[]): string[] {
  if (repository.topLevel === null || paths.length === 0) return [];
  const args = ["--literal-pathspecs", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"];
  const listed = recordsOf(runGit(repository, [...args, "--ignore-submodules=all", "--", ...paths]));
  // Two letters and a blank, and then the path.
  return listed.map((record) => Buffer.from(record.slice(3), "latin1").toString());
}
