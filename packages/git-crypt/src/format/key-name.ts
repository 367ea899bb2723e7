import { assertString } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";

/** The name by which the key without a name goes: that of its file. */
export const DEFAULT_KEY_NAME = "default";

/** Whether `name` is 1 to 128 of `[A-Za-z0-9_-]`: only such names become part of a path. */
export const isKeyName = (name: string): boolean => /^[A-Za-z0-9_-]{1,128}$/.test(name);

/**
 * Asserts that `name` is the name of a key, the default one's included.
 *
 * @throws GitCryptError INVALID_KEY_NAME.
 */
export function assertKeyName(name: string): void {
  assertString("key name", name);
  if (isKeyName(name)) return;
  const got =
    name === "" ? "an empty one" : name.length > 128 ? `${name.length} characters` : "one with other characters";
  throw new GitCryptError("INVALID_KEY_NAME", `expected a key name of letters, digits, - and _, got ${got}`, {
    hint: "a key name has 1 to 128 characters, each an ASCII letter, a digit, - or _",
  });
}
