import type { Progress } from "../checkout/rewrite-files.ts";
import { encryptBlob, isEncryptedBlob } from "../format/blob.ts";
import { type FileName, fileName } from "../format/file-name.ts";
import { oidsOf } from "../git/objects.ts";
import { clearBlobs } from "../git/plaintext.ts";
import { assertWorkTree, isRegular, listIndex, putEntries, withBlob, withKeyNames } from "../git/protected-files.ts";
import { reencrypt } from "../git/reencrypt-blobs.ts";
import type { Repository } from "../git/repository.ts";
import { readRings, type Ring } from "./rings.ts";

/** What replaces a blob: itself under the branch's key if plain or retired; else null. */
function mended({ keys, isReplaced }: Ring, blob: Buffer): Buffer | null {
  if (!isEncryptedBlob(blob)) return blob.length === 0 ? null : encryptBlob(keys.encrypting(), blob);
  const found = keys.tryOpen(blob);
  const next = found !== null && isReplaced(found.key) ? encryptBlob(keys.encrypting(), found.content) : null;
  found?.content.fill(0);
  return next;
}

/**
 * Encrypts what the index holds unencrypted, or encrypted with a key that another replaced, on
 * protected paths, and gives the files. The work tree stays as it is; the next commit holds the
 * encrypted files. What was committed otherwise stays readable in the history.
 *
 * @throws GitCryptError as readKey does; RETIRED_KEY where the key of the branch is not here,
 * NO_CURRENT_KEY where it has none, before anything is changed; NO_WORK_TREE, GIT_FAILED;
 * NO_SUCH_FILE in a partial clone.
 */
export function fix(repository: Repository, { progress }: { readonly progress?: Progress } = {}): FileName[] {
  assertWorkTree(repository);
  const index = listIndex(repository);
  const regular = withKeyNames(repository, index).filter((entry) => isRegular(entry) && entry.stage === 0);
  const clear = clearBlobs(repository, oidsOf(regular));
  const stored = repository.keyNames();
  const names = new Set(
    regular.filter(({ oid, keyName }) => clear.has(oid) || stored.includes(keyName)).map(({ keyName }) => keyName),
  );
  const rings = readRings(repository, index, names);
  try {
    const entries = regular.filter(({ oid, keyName }) => clear.has(oid) || rings.get(keyName)?.mayDiffer === true);
    let done = 0;
    const reencrypted = reencrypt(repository, entries, ({ keyName }, blob) => {
      progress?.((done += 1), entries.length);
      const ring = rings.get(keyName);
      return ring === undefined ? null : mended(ring, blob);
    });
    putEntries(
      repository,
      reencrypted.map(({ entry, oid }) => withBlob(entry, oid)),
    );
    const changed = new Set(reencrypted.map(({ entry }) => entry));
    return regular.filter((entry) => changed.has(entry)).map(({ name }) => fileName(name));
  } finally {
    for (const { keys } of rings.values()) keys.wipe();
  }
}
