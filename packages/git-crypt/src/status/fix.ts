import { encryptBlob, isEncryptedBlob } from "../format/blob.ts";
import { type FileName, fileName } from "../format/file-name.ts";
import type { KeyFile } from "../format/key-file.ts";
import { oidsOf } from "../git/objects.ts";
import { clearBlobs } from "../git/plaintext.ts";
import { assertWorkTree, isRegular, listIndex, putEntries, withBlob, withKeyNames } from "../git/protected-files.ts";
import { reencrypt } from "../git/reencrypt-blobs.ts";
import type { Repository } from "../git/repository.ts";
import { retirementsIn, retires } from "../keys/committed-retired-keys.ts";
import { type KeyRing, readKeyRing, retiredKey } from "../keys/key-ring.ts";

/** What replaces a blob: itself under the current key if plain or retired; else null. */
function mended(keys: KeyRing, wasRetired: (key: KeyFile) => boolean, blob: Buffer): Buffer | null {
  if (!isEncryptedBlob(blob)) return blob.length === 0 ? null : encryptBlob(keys.current, blob);
  const found = keys.tryOpen(blob);
  const isRetired = found !== null && found.key !== keys.current && wasRetired(found.key);
  const next = isRetired ? encryptBlob(keys.current, found.content) : null;
  found?.content.fill(0);
  return next;
}

/**
 * Encrypts what the index holds unencrypted, or encrypted with a key that was retired before, on
 * protected paths, and gives the files. The work tree stays as it is; the next commit holds the
 * encrypted files. What was committed otherwise stays readable in the history.
 *
 * @throws GitCryptError as readKey does, and RETIRED_KEY where a rotation replaced the key that is
 * here, before anything is changed; NO_WORK_TREE, GIT_FAILED; NO_SUCH_FILE in a partial clone.
 */
export function fix(repository: Repository): FileName[] {
  assertWorkTree(repository);
  const index = listIndex(repository);
  const regular = withKeyNames(repository, index).filter((entry) => isRegular(entry) && entry.stage === 0);
  const clear = clearBlobs(repository, oidsOf(regular));
  const stored = repository.keyNames();
  const names = new Set(
    regular.filter(({ oid, keyName }) => clear.has(oid) || stored.includes(keyName)).map(({ keyName }) => keyName),
  );
  const rings = new Map([...names].map((name) => [name, readKeyRing(repository, name)]));
  try {
    const entries = regular.filter(
      ({ oid, keyName }) => clear.has(oid) || (rings.get(keyName)?.retired.length ?? 0) > 0,
    );
    const wasRetired = (name: string, key: KeyFile): boolean => retires(retirementsIn(index, name), key);
    for (const [name, { current }] of rings) if (wasRetired(name, current)) throw retiredKey(name);
    const reencrypted = reencrypt(repository, entries, ({ keyName }, blob) => {
      const keys = rings.get(keyName);
      return keys === undefined ? null : mended(keys, (key) => wasRetired(keyName, key), blob);
    });
    putEntries(
      repository,
      reencrypted.map(({ entry, oid }) => withBlob(entry, oid)),
    );
    const changed = new Set(reencrypted.map(({ entry }) => entry));
    return regular.filter((entry) => changed.has(entry)).map(({ name }) => fileName(name));
  } finally {
    for (const keys of rings.values()) keys.wipe();
  }
}
