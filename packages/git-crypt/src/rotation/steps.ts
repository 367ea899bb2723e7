import { copyFileSync, lstatSync, mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemCode } from "@git-vault/core";
import { stateFiles } from "../checkout/file-states.ts";
import { type FilterCommands, removeSettings, settingsOf, writeSettings } from "../checkout/filter-config.ts";
import { GitCryptError } from "../errors.ts";
import { locate, shown } from "../format/file-name.ts";
import { keyId } from "../format/key-id.ts";
import { noteChange } from "../answers.ts";
import { listOf, runGit } from "../git/git.ts";
import { type FreshFile, refreshIndex } from "../git/index-file.ts";
import { readBlobs, sizesOf } from "../git/objects.ts";
import { isWithin, ownFolders, VAULT_FOLDER } from "../git/own-folders.ts";
import { listIndex, type NewEntry, putEntries, withKeyNames, type WorkTreePlace } from "../git/protected-files.ts";
import type { Repository, StoredKey } from "../git/repository.ts";
import { makeTempFolder, removeTempFolders } from "../git/temp-folder.ts";
import type { Difference } from "../git/trees.ts";
import { WorkTree } from "../git/work-tree.ts";
import { otherWorktrees } from "../git/worktrees.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { keyFolders, removeKey, removeRetired, storeKey, storeRetired } from "../keys/stored-keys.ts";
import { entryFor } from "./build-commit.ts";

/*
 * The steps of a rotation, once its commit is stored. Each can be done again after it was killed,
 * and each can be done the other way round.
 */

/** A repository whose keys are rotated. */
export type RotatedPlace = Repository & WorkTreePlace;

/**
 * Makes `next` the stored key, wherever the one of that name lies, and keeps `last` as a retired
 * one. The retired one is stored first: at no time does a filter lack a key that the index needs.
 * Null stands for none.
 */
export function exchangeKeys(
  repository: RotatedPlace,
  keyName: string,
  last: StoredKey | null,
  next: StoredKey | null,
  commands: FilterCommands,
): void {
  if (last !== null) storeRetired(repository, keyName, [last.keyFile]);
  const others = otherWorktrees(repository).flatMap((other) => other.repository?.gitDir ?? []);
  const folders = keyFolders(repository, keyName, ...others);
  if (next === null) {
    removeKey(folders, keyName);
    removeSettings(repository, keyName);
    return;
  }
  storeKey(folders, keyName, next.bytes);
  removeRetired(repository, keyName, [keyId(next.keyFile)]);
  writeSettings(repository, settingsOf(keyName, commands));
}

/** Moves a branch, whose name's characters are bytes, unless it is elsewhere by now. */
export function moveBranch(repository: Repository, branch: string, from: string, to: string, reason: string): void {
  const args = ["update-ref", "-m", `rotate: ${reason}`, "--stdin", "-z"];
  runGit(repository, args, listOf([`update ${branch}`, to, from]));
}

/** Adds the files that differ if the index has their old state; else they stay staged. */
export function moveIndex(repository: Repository, changed: readonly Difference[], skipped: ReadonlySet<string>): void {
  const index = new Map(listIndex(repository).map((entry) => [entry.name, entry]));
  const entries = changed.flatMap(({ name, mode, before, after }): NewEntry[] => {
    const present = index.get(name);
    if (present !== undefined && present.stage !== 0) return [];
    // What was killed between the two halves of putEntries lacks the second.
    const isHalf = present?.oid === after && skipped.has(name) && !present?.skipped;
    if ((present?.oid ?? null) !== before && !isHalf) return [];
    return [{ ...entryFor(name, mode, before, after), skipped: skipped.has(name) }];
  });
  putEntries(repository, entries);
}

/** Makes the folders of a file, through no symbolic link. */
function makeFolders(topLevel: string, name: string): void {
  const parts = name.split("/").slice(0, -1);
  for (let count = 1; count <= parts.length; count++) {
    const folder = parts.slice(0, count).join("/");
    const found = lstatSync(locate(topLevel, folder), { throwIfNoEntry: false });
    if (found === undefined) mkdirSync(locate(topLevel, folder));
    else if (!found.isDirectory()) throw new Error(`${shown(folder)} is not a folder`);
  }
}

function removeFile(topLevel: string, name: string): void {
  noteChange();
  rmSync(locate(topLevel, name), { force: true });
  for (let folder = dirname(name); folder !== "."; folder = dirname(folder)) {
    try {
      rmdirSync(locate(topLevel, folder));
    } catch {
      return; // Others lie there.
    }
  }
}

/** Writes a file whole: half of one would be taken for somebody's change. */
function putFile(topLevel: string, tempFolder: string, name: string, content: Buffer): void {
  makeFolders(topLevel, name);
  noteChange();
  const unfinished = join(tempFolder, "file");
  writeFileSync(unfinished, content);
  try {
    renameSync(unfinished, locate(topLevel, name));
  } catch (error) {
    if (systemCode(error) !== "EXDEV") throw error;
    copyFileSync(unfinished, locate(topLevel, name)); // The work tree lies on another file system.
  }
}

/** Writes the files that are stored as they are; those that somebody changed meanwhile stay. */
export function moveFiles(repository: RotatedPlace, changed: readonly Difference[]): void {
  const { topLevel } = repository;
  const folders = ownFolders(repository);
  const files = changed.filter(({ name }) => isWithin(folders, name));
  const oids = files.flatMap(({ after }) => after ?? []);
  const blobs = new Map(readBlobs(repository, sizesOf(repository, oids)));
  const workTree = new WorkTree(topLevel, repository.gitDir);
  const tempFolder = makeTempFolder(repository.gitDir);
  try {
    for (const { name, before, after } of files) {
      const isFree = !workTree.has(name) || (before !== null && workTree.holds(name, before));
      if (!isFree) continue;
      const content = after === null ? undefined : blobs.get(after);
      try {
        if (content === undefined) removeFile(topLevel, name);
        else putFile(topLevel, tempFolder, name, content);
      } catch (error) {
        throw new GitCryptError("UNWRITABLE", `the file ${shown(name)} cannot be written`, {
          hint: `check the permissions of the folder ${VAULT_FOLDER}, and the space left`,
          cause: error,
        });
      }
    }
  } finally {
    removeTempFolders(repository.gitDir);
  }
}

/** Tells git that these files in the work tree equal the index: contents did not change. */
export function refreshFiles(
  repository: RotatedPlace,
  changed: readonly Difference[],
  keys: ReadonlyMap<string, KeyRing>,
): void {
  const names = new Set(changed.map(({ name }) => name));
  const index = listIndex(repository).filter(({ name, stage }) => stage === 0 && names.has(name));
  const workTree = new WorkTree(repository.topLevel, repository.gitDir);
  const fresh = new Map<string, FreshFile>();
  const entries = withKeyNames(repository, index).filter(({ keyName }) => keys.has(keyName));
  for (const { entry, state, found } of stateFiles(workTree, entries, keys)) {
    if (state === "open" && found !== null) fresh.set(entry.name, { oid: entry.oid, stat: found.stat });
  }
  for (const { name, oid } of index.filter(({ name: path }) => !fresh.has(path))) {
    const found = workTree.holds(name, oid) ? workTree.read(name) : null;
    if (found !== null) fresh.set(name, { oid, stat: found.stat });
  }
  refreshIndex(repository, workTree, fresh);
}
