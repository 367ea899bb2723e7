import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync, rmdirSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { GitCryptError } from "../errors.ts";

const FOLDER = join("git-crypt", "keys");

/** Where git-crypt keeps a key in a repository's folder. */
export const keyPath = (gitDir: string, keyName: string): string => join(gitDir, FOLDER, keyName);

/**
 * Stores a key's file, readable by its owner alone: either the whole of it or nothing.
 *
 * @throws GitCryptError UNWRITABLE.
 */
export function storeKey(gitDir: string, keyName: string, bytes: Uint8Array): void {
  const path = keyPath(gitDir, keyName);
  // git-crypt takes each file in the folder for a key, so that the unfinished one lies above it.
  const unfinished = join(dirname(dirname(path)), `key.${process.pid}`);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(unfinished, { force: true });
    const file = openSync(unfinished, "wx", 0o600);
    try {
      writeSync(file, bytes);
    } finally {
      closeSync(file);
    }
    chmodSync(unfinished, 0o600);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw new GitCryptError("UNWRITABLE", "the key cannot be stored in the repository", {
      hint: "check the permissions of the repository's .git",
      cause: error,
    });
  }
}

/** Removes a key from the folders given, and the folders that it leaves empty. */
export function removeKey(gitDirs: readonly string[], keyName: string): void {
  for (const gitDir of new Set(gitDirs)) {
    const path = keyPath(gitDir, keyName);
    rmSync(path, { force: true });
    for (const folder of [dirname(path), dirname(dirname(path))]) {
      try {
        rmdirSync(folder);
      } catch {
        break; // Other keys lie there, or it never was.
      }
    }
  }
}
