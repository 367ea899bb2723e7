import { existsSync } from "node:fs";
import { GitCryptError } from "../errors.ts";
import { runGit, tryGit } from "./git.ts";
import { openRepository, type Repository } from "./repository.ts";

/** Another work tree of the same repository. */
export interface OtherWorktree {
  readonly path: string;
  /** Null where its folder is not there. */
  readonly repository: Repository | null;
}

interface Listed {
  readonly path: string;
  readonly isBare: boolean;
  readonly isKept: boolean;
}

function listWorktrees(repository: Repository): Listed[] {
  // Before git 2.36 there is no -z, and a path with a line break cannot be read.
  const { status, stdout } = tryGit(repository, ["worktree", "list", "--porcelain", "-z"]);
  const text = status === 0 ? stdout : runGit(repository, ["worktree", "list", "--porcelain"]);
  const end = status === 0 ? "\0" : "\n";
  const blocks = text.toString().split(`${end}${end}`).filter(Boolean);
  return blocks.map((block) => {
    const [first = "", ...lines] = block.split(end);
    return {
      path: first.slice("worktree ".length),
      isBare: lines.includes("bare"),
      isKept: lines.some((line) => /^locked\b/.test(line)),
    };
  });
}

/**
 * The other work trees of a repository that could hold its files: those whose folder is there, and
 * those that git was told to keep (`git worktree lock`) though their folder is not there now.
 */
export function otherWorktrees(repository: Repository): OtherWorktree[] {
  if (!existsSync(`${repository.commonDir}/worktrees`)) return [];
  const { GIT_DIR: _, GIT_WORK_TREE: __, GIT_INDEX_FILE: ___, ...env } = repository.env;
  return listWorktrees(repository).flatMap(({ path, isBare, isKept }): OtherWorktree[] => {
    if (isBare) return [];
    if (!existsSync(path)) return isKept ? [{ path, repository: null }] : [];
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
