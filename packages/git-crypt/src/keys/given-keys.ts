import { GitCryptError } from "../errors.ts";
import { encodeKeyFile, type KeyFile, parseKeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import { DEFAULT_KEY_NAME } from "../format/key-name.ts";
import { oidsOf, readBlobs, sizesOf } from "../git/objects.ts";
import { isRegular, listProtected } from "../git/protected-files.ts";
import type { Generations, Repository, StoredKey } from "../git/repository.ts";
import { KeyRing, retiredKey } from "./key-ring.ts";

/** The keys of a name that unlock. */
export interface GivenKey {
  readonly name: string;
  /** With the key that is to be stored; the others are only read with. */
  readonly ring: KeyRing;
  /** The file of the key that is to be stored. */
  readonly bytes: Buffer;
  /** Whether a log of members names it, so that no file has to tell whose it is. */
  readonly isNamed: boolean;
  /** How the key that was stored stands to it; one that is `kept` is read with. */
  readonly before: "none" | "same" | "kept" | "other";
}

type KeyFiles = [KeyFile, ...KeyFile[]];

/**
 * Chooses, for each name, the key that is to be stored: that of the branch which is checked out,
 * among those that are given and those that are here. Without a log of members it is the one that
 * is given.
 *
 * @throws GitCryptError MALFORMED_KEY_FILE; WRONG_KEY for a key that the log does not name; without
 * a log, OTHER_KEY for several of a name; RETIRED_KEY where the key of the branch is not here, and
 * no other opens a file of it, or the given one was replaced by the stored one.
 */
export function chooseKeys(repository: Repository, keyFiles: readonly Uint8Array[]): GivenKey[] {
  const given = new Map<string, KeyFiles>();
  for (const bytes of keyFiles) {
    const keyFile = { ...parseKeyFile(bytes), legacy: false };
    const name = keyFile.name ?? DEFAULT_KEY_NAME;
    const same = given.get(name);
    if (same === undefined) given.set(name, [keyFile]);
    else if (!same.some((key) => keyId(key) === keyId(keyFile))) same.push(keyFile);
  }
  return [...given].map(([name, keys]) => choose(repository, name, keys));
}

function choose(repository: Repository, name: string, given: KeyFiles): GivenKey {
  const before = storedKey(repository, name)?.keyFile ?? null;
  const generations = repository.generations(name);
  const ring =
    generations === null
      ? onlyKey(repository, name, given, before)
      : namedKeys(repository, name, given, before, generations);
  return {
    name,
    ring,
    bytes: encodeKeyFile({ ...ring.stored, legacy: false }),
    isNamed: generations !== null,
    before: before === null ? "none" : standingOf(keyId(before), ring),
  };
}

function standingOf(before: string, ring: KeyRing): GivenKey["before"] {
  if (before === keyId(ring.stored)) return "same";
  return ring.find(before) === null ? "other" : "kept";
}

function onlyKey(repository: Repository, name: string, given: KeyFiles, before: KeyFile | null): KeyRing {
  const [key, ...others] = given;
  if (others.length > 0) {
    const message = `two keys named ${name} were given, and no members log says which one is right`;
    throw new GitCryptError("OTHER_KEY", message, { hint: "nothing was changed; unlock with one of them" });
  }
  const ring = new KeyRing(repository, name, key);
  const isReplaced =
    before !== null &&
    ring.find(keyId(before)) === null &&
    new KeyRing(repository, name, before).find(keyId(key)) !== null;
  if (isReplaced) throw retiredKey(name);
  return ring;
}

function namedKeys(
  repository: Repository,
  name: string,
  given: KeyFiles,
  before: KeyFile | null,
  { current, known }: Generations,
): KeyRing {
  if (given.some((key) => !known.has(keyId(key)))) {
    throw new GitCryptError("WRONG_KEY", "the members log does not name this key", {
      subject: name,
      hint: "nothing was changed; ask for the key that the members have",
    });
  }
  const [first] = given;
  const ring = new KeyRing(repository, name, first);
  ring.learn(before === null ? given : [...given, before]);
  const beforeId = before === null ? null : keyId(before);
  const toRead = given.find((key) => keyId(key) === beforeId) ?? first;
  const stored = current === null ? toRead : ring.find(current);
  if (stored !== null) return ring.storing(stored);
  // Nobody may have the key that the log names: what others open can be read all the same.
  if (!opensAny(repository, ring)) throw retiredKey(name);
  return ring.storing(toRead);
}

/** Whether keys open any file as it is now; what they opened once shows nothing. */
function opensAny(repository: Repository, ring: KeyRing): boolean {
  const own = listProtected(repository).filter((entry) => entry.keyName === ring.name && isRegular(entry));
  for (const [, blob] of readBlobs(repository, sizesOf(repository, oidsOf(own))))
    if (ring.keyOf(blob) !== null) return true;
  return false;
}

/** The key that is stored under a name; null if there is none that can be read. */
export function storedKey(repository: Repository, name: string): StoredKey | null {
  // Else git would be asked why there is none.
  if (!repository.keyNames().includes(name)) return null;
  try {
    return repository.readKey(name);
  } catch (error) {
    if (error instanceof GitCryptError && error.code !== "KEY_FILE_UNREADABLE") return null;
    throw error;
  }
}
