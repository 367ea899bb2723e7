import { existsSync } from "node:fs";
import { GitCryptError } from "../errors.ts";
import { recordsOf, runGit, tryGit } from "./git.ts";
import { openRepository, type Repository } from "./repository.ts";

/** Another work tree of the same repository. */
export interface OtherWorktree {
  readonly path: string;
  /** Null where its folder is not there. */
  readonly repository: Repository | null;
}

interface Listed {
  readonly path: string;
  readonly bare: boolean;
  readonly kept: boolean;
}

function listWorktrees(repository: Repository): Listed[] {
  // Before git 2.36 there is no -z, and a path with a line break cannot be read.
  const modern = tryGit(repository, ["worktree", "list", "--porcelain", "-z"]);
  const lines =
    modern.status === 0
      ? recordsOf(modern.stdout).map((line) => Buffer.from(line, "latin1").toString())
      : runGit(repository, ["worktree", "list", "--porcelain"]).toString().split("\n");
  const blocks: string[][] = [];
  for (const line of lines) {
    if (line.startsWith("worktree ")) blocks.push([]);
    if (line !== "") blocks.at(-1)?.push(line);
  }
  return blocks.map((block) => ({
    path: (block[0] ?? "").slice("worktree ".length),
    bare: block.includes("bare"),
    kept: block.some((line) => /^locked\b/.test(line)),
  }));
}

/**
 * The other work trees of a repository that could hold its files: those whose folder is there, and
 * those that git was told to keep (`git worktree lock`) though their folder is not there now.
 */
export function otherWorktrees(repository: Repository): OtherWorktree[] {
  if (!existsSync(`${repository.commonDir}/worktrees`)) return [];
  const { GIT_DIR: _, GIT_WORK_TREE: __, GIT_INDEX_FILE: ___, ...env } = repository.env;
  return listWorktrees(repository).flatMap(({ path, bare, kept }): OtherWorktree[] => {
    if (bare) return [];
    if (!existsSync(path)) return kept ? [{ path, repository: null }] : [];
    try {
      const other = openRepository(path, { env });
      return other.gitDir === repository.gitDir || other.commonDir !== repository.commonDir
        ? []
        : [{ path, repository: other }];
    } catch (error) {
      if (error instanceof GitCryptError) return [{ path, repository: null }];
      throw error;
    }
  });
}
