import { VaultError } from "@git-vault/core";

/**
 * - `MALFORMED_KEY`: the text or bytes are not the key that they claim to be
 * - `UNSUPPORTED_KEY`: a key of a type, cipher or format that cannot be used here
 * - `UNSUPPORTED_OPENPGP_KEY`: an OpenPGP private key whose secret part is missing, on a smart
 *   card, or of an unsupported kind; gpg may be able to use it
 * - `PASSPHRASE_REQUIRED`: the private key is encrypted and no passphrase was given
 * - `WRONG_PASSPHRASE`: the private key did not decrypt under the passphrase
 * - `KEY_NOT_FOUND`: there is no file at the given path
 * - `MALFORMED_SIGNATURE`: the text or bytes are not the SSH signature that they claim to be
 * - `BAD_SIGNATURE`: a well-formed SSH signature that its key did not make over this message
 * - `BAD_AGENT_ANSWER`: an SSH agent refused, or its answer is malformed
 */
export type KeyErrorCode =
  | "MALFORMED_KEY"
  | "UNSUPPORTED_KEY"
  | "UNSUPPORTED_OPENPGP_KEY"
  | "PASSPHRASE_REQUIRED"
  | "WRONG_PASSPHRASE"
  | "KEY_NOT_FOUND"
  | "MALFORMED_SIGNATURE"
  | "BAD_SIGNATURE"
  | "BAD_AGENT_ANSWER";

/** What `@git-vault/keys` throws. */
export class KeyError extends VaultError<KeyErrorCode> {}

/** The error for a damaged key, or for what claims to be a key and is none. */
export const malformed = (what: string, problem: string, hint?: string): KeyError =>
  new KeyError("MALFORMED_KEY", `malformed ${what}: ${problem}`, { hint });

/** Refuses more than `max` bytes; throws KeyError `MALFORMED_KEY`. */
export function assertSize(what: string, size: number, max: number): void {
  if (size > max) throw new KeyError("MALFORMED_KEY", `expected ${what} of at most ${max} bytes, got ${size}`);
}
