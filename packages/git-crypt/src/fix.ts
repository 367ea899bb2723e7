import { encryptBlob, isEncryptedBlob } from "./blob.ts";
import { type FileName, fileName } from "./file-name.ts";
import { listOf, runGit } from "./git.ts";
import { type KeyRing, readKeyRing } from "./key-ring.ts";
import { assertWorkTree, isRegular, listProtected } from "./protected-files.ts";
import { recode } from "./recode.ts";
import type { Repository } from "./repository.ts";
import { clearBlobs } from "./staged.ts";

/** What takes a blob's place: itself under the current key where it is in clear, or under a retired key; else null. */
function mended(keys: KeyRing, blob: Buffer): Buffer | null {
  if (!isEncryptedBlob(blob)) return blob.length === 0 ? null : encryptBlob(keys.current, blob);
  const key = keys.keyOf(blob);
  if (key === null || key === keys.current) return null;
  const content = keys.open(blob);
  try {
    return encryptBlob(keys.current, content);
  } finally {
    content.fill(0);
  }
}

/**
 * Encrypts what the index holds unencrypted, or encrypted with a retired key, on protected paths, and gives the files. The work
 * tree stays as it is; the next commit holds the encrypted files. What was committed otherwise stays readable in the history.
 *
 * @throws GitCryptError as readKey does, before anything is changed; NO_WORK_TREE, GIT_FAILED; NO_SUCH_FILE in a partial clone.
 */
export function fix(repository: Repository): FileName[] {
  assertWorkTree(repository);
  const regular = listProtected(repository).filter((entry) => isRegular(entry) && entry.stage === 0);
  const clear = clearBlobs(
    repository,
    regular.map(({ oid }) => oid),
  );
  const stored = repository.keyNames();
  const names = new Set(
    regular.filter(({ oid, keyName }) => clear.has(oid) || stored.includes(keyName)).map(({ keyName }) => keyName),
  );
  const rings = new Map([...names].map((name) => [name, readKeyRing(repository, name)]));
  try {
    const entries = regular.filter(
      ({ oid, keyName }) => clear.has(oid) || (rings.get(keyName)?.retired.length ?? 0) > 0,
    );
    const recoded = recode(repository, entries, ({ keyName }, blob) => {
      const keys = rings.get(keyName);
      return keys === undefined ? null : mended(keys, blob);
    });
    const records = recoded.map(({ entry, oid }) => `${entry.mode} ${oid} 0\t${entry.name}`);
    if (records.length > 0) runGit(repository, ["update-index", "-z", "--index-info"], listOf(records));
    const changed = new Set(recoded.map(({ entry }) => entry));
    return regular.filter((entry) => changed.has(entry)).map(({ name }) => fileName(name));
  } finally {
    for (const keys of rings.values()) keys.wipe();
  }
}
