import { attributedKeyNames } from "../git/attributed-keys.ts";
import type { Repository } from "../git/repository.ts";
import { type FilterCommands, writeGuards } from "./filter-config.ts";
import { watchAttributes } from "./watched-attributes.ts";

/**
 * Sets a filter for each key that protects paths, and is not here: without one, git stores whatever
 * is put there in the clear. As long as the key is not here it lets pass what is encrypted, empty,
 * or in the index already, and refuses anything else; once it is, it encrypts. Unlocking puts the
 * key's own settings in its place. Attributes that name another key later bring its guard along.
 *
 * @param more names of keys that protect paths elsewhere, such as on another branch
 * @param excepted names of keys that are about to come
 * @returns the names of the keys that are guarded, sorted
 * @throws GitCryptError CONFIG_LOCKED, UNWRITABLE, GIT_FAILED
 */
export function guardKeys(
  repository: Repository,
  commands: FilterCommands,
  more: readonly string[] = [],
  excepted: readonly string[] = [],
): readonly string[] {
  const here = repository.keyNames();
  const others = new Set([...here, ...excepted]);
  const names = [...new Set([...attributedKeyNames(repository), ...more])].filter((name) => !others.has(name));
  if (names.length > 0) writeGuards(repository, names, commands);
  if (names.length + here.length > 0) watchAttributes(repository, commands);
  return names.toSorted();
}
