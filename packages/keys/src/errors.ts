import { VaultError } from "@git-vault/core";

/**
 * - `MALFORMED_KEY`: the text or bytes are not the key that they claim to be
 * - `UNSUPPORTED_KEY`: a key of a type, cipher or format that cannot be used here
 * - `PASSPHRASE_REQUIRED`: the private key is encrypted and no passphrase was given
 * - `WRONG_PASSPHRASE`: the private key did not decrypt under the passphrase
 * - `KEY_NOT_FOUND`: no file is at the path that was named
 * - `MALFORMED_SIGNATURE`: the text or bytes are not the SSH signature that they claim to be
 * - `BAD_SIGNATURE`: a sound SSH signature that was not made by its key over what it is said to be
 *   over
 * - `BAD_AGENT_ANSWER`: an SSH agent refused, or answered with something that is no answer
 */
export type KeyErrorCode =
  | "MALFORMED_KEY"
  | "UNSUPPORTED_KEY"
  | "PASSPHRASE_REQUIRED"
  | "WRONG_PASSPHRASE"
  | "KEY_NOT_FOUND"
  | "MALFORMED_SIGNATURE"
  | "BAD_SIGNATURE"
  | "BAD_AGENT_ANSWER";

/** What `@git-vault/keys` throws. */
export class KeyError extends VaultError<KeyErrorCode> {}
