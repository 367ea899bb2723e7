import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encryptBlob } from "./blob.ts";
import { type FileName, fileName } from "./file-name.ts";
import { listOf, runGit } from "./git.ts";
import { type KeyFile, wipeKeyFile } from "./key-file.ts";
import { readBlobs, sizesOf } from "./objects.ts";
import { assertWorkTree, isRegular, listProtected, type ProtectedEntry } from "./protected-files.ts";
import type { Repository } from "./repository.ts";
import { makeScratch, removeScratch } from "./scratch.ts";
import { clearBlobs } from "./staged.ts";

/** Stores blobs as they are, and gives their names in the same order. */
function storeBlobs(repository: Repository, folder: string, blobs: Iterable<Buffer>): string[] {
  const paths: string[] = [];
  for (const blob of blobs) {
    const path = join(folder, String(paths.length));
    writeFileSync(path, blob);
    paths.push(path);
  }
  const input = Buffer.from(paths.map((path) => `${path}\n`).join(""));
  return runGit(repository, ["hash-object", "-w", "--no-filters", "--stdin-paths"], input)
    .toString()
    .split("\n")
    .slice(0, -1);
}

function* encrypted(
  repository: Repository,
  entries: readonly ProtectedEntry[],
  keys: ReadonlyMap<string, KeyFile>,
  order: ProtectedEntry[],
): Generator<Buffer> {
  for (const [oid, content] of readBlobs(
    repository,
    sizesOf(
      repository,
      entries.map((entry) => entry.oid),
    ),
  )) {
    for (const entry of entries) {
      const key = entry.oid === oid ? keys.get(entry.keyName) : undefined;
      if (key === undefined) continue;
      order.push(entry);
      yield encryptBlob(key, content);
    }
    content.fill(0);
  }
}

/**
 * Encrypts what the index holds unencrypted on protected paths, and gives the files. The work tree stays as it is; the next
 * commit holds the encrypted files. What was committed in clear stays readable in the history.
 *
 * @throws GitCryptError as readKey does, before anything is changed; NO_WORK_TREE, GIT_FAILED.
 */
export function fix(repository: Repository): FileName[] {
  assertWorkTree(repository);
  const regular = listProtected(repository).filter((entry) => isRegular(entry) && entry.stage === 0);
  const clear = clearBlobs(
    repository,
    regular.map(({ oid }) => oid),
  );
  const entries = regular.filter(({ oid }) => clear.has(oid));
  if (entries.length === 0) return [];
  const keys = new Map(
    [...new Set(entries.map(({ keyName }) => keyName))].map((name) => [name, repository.readKey(name).keyFile]),
  );
  const folder = makeScratch(repository.gitDir);
  try {
    const order: ProtectedEntry[] = [];
    const oids = storeBlobs(repository, folder, encrypted(repository, entries, keys, order));
    const records = order.map(({ mode, name }, at) => `${mode} ${oids[at]} 0\t${name}`);
    runGit(repository, ["update-index", "-z", "--index-info"], listOf(records));
    return order.map(({ name }) => fileName(name));
  } finally {
    removeScratch(repository.gitDir);
    for (const key of keys.values()) wipeKeyFile(key);
  }
}
