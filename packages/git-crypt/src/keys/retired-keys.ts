import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GitCryptError } from "../errors.ts";
import type { GitPlace } from "../git/git.ts";
import { encodeKeyFile, type KeyFile, parseKeyFile } from "../format/key-file.ts";
import { isKeyName } from "../format/key-name.ts";
import { keyPath } from "./key-store.ts";
import { isKeyId, keyId } from "../format/key-id.ts";

/*
 * A retired key is one that a rotation replaced: it opens the files of older commits and encrypts
 * no more. It lies in the repository, sealed under the current key, and on the machines that are
 * unlocked, where the filter finds it.
 */

/** A repository, as far as its retired keys go. */
export interface RetiredPlace extends GitPlace {
  readonly commonDir: string;
}

const allFolders = ({ commonDir }: RetiredPlace): string => join(commonDir, "git-vault", "retired");

const localFolder = (place: RetiredPlace, keyName: string): string => join(allFolders(place), keyName);

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isKeyId).toSorted();
  } catch {
    return [];
  }
}

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
export function readRetired(place: RetiredPlace, keyName: string): KeyFile[] {
  const folder = localFolder(place, keyName);
  return namesIn(folder).flatMap((id) => {
    try {
      return parseRetired(id, readFileSync(join(folder, id))) ?? [];
    } catch {
      return []; // It went meanwhile, or belongs to somebody else.
    }
  });
}

/**
 * The names of keys of which retired ones lie on this machine, whether or not the current one does.
 */
export function namesOfRetired(place: RetiredPlace): string[] {
  try {
    return readdirSync(allFolders(place)).filter(
      (name) => isKeyName(name) && namesIn(localFolder(place, name)).length > 0,
    );
  } catch {
    return []; // There are none.
  }
}

/**
 * Where the keys of a name lie on this machine, or could: the current one, and the retired ones.
 */
export function keyPaths(place: RetiredPlace, keyName: string): string[] {
  const folder = localFolder(place, keyName);
  const current = [...new Set([place.gitDir, place.commonDir])].map((gitDir) => keyPath(gitDir, keyName));
  return [...current, ...namesIn(folder).map((id) => join(folder, id))];
}

/**
 * Stores retired keys for the filter, each readable by its owner alone and whole or not at all;
 * gives the ids of those that were not here yet.
 *
 * @throws GitCryptError UNWRITABLE.
 */
export function storeRetired(place: RetiredPlace, keyName: string, keys: readonly KeyFile[]): string[] {
  if (keys.length === 0) return [];
  const folder = localFolder(place, keyName);
  const present = namesIn(folder);
  return keys.flatMap((key) => {
    const id = keyId(key);
    if (present.includes(id)) return [];
    const bytes = encodeKeyFile({ ...key, legacy: false });
    const unfinished = join(folder, `${id}.${process.pid}`);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(unfinished, bytes, { mode: 0o600 });
      chmodSync(unfinished, 0o600);
      renameSync(unfinished, join(folder, id));
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw new GitCryptError("UNWRITABLE", "a retired key cannot be stored in the repository", {
        hint: "check the permissions of the repository's .git",
        cause: error,
      });
    } finally {
      bytes.fill(0);
    }
    return [id];
  });
}

/**
 * Removes retired keys from this machine, all of the name where no ids are given, and the folders
 * that are empty then.
 */
export function removeRetired(place: RetiredPlace, keyName: string, ids?: readonly string[]): void {
  const folder = localFolder(place, keyName);
  if (ids === undefined) rmSync(folder, { recursive: true, force: true });
  for (const id of ids ?? []) rmSync(join(folder, id), { force: true });
  for (const empty of [folder, dirname(folder), dirname(dirname(folder))]) {
    try {
      rmdirSync(empty);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) break;
    }
  }
}
