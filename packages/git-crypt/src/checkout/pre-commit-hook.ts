import { chmodSync, constants, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GitCryptError } from "../errors.ts";
import { noteChange } from "../answers.ts";
import { changeConfig } from "../git/config-file.ts";
import { localSetting, tryGit, typedSetting } from "../git/git.ts";
import type { Repository } from "../git/repository.ts";
import { findProgram } from "../programs.ts";
import { liesIn } from "../git/worktrees.ts";
import { callingFile, callsCheck, hookOfHusky, managerOf, type HookManager } from "./hook-managers.ts";
import { testedHook } from "./hook-test.ts";
import { hooksFolder, readScript } from "./hooks-folder.ts";
import { checkOf, withCheck, withoutCheck } from "./hook-script.ts";

/** What installing a hook did. */
export interface InstalledHook {
  /** The file that has the check: the hook, or what the hook runs. */
  readonly path: string;
  /** Whether that is in the work tree and not ignored, so that others may get and run it. */
  readonly shared: boolean;
  /** Whether it was left as it is, since it calls the check by itself. */
  readonly found: boolean;
  /** Whether the file does something else as well, as before. */
  readonly joined: boolean;
  /** The program that wrote the hook, and may write it again without the check; null for none. */
  readonly manager: HookManager | null;
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

/** Says that this clone wants the check: anyone who writes hooks may take it away unseen. */
const WANTED = "git-vault.hook";

function sharedCheck(command: string): string {
  const program = command.split(" ")[0] ?? "";
  const missing = `echo "${program} is not installed: protected paths are not checked for plaintext" >&2`;
  return `if command -v ${program} >/dev/null; then ${command}; else ${missing}; fi`;
}

function assertOwn(repository: Repository, folder: string): void {
  const own = [repository.gitDir, repository.commonDir, ...(repository.topLevel === null ? [] : [repository.topLevel])];
  if (own.some((place) => liesIn(place, folder))) return;
  throw new GitCryptError(
    "HOOKS_ELSEWHERE",
    "git looks for hooks outside this repository, where other repositories share them",
  );
}

/** Whether a file is committed, or may be. */
function isShared(repository: Repository, path: string): boolean {
  const { topLevel, gitDir, commonDir } = repository;
  if (topLevel === null || [gitDir, commonDir].some((place) => liesIn(place, path))) return false;
  if (!liesIn(topLevel, path)) return false;
  return tryGit(repository, ["check-ignore", "--quiet", "--", path]).status !== 0;
}

/** A place from which git has the check run. */
interface FoundHook {
  readonly path: string;
  /** The command line that was written there for this machine; null for any other. */
  readonly command: string | null;
}

function foundIn(path: string, script: string | null): FoundHook | null {
  if (script === null) return null;
  const check = checkOf(script);
  if (check !== null) return { path, command: check.startsWith("if ") ? null : check };
  return callsCheck(script) ? { path, command: null } : null;
}

/**
 * Where git has the check run before a commit: a hook of ours, one of somebody else's that calls
 * it, or the configuration of what wrote the hook. Null where it is not run.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function findHook(repository: Repository): FoundHook | null {
  const folder = hooksFolder(repository);
  const path = join(folder, "pre-commit");
  const script = readScript(path, constants.X_OK);
  if (script === null) return null;
  const found = foundIn(path, script);
  if (found !== null) return found;
  const husky = hookOfHusky(folder);
  if (husky !== null) return foundIn(husky, readScript(husky));
  const manager = managerOf(script);
  const caller = manager === null ? null : callingFile(repository.topLevel, manager);
  return caller === null ? null : { path: caller, command: null };
}

/** A hook that runs the check by the name of a program, which is not there. */
export interface LackingHook {
  readonly path: string;
  readonly program: string;
}

/**
 * The hook in the work tree that runs a program by its name, where no such program is on the PATH:
 * it lets commits pass unchecked. Null for any other.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function lackingProgram(repository: Repository): LackingHook | null {
  const hook = findHook(repository);
  const check = hook === null ? null : checkOf(readScript(hook.path) ?? "");
  const program = /^if command -v (\S+) /.exec(check ?? "")?.[1];
  if (hook === null || program === undefined || findProgram(program, repository.env) !== null) return null;
  return { path: hook.path, program };
}

/** Whether this clone wants the check. */
export const isHookWanted = (repository: Repository): boolean => typedSetting(repository, WANTED, "bool") === "true";

/**
 * The hook that should run the check and does not; null where it does, or would but for its program
 * ({@link lackingProgram}), or where nobody asked for it in this clone. Where it was not run to see
 * that, its text decides.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function missingHook(repository: Repository): string | null {
  if (!isHookWanted(repository) || (testedHook(repository) ?? findHook(repository) !== null)) return null;
  if (lackingProgram(repository) !== null) return null;
  const folder = hooksFolder(repository);
  return hookOfHusky(folder) ?? join(folder, "pre-commit");
}

/** Notes in the clone's configuration whether the check is wanted. */
function setWanted(repository: Repository, isWanted: boolean): void {
  changeConfig(repository, () => {
    const value = localSetting(repository, WANTED);
    if (isWanted) return value === "true" ? [] : [["--replace-all", WANTED, "true"]];
    return value === undefined ? [] : [["--unset-all", WANTED]];
  });
}

/** Writes a hook whole, or not at all, with the mode that it had. */
function writeScript(path: string, script: string): void {
  const present = lstatSync(path, { throwIfNoEntry: false });
  const unfinished = `${path}.${process.pid}`;
  noteChange();
  try {
    writeFileSync(unfinished, script, { flag: "wx", encoding: "latin1" });
    chmodSync(unfinished, present === undefined ? 0o755 : present.mode & 0o7777);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

const foreign = (problem: string): GitCryptError =>
  new GitCryptError("FOREIGN_HOOK", `the check cannot be written into the pre-commit hook: it is ${problem}`);

/** The script to write the check into; null where there is none yet. */
function readForeign(path: string, isRunByGit: boolean): string | null {
  const present = lstatSync(path, { throwIfNoEntry: false });
  if (present === undefined) return null;
  if (!present.isFile()) throw foreign("a link, or not a regular file");
  // To make it executable would begin to run what somebody switched off.
  if (isRunByGit && readScript(path, constants.X_OK) === null) throw foreign("not executable, so git does not run it");
  return readFileSync(path, "latin1");
}

/**
 * Has git run one of `commands` before each commit, and notes that this is wanted. The check needs
 * neither key nor filter, so that it works in a locked clone, where nothing else keeps plaintext
 * from being committed.
 *
 * It is a few lines in the hook that is there, which keeps its name and does what it did. Where
 * husky runs a file of the work tree, they go there. What already calls the check is left as it is.
 * Installing again replaces the command.
 *
 * @throws GitCryptError HOOKS_ELSEWHERE; FOREIGN_HOOK; UNWRITABLE; CONFIG_LOCKED; GIT_FAILED.
 */
export function installHook(repository: Repository, commands: HookCommands): InstalledHook {
  const folder = hooksFolder(repository);
  const husky = hookOfHusky(folder);
  const path = husky ?? join(folder, "pre-commit");
  const present = findHook(repository);
  const isOurs = present === null || checkOf(readScript(present.path) ?? "") !== null;
  if (!isOurs) {
    setWanted(repository, true);
    return { path: present.path, shared: isShared(repository, present.path), found: true, joined: true, manager: null };
  }
  assertOwn(repository, folder);
  const shared = isShared(repository, path);
  const before = readForeign(path, husky === null);
  const script = withCheck(before, shared ? sharedCheck(commands.shared) : commands.own);
  if (script === null) throw foreign("neither a shell script nor one of Ruby");
  try {
    mkdirSync(folder, { recursive: true });
    writeScript(path, script);
  } catch (error) {
    throw unwritableHook(error);
  }
  setWanted(repository, true);
  const manager = husky === null && before !== null ? managerOf(before) : null;
  return { path, shared, found: false, joined: before !== null && withoutCheck(before) !== null, manager };
}

/**
 * Has the hook of this machine run `commands` where it runs others, such as those of a program that
 * was moved since. Any other hook is left as it is.
 *
 * @returns the file that was changed; null for none
 * @throws as {@link installHook} does
 */
export function renewHook(repository: Repository, commands: HookCommands): string | null {
  const present = findHook(repository);
  if (present === null || present.command === null || present.command === commands.own) return null;
  return installHook(repository, commands).path;
}

const unwritableHook = (cause: unknown): GitCryptError =>
  new GitCryptError("UNWRITABLE", "the hook cannot be written", {
    hint: "check the permissions of the hooks folder",
    cause,
  });

/**
 * Takes the check out of the hooks that it was written into, which are then as they were, byte for
 * byte, and notes that it is not wanted any more.
 *
 * @returns the files that were changed, or removed where they were made for it alone
 * @throws GitCryptError UNWRITABLE, CONFIG_LOCKED, GIT_FAILED.
 */
export function removeHook(repository: Repository): string[] {
  const folder = hooksFolder(repository);
  // It stays in git's own folder where core.hooksPath led elsewhere later.
  const places = [hookOfHusky(folder) ?? join(folder, "pre-commit"), join(repository.commonDir, "hooks", "pre-commit")];
  const ours = [...new Set(places)].filter((path) => {
    const isFile = lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
    return isFile && checkOf(readFileSync(path, "latin1")) !== null;
  });
  try {
    for (const path of ours) {
      const before = withoutCheck(readFileSync(path, "latin1"));
      noteChange();
      if (before === null) rmSync(path);
      else writeScript(path, before);
    }
  } catch (error) {
    throw unwritableHook(error);
  }
  setWanted(repository, false);
  return ours;
}
