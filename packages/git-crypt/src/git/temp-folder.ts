import { mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { unwritableFolder } from "../errors.ts";
import { isRunning } from "./lock-files.ts";

/*
 * Where files are written before they are moved to their places: a folder in the repository's own,
 * out of git's sight, by the number of the process that uses it.
 */
const PREFIX = "unfinished.";

const stateFolder = (gitDir: string): string => join(gitDir, "git-crypt");

/**
 * Makes this process's folder, for its owner alone.
 *
 * @throws GitCryptError UNWRITABLE.
 */
export function makeTempFolder(gitDir: string): string {
  const folder = join(stateFolder(gitDir), `${PREFIX}${process.pid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unwritableFolder(error);
  }
  return folder;
}

/** Removes what this process and killed ones left. */
export function removeTempFolders(gitDir: string): void {
  const state = stateFolder(gitDir);
  try {
    for (const name of readdirSync(state)) {
      const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : Number.NaN;
      if (pid === process.pid || (pid > 0 && !isRunning(pid)))
        rmSync(join(state, name), { recursive: true, force: true });
    }
    rmdirSync(state);
  } catch {
    // It holds keys, or it never was.
  }
}
