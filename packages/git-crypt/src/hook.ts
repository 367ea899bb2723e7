import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { GitCryptError } from "./errors.ts";
import { runGit } from "./git.ts";
import type { Repository } from "./repository.ts";

/** What installing a hook did. */
export interface InstalledHook {
  /** The hook's file. */
  readonly path: string;
  /** The file of the hook that was there before and that ours runs; null where there was none. */
  readonly before: string | null;
}

const MARK = "# git-vault: no plaintext on protected paths";
const BEFORE = "pre-commit.before-git-vault";

const scriptOf = (command: string, before: string | null): string =>
  [
    "#!/bin/sh",
    MARK,
    `${command} || exit`,
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

/**
 * The hook's file and the command line that it runs; null where none of ours is installed, or git looks for hooks elsewhere.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function findHook(repository: Repository): { readonly path: string; readonly command: string } | null {
  try {
    const path = join(hooksFolder(repository), "pre-commit");
    const [, mark, command = ""] = readFileSync(path, "utf8").split("\n");
    return mark === MARK ? { path, command: command.replace(/ \|\| exit$/, "") } : null;
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
 * Installs a pre-commit hook that runs `command`, a command line for `sh` that must fail where {@link checkStaged} finds
 * something. It needs neither key nor filter, so that it works in a locked clone, where nothing else keeps plaintext from being
 * committed. A hook that exists is kept beside it and runs after it. Installing again replaces the command.
 *
 * @throws GitCryptError HOOKS_ELSEWHERE; UNWRITABLE; GIT_FAILED.
 */
export function installHook(repository: Repository, command: string): InstalledHook {
  const folder = hooksFolder(repository);
  const path = join(folder, "pre-commit");
  const unfinished = `${path}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true });
    const present = lstatSync(path, { throwIfNoEntry: false });
    const own = present?.isFile() === true ? beforeOf(readFileSync(path, "utf8")) : undefined;
    const before = own === undefined ? (present === undefined ? null : freeName(folder)) : own;
    writeFileSync(unfinished, scriptOf(command, before), { flag: "wx" });
    chmodSync(unfinished, 0o755);
    if (own === undefined && before !== null) renameSync(path, join(folder, before));
    renameSync(unfinished, path);
    return { path, before: before === null ? null : join(folder, before) };
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
