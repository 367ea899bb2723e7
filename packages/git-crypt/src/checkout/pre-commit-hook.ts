import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { GitCryptError } from "../errors.ts";
import { runGit, tryGit } from "../git/git.ts";
import type { Repository } from "../git/repository.ts";

/** What installing a hook did. */
export interface InstalledHook {
  /** The hook's file. */
  readonly path: string;
  /** The file of the hook that was there before and that ours runs; null where there was none. */
  readonly before: string | null;
  /** Whether it is in the work tree and not ignored, so that others may get and run it. */
  readonly shared: boolean;
}

/** What a hook runs: `sh` command lines that must fail if {@link checkStaged} finds any. */
export interface HookCommands {
  /** On this machine, by whole paths. */
  readonly own: string;
  /**
   * Its first word is the name of a program. On a machine without that one, a hook that is
   * committed says so, and lets the commit pass.
   */
  readonly shared: string;
}

const MARK = "# git-vault: no plaintext on protected paths";
const BEFORE = "pre-commit.before-git-vault";

function sharedLine(command: string): string {
  const program = command.split(" ")[0] ?? "";
  const missing = `echo "${program} is not installed: protected paths are not checked for plaintext" >&2`;
  return `if command -v ${program} >/dev/null; then ${command} || exit; else ${missing}; fi`;
}

const scriptOf = (line: string, before: string | null): string =>
  [
    "#!/bin/sh",
    MARK,
    line,
    ...(before === null
      ? []
      : [`before="$(dirname "$0")/${before}"`, 'if [ -x "$before" ]; then exec "$before" "$@"; fi']),
    "",
  ].join("\n");

const isInside = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith("..") && !isAbsolute(way));
};

/** Where git looks for this repository's hooks: `core.hooksPath` is respected. */
function hooksFolder(repository: Repository): string {
  const said = runGit(repository, ["rev-parse", "--git-path", "hooks"]).toString().replace(/\n$/, "");
  const folder = resolve(repository.topLevel ?? repository.gitDir, said);
  const own = [repository.gitDir, repository.commonDir, ...(repository.topLevel === null ? [] : [repository.topLevel])];
  if (own.some((place) => isInside(place, folder))) return folder;
  throw new GitCryptError(
    "HOOKS_ELSEWHERE",
    "git looks for hooks outside this repository, where other repositories share them",
    {
      hint: "unset core.hooksPath for this repository, or call the check from the hook that is there",
    },
  );
}

function freeName(folder: string): string {
  let name = BEFORE;
  for (let count = 2; existsSync(join(folder, name)); count++) name = `${BEFORE}-${count}`;
  return name;
}

/** Whether a folder of hooks is committed, or may be. */
function isShared(repository: Repository, folder: string): boolean {
  const { topLevel, gitDir, commonDir } = repository;
  if (topLevel === null || [gitDir, commonDir].some((place) => isInside(place, folder))) return false;
  return tryGit(repository, ["check-ignore", "--quiet", "--", join(folder, "pre-commit")]).status !== 0;
}

/**
 * The hook's file and the command line that it runs on this machine; null where none of ours is
 * installed, or one that is shared, or git looks for hooks elsewhere.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function findHook(repository: Repository): { readonly path: string; readonly command: string } | null {
  try {
    const path = join(hooksFolder(repository), "pre-commit");
    const [, mark, command = ""] = readFileSync(path, "utf8").split("\n");
    const [, own] = /^(.*) \|\| exit$/.exec(command) ?? [];
    return mark === MARK && own !== undefined ? { path, command: own } : null;
  } catch (error) {
    // What cannot be read is no hook that git could run.
    if (error instanceof GitCryptError && error.code !== "HOOKS_ELSEWHERE") throw error;
    return null;
  }
}

/** The hook that ours runs, by its script; undefined where the script is not ours. */
function beforeOf(script: string): string | null | undefined {
  if (script.split("\n")[1] !== MARK) return undefined;
  return new RegExp(`/(${BEFORE}(?:-\\d+)?)"$`, "m").exec(script)?.[1] ?? null;
}

/**
 * Installs a pre-commit hook that runs one of `commands`. It needs neither key nor filter, so that
 * it works in a locked clone, where nothing else keeps plaintext from being committed. A hook that
 * exists is kept beside it and runs after it. Installing again replaces the command.
 *
 * @throws GitCryptError HOOKS_ELSEWHERE; UNWRITABLE; GIT_FAILED.
 */
export function installHook(repository: Repository, commands: HookCommands): InstalledHook {
  const folder = hooksFolder(repository);
  const shared = isShared(repository, folder);
  const line = shared ? sharedLine(commands.shared) : `${commands.own} || exit`;
  const path = join(folder, "pre-commit");
  const unfinished = `${path}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true });
    const present = lstatSync(path, { throwIfNoEntry: false });
    const own = present?.isFile() === true ? beforeOf(readFileSync(path, "utf8")) : undefined;
    const before = own === undefined ? (present === undefined ? null : freeName(folder)) : own;
    writeFileSync(unfinished, scriptOf(line, before), { flag: "wx" });
    chmodSync(unfinished, 0o755);
    if (own === undefined && before !== null) renameSync(path, join(folder, before));
    renameSync(unfinished, path);
    return { path, before: before === null ? null : join(folder, before), shared };
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw new GitCryptError("UNWRITABLE", "the hook cannot be written", {
      hint: "check the permissions of the folder of hooks",
      cause: error,
    });
  }
}

/**
 * Removes our pre-commit hook and puts the one before it back; false where there is none of ours.
 *
 * @throws GitCryptError HOOKS_ELSEWHERE, GIT_FAILED.
 */
export function removeHook(repository: Repository): boolean {
  const folder = hooksFolder(repository);
  const path = join(folder, "pre-commit");
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const before = beforeOf(readFileSync(path, "utf8"));
  if (before === undefined) return false;
  if (before !== null && existsSync(join(folder, before))) renameSync(join(folder, before), path);
  else rmSync(path);
  return true;
}
