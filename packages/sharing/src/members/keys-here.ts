import {
  encodeKeyFile,
  parseKeyFile,
  readKeyRing,
  type KeyRing,
  type Repository,
  type StoredKey,
} from "@git-vault/git-crypt";
import { SharingError } from "../errors.ts";
import { someOf } from "./people.ts";

/**
 * The key of a name that is here with an id; null where it is not here.
 *
 * @returns secrets: overwrite them with zeros when done
 * @throws GitCryptError KEY_FILE_UNREADABLE, MALFORMED_KEY_FILE
 */
export function keyHere(repository: Repository, keyName: string, id: string): StoredKey | null {
  return withRing(repository, keyName, (ring) => {
    const found = ring.find(id);
    if (found === null) return null;
    const bytes = encodeKeyFile({ ...found, legacy: false });
    return { bytes, keyFile: parseKeyFile(bytes) };
  });
}

/** What `action` makes of the keys of a name that are here; null where there are none. */
function withRing<T>(repository: Repository, keyName: string, action: (ring: KeyRing) => T): T | null {
  if (!repository.keyNames().includes(keyName)) return null;
  const ring = readKeyRing(repository, keyName);
  try {
    return action(ring);
  } finally {
    ring.wipe();
  }
}

/**
 * Whether the key of a name is here that has an id.
 *
 * @throws GitCryptError KEY_FILE_UNREADABLE, MALFORMED_KEY_FILE
 */
export const isKeyHere = (repository: Repository, keyName: string, id: string): boolean =>
  withRing(repository, keyName, (ring) => ring.find(id) !== null) === true;

/**
 * As `keyHere`, of a key that must be here to go on.
 *
 * @throws SharingError KEY_NOT_HERE
 */
export function requireKey(repository: Repository, keyName: string, id: string): StoredKey {
  const key = keyHere(repository, keyName, id);
  if (key !== null) return key;
  throw keyNotHere([keyName]);
}

/** Keys of names that are needed are not in this clone. */
export const keyNotHere = (keyNames: readonly string[]): SharingError =>
  new SharingError(
    "KEY_NOT_HERE",
    keyNames.length === 1
      ? `the key ${keyNames.join("")} that this branch names is not in this clone`
      : `keys that this branch names are not in this clone: ${someOf(keyNames)}`,
    { subject: keyNames[0] },
  );
