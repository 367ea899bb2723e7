import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
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

/**
 * Whether a file lies in a work tree of a repository, by its name or by where its links lead: it
 * may be from anyone who can commit.
 */
export function liesInWorkTree(repository: Repository, file: string): boolean {
  const folders = otherWorktrees(repository).map(({ path }) => path);
  if (repository.topLevel !== null) folders.push(repository.topLevel);
  return folders.some((folder) => liesIn(resolve(folder), resolve(file)) || liesIn(realPath(folder), realPath(file)));
}

/** Whether a file of a work tree is, or lies behind, a symbolic link that leads out of it. */
export function leadsOutOfWorkTree({ topLevel }: Repository, file: string): boolean {
  if (topLevel === null) return false;
  const name = join(realPath(dirname(resolve(file))), basename(file));
  const isHere = [resolve(file), name].some(
    (path) => liesIn(resolve(topLevel), path) || liesIn(realPath(topLevel), path),
  );
  return isHere && !liesIn(realPath(topLevel), realPath(file));
}

/**
 * Whether a file lies in a clone, by its name or by where its links lead: it may be from anyone who
 * can commit there. A clone that holds the home folder is the user's own: it has the files that
 * their shell runs.
 *
 * @param repository that the caller stands in, whose work tree may be elsewhere; null for none
 */
export function isFromClone(
  file: string,
  { repository, home }: { readonly repository: Repository | null; readonly home: string },
): boolean {
  const isOwn = (folder: string): boolean => liesIn(realPath(folder), realPath(home));
  const folders = [resolve(file), realPath(file)].flatMap(foldersAbove);
  if (folders.some((folder) => existsSync(join(folder, ".git")) && !isOwn(folder))) return true;
  const topLevel = repository?.topLevel ?? null;
  return repository !== null && topLevel !== null && !isOwn(topLevel) && liesInWorkTree(repository, file);
}

function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersAbove(folder)];
}

/** Whether a path is a folder or lies in it, by their names alone. */
export function liesIn(folder: string, file: string): boolean {
  const way = relative(folder, file);
  return !isAbsolute(way) && way !== ".." && !way.startsWith(`..${sep}`);
}

/** As the system writes it, also where it takes capital letters for small ones. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path); // It is not there.
  }
}
