import { GitCryptError } from "../errors.ts";
import { encodeKeyFile, parseKeyFile } from "../format/key-file.ts";
import { keyId } from "../format/key-id.ts";
import { DEFAULT_KEY_NAME } from "../format/key-name.ts";
import type { Repository } from "../git/repository.ts";
import { KeyRing } from "./key-ring.ts";

/** A key that unlocks. */
export interface GivenKey {
  readonly name: string;
  readonly ring: KeyRing;
  readonly bytes: Buffer;
  /** Whether others were put to it. */
  readonly joined: boolean;
}

/** A key's file, as it is given. */
export function parseKey(repository: Repository, bytes: Uint8Array): GivenKey {
  const keyFile = { ...parseKeyFile(bytes), legacy: false };
  const name = keyFile.name ?? DEFAULT_KEY_NAME;
  return { name, ring: KeyRing.of(repository, keyFile), bytes: encodeKeyFile(keyFile), joined: false };
}

/** Whether two keys replaced one and the same: they come from rotations on two branches. */
export const shareAncestor = (a: KeyRing, b: KeyRing): boolean => [...a.replaced].some((id) => b.replaced.has(id));

/**
 * Puts the keys of one name together: the one that encrypts, and the others, which were made by
 * rotations on other branches and are only read with. What lies here already goes on encrypting:
 * whoever has but an old key could else bring theirs by a branch of their own.
 */
export function joinKeys(repository: Repository, keys: readonly GivenKey[]): GivenKey[] {
  const joined: GivenKey[] = [];
  for (const key of keys) {
    const at = joined.findIndex(({ name }) => name === key.name);
    const first = joined[at] ?? storedRelative(repository, key);
    if (first === null) {
      joined.push(key);
      continue;
    }
    const isSame = keyId(first.ring.current) === keyId(key.ring.current);
    if (!isSame && !shareAncestor(first.ring, key.ring)) {
      const message = `two keys named ${key.name} were given that have nothing to do with each other`;
      throw new GitCryptError("OTHER_KEY", message, { hint: "nothing was changed; unlock with one of them" });
    }
    first.ring.learn(key.ring.all);
    key.bytes.fill(0);
    joined.splice(at < 0 ? joined.length : at, 1, { ...first, joined: first.joined || !isSame });
  }
  return joined;
}

/** The key here, if it and the given one come from rotations on two branches; else null. */
function storedRelative(repository: Repository, { name, ring }: GivenKey): GivenKey | null {
  const bytes = storedKey(repository, name);
  if (bytes === null) return null;
  const stored = parseKey(repository, bytes);
  const [id, storedId] = [keyId(ring.current), keyId(stored.ring.current)];
  const isRelative =
    id !== storedId &&
    !stored.ring.replaced.has(id) &&
    !ring.replaced.has(storedId) &&
    shareAncestor(stored.ring, ring);
  if (isRelative) return stored;
  stored.ring.wipe();
  stored.bytes.fill(0);
  return null;
}

/** The key stored under that name; null if there is none that can be read. */
export function storedKey(repository: Repository, name: string): Buffer | null {
  try {
    return repository.readKey(name).bytes;
  } catch (error) {
    if (error instanceof GitCryptError && error.code !== "KEY_FILE_UNREADABLE") return null;
    throw error;
  }
}
