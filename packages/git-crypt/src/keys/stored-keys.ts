import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemCode } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import { encodeKeyFile, type KeyFile, parseKeyFile } from "../format/key-file.ts";
import { isKeyId, keyId } from "../format/key-id.ts";
import { isKeyName } from "../format/key-name.ts";
import type { CommonPlace } from "../git/git.ts";
import { PRIVATE, replaceFile } from "../git/write-file.ts";

/*
 * The keys on this machine: the stored one of each name, where git-crypt keeps it, and all others
 * that were ever here, which open the files of older commits and of other branches. What a rotation
 * replaced lies in the repository, too, sealed under the newer key.
 */

const KEYS = join("git-crypt", "keys");

/** Where git-crypt keeps a key in a repository's folder. */
const keyPath = (gitDir: string, keyName: string): string => join(gitDir, KEYS, keyName);

const allRetired = ({ commonDir }: CommonPlace): string => join(commonDir, "git-vault", "retired");

const retiredFolder = (place: CommonPlace, keyName: string): string => join(allRetired(place), keyName);

/** What a folder holds, in order; nothing where it is not there, or is somebody else's. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

const retiredIds = (folder: string): string[] => namesIn(folder).filter(isKeyId);

/** Null for what is not the key of that id. */
export function parseRetired(id: string, bytes: Buffer): KeyFile | null {
  try {
    const keyFile = parseKeyFile(bytes);
    return keyId(keyFile) === id ? keyFile : null;
  } catch (error) {
    if (error instanceof GitCryptError) return null;
    throw error;
  } finally {
    bytes.fill(0);
  }
}

/** The retired keys that lie on this machine. */
export function readRetired(place: CommonPlace, keyName: string): KeyFile[] {
  const folder = retiredFolder(place, keyName);
  return retiredIds(folder).flatMap((id) => {
    try {
      return parseRetired(id, readFileSync(join(folder, id))) ?? [];
    } catch {
      return []; // It went meanwhile, or belongs to somebody else.
    }
  });
}

/** The names of retired keys on this machine, with or without a stored one. */
export const namesOfRetired = (place: CommonPlace): string[] =>
  namesIn(allRetired(place)).filter((name) => isKeyName(name) && retiredIds(retiredFolder(place, name)).length > 0);

/** Where a name's keys are on this machine, or could be: stored and retired. */
export function keyPaths(place: CommonPlace, keyName: string): string[] {
  const folder = retiredFolder(place, keyName);
  const stored = [...new Set([place.gitDir, place.commonDir])].map((gitDir) => keyPath(gitDir, keyName));
  return [...stored, ...retiredIds(folder).map((id) => join(folder, id))];
}

function store(path: string, bytes: Uint8Array, what: string, unfinished?: string): void {
  try {
    replaceFile(path, bytes, { ...PRIVATE, unfinished });
  } catch (error) {
    throw new GitCryptError("UNWRITABLE", `${what} cannot be stored in the repository`, {
      hint: "check the permissions of the repository's .git, and the space left",
      cause: error,
    });
  }
}

/**
 * The folders that are to hold a name's key: the common one, and those of `others` and of the place
 * itself where it lies there, too, as git-crypt keeps that of a linked worktree.
 */
export function keyFolders({ gitDir, commonDir }: CommonPlace, keyName: string, ...others: string[]): string[] {
  const own = [gitDir, ...others].filter((folder) => existsSync(keyPath(folder, keyName)));
  return [...new Set([commonDir, ...own])];
}

/**
 * Stores a key's file in some folders, readable by its owner alone: either the whole of it or
 * nothing.
 *
 * @throws GitCryptError UNWRITABLE.
 */
export function storeKey(gitDirs: readonly string[], keyName: string, bytes: Uint8Array): void {
  for (const gitDir of gitDirs) {
    // git-crypt takes each file in the folder for a key, so that the unfinished one lies above it.
    const unfinished = join(gitDir, dirname(KEYS), `key.${process.pid}`);
    store(keyPath(gitDir, keyName), bytes, "the key", unfinished);
  }
}

/**
 * Stores retired keys for the filter, each readable by its owner alone and whole or not at all;
 * gives the ids of those that were not here yet.
 *
 * @throws GitCryptError UNWRITABLE.
 */
export function storeRetired(place: CommonPlace, keyName: string, keys: readonly KeyFile[]): string[] {
  const folder = retiredFolder(place, keyName);
  const present = retiredIds(folder);
  const added = keys.filter((key) => !present.includes(keyId(key)));
  for (const key of added) {
    const bytes = encodeKeyFile({ ...key, legacy: false });
    try {
      store(join(folder, keyId(key)), bytes, "a retired key");
    } finally {
      bytes.fill(0);
    }
  }
  return added.map(keyId);
}

/** Removes folders, each within the next, as long as they are empty. */
function removeEmpty(...folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (systemCode(error) !== "ENOENT") return; // Others lie there.
    }
  }
}

/** Removes a key from the folders given, and the folders that it leaves empty. */
export function removeKey(gitDirs: readonly string[], keyName: string): void {
  for (const gitDir of gitDirs) {
    const path = keyPath(gitDir, keyName);
    rmSync(path, { force: true });
    removeEmpty(dirname(path), dirname(dirname(path)));
  }
}

/** Removes retired keys, all of the name by default, and folders that become empty. */
export function removeRetired(place: CommonPlace, keyName: string, ids?: readonly string[]): void {
  const folder = retiredFolder(place, keyName);
  if (ids === undefined) rmSync(folder, { recursive: true, force: true });
  for (const id of ids ?? []) rmSync(join(folder, id), { force: true });
  removeEmpty(folder, dirname(folder), dirname(dirname(folder)));
}
