import { closeSync, lstatSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { systemCode } from "@git-vault/core";

/** The work under a lock takes milliseconds: anyone who holds one for so long was killed. */
const STALE_MS = 10_000;
const PAUSE_MS = 10;

const pause = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);

/**
 * Reads and replaces a small file as one step, so that of two processes neither loses what the
 * other wrote. Waits for the other; a lock that a killed process left is broken after ten seconds.
 *
 * @param path of the file; its folder is made if there is none
 * @throws what `work` does; the system's error where the folder cannot be written
 */
export function withFileLock(path: string, work: () => void): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const lock = `${path}.lock`;
  while (!takes(lock)) {
    const held = lstatSync(lock, { throwIfNoEntry: false });
    if (held !== undefined && Date.now() - held.mtimeMs > STALE_MS) rmSync(lock, { force: true });
    else pause();
  }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function takes(lock: string): boolean {
  try {
    closeSync(openSync(lock, "wx", 0o600));
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}
