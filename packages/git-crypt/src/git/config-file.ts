import {
  type BigIntStats,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { GitCryptError, unwritableFolder } from "../errors.ts";
import { printable } from "../format/file-name.ts";
import { type GitPlace, runGit } from "./git.ts";
import { persist } from "./persist.ts";
import { isRunning } from "./lock-files.ts";

/*
 * git writes a configuration under a lock, the file with `.lock` behind its name, and where git is
 * killed the lock stays and stops everybody. So git is given a copy; the copy takes the place of
 * the configuration under a lock that is its second name. Whose lock it was, the copy tells, by the
 * number of the process in its name.
 */
const OWN = ".git-vault-";

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";

const statOf = (path: string): BigIntStats | undefined => lstatSync(path, { bigint: true, throwIfNoEntry: false });

const isSame = (a: BigIntStats | undefined, b: BigIntStats | undefined): boolean =>
  a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;

/** Removes what killed processes of ours left beside the file: their copies, and the lock. */
function removeLeftovers(path: string): void {
  const start = `${basename(path)}${OWN}`;
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(start)) continue;
    const pid = Number.parseInt(name.slice(start.length), 10);
    if (!(pid > 0) || (pid !== process.pid && isRunning(pid))) continue;
    const own = join(folder, name);
    if (isSame(statOf(own), statOf(`${path}.lock`))) rmSync(`${path}.lock`, { force: true });
    rmSync(own, { force: true });
  }
}

/** Takes git's lock, which then is the copy; false where it is held. */
function takeLock(own: string, lock: string): boolean {
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
  }
  // A file system without second names.
  try {
    copyFileSync(own, lock, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** False where somebody else holds the lock, or wrote the file meanwhile. */
function replaceConfig(place: GitPlace, path: string, changes: readonly (readonly string[])[]): boolean {
  const own = `${path}${OWN}${process.pid}`;
  const lock = `${path}.lock`;
  try {
    const before = statOf(path);
    copyFileSync(path, own);
    for (const change of changes) runGit(place, ["config", "--file", own, ...change]);
    if (!takeLock(own, lock)) return false;
    const present = statOf(path);
    const isUnchanged = isSame(before, present) && before?.mtimeNs === present?.mtimeNs;
    if (isUnchanged) renameSync(lock, path);
    else rmSync(lock);
    return isUnchanged;
  } finally {
    rmSync(own, { force: true });
  }
}

/** A repository, as far as the configuration goes that its work trees share. */
export interface ConfiguredPlace extends GitPlace {
  readonly commonDir: string;
}

/**
 * Changes the configuration that the work trees of a repository share: all of it or nothing, and a
 * process that is killed leaves no lock. Where another program is writing it, this waits for a
 * second.
 *
 * @param needed gives the arguments of `git config` for each change that is still needed; it is
 * asked again where others wrote meanwhile
 * @returns whether anything had to be changed
 * @throws GitCryptError CONFIG_LOCKED; UNWRITABLE; GIT_FAILED
 */
export function changeConfig(place: ConfiguredPlace, needed: () => readonly (readonly string[])[]): boolean {
  let path = join(place.commonDir, "config");
  let done;
  try {
    path = realpathSync(path);
    done = persist(() => {
      removeLeftovers(path);
      const changes = needed();
      return changes.length === 0 ? "nothing" : replaceConfig(place, path, changes) && "changed";
    });
  } catch (error) {
    if (error instanceof GitCryptError) throw error;
    throw unwritableFolder(codeOf(error), error);
  }
  if (done !== false) return done === "changed";
  throw new GitCryptError("CONFIG_LOCKED", "another program is writing the repository's configuration", {
    hint: `wait for it and run the command again; where none is, remove ${printable(`${path}.lock`)}`,
  });
}
