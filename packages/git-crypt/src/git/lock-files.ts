import {
  type BigIntStats,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { printable, systemCode } from "@git-vault/core";
import { GitCryptError, unwritableFolder } from "../errors.ts";
import { noteChange } from "../answers.ts";

/*
 * git writes its index and its configuration under a lock, the file with `.lock` behind its name;
 * where git is killed the lock stays and stops everybody. So a new file gets a name of ours first,
 * and takes the place of git's under a lock that is its second name. Whose lock it was, its first
 * name tells, which ends with the number of the process.
 */
const OWN = ".git-vault-";

/** How often, and every how many milliseconds, a held lock is tried: for a second. */
const ATTEMPTS = 20;
const PAUSE_MS = 50;

/** Tries until `action` gives something else than false; the last time counts. */
export function retry<T>(action: () => T): T {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    const result = action();
    if (result !== false) return result;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    noteChange(); // Who held the lock wrote something.
  }
  return action();
}

/**
 * Whether a process of that number runs, no matter who owns it. One that was killed runs no more,
 * even while its number is kept because nobody asked how it ended, as in many containers.
 */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) !== "EPERM") return false;
  }
  return process.platform !== "linux" || !isDead(pid);
}

/** By proc(5): the state follows the name, which is in brackets and may hold any character. */
function isDead(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return /^[ZXx]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false; // It is not known.
  }
}

/** What the system says of a file, precisely; undefined where there is none. */
export const statOf = (path: string | Buffer): BigIntStats | undefined =>
  lstatSync(path, { bigint: true, throwIfNoEntry: false });

const isOneFile = (a: BigIntStats | undefined, b: BigIntStats | undefined): boolean =>
  a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;

/** Whether a file is still the one that it was, and was not written since. */
export const isUnchanged = (before: BigIntStats | undefined, now: BigIntStats | undefined): boolean =>
  isOneFile(before, now) &&
  before?.size === now?.size &&
  before?.mtimeNs === now?.mtimeNs &&
  before?.mode === now?.mode;

/** Removes what killed processes of ours left beside a file of git's: the new one, and the lock. */
export function removeStaleLocks(path: string): void {
  const start = `${basename(path)}${OWN}`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(start)) continue;
    const pid = Number.parseInt(name.slice(start.length), 10);
    if (!(pid > 0) || (pid !== process.pid && isRunning(pid))) continue;
    const own = join(dirname(path), name);
    if (isOneFile(statOf(own), statOf(`${path}.lock`))) rmSync(`${path}.lock`, { force: true });
    rmSync(own, { force: true });
  }
}

/** Takes git's lock, which then is the file of ours; false where it is held. */
function takeLock(own: string, lock: string): boolean {
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
  }
  // A file system without second names.
  try {
    copyFileSync(own, lock, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Replaces a file of git's under git's lock; gives false where somebody else holds that, or wrote
 * the file since it was `before`: undefined for none.
 *
 * @param write writes the new file, to the path that it gets
 * @throws GitCryptError UNWRITABLE; what `write` throws
 */
export function replaceLocked(path: string, before: BigIntStats | undefined, write: (own: string) => void): boolean {
  const own = `${path}${OWN}${process.pid}`;
  const lock = `${path}.lock`;
  try {
    write(own);
    if (!takeLock(own, lock)) return false;
    const now = statOf(path);
    const isSame = before === undefined ? now === undefined : isUnchanged(before, now);
    if (isSame) renameSync(lock, path);
    else rmSync(lock);
    return isSame;
  } catch (error) {
    throw error instanceof GitCryptError ? error : unwritableFolder(error);
  } finally {
    noteChange();
    rmSync(own, { force: true });
  }
}

/** The error of a lock of git's that somebody else holds. */
export const lockHeld = (code: "INDEX_LOCKED" | "CONFIG_LOCKED", message: string, path: string): GitCryptError =>
  new GitCryptError(code, message, {
    hint: `wait for it to end, then run the command again; if no such command is running, remove ${printable(`${path}.lock`)}`,
  });
