import { VaultError } from "@git-vault/core";

/**
 * - `NO_RECIPIENTS`: nobody was named to share with
 * - `NO_USABLE_KEY`: a recipient has no key that a message can be sealed to
 * - `INVALID_KEY_CHOICE`: the key that was chosen among a recipient's keys is not there, or is not
 *   one
 * - `KEY_FILE_UNREADABLE`: a private key file that was named cannot be read
 * - `NOT_AN_IDENTITY`: what the environment holds as a private key is none
 * - `NO_SIGNING_KEY`: no key was found to sign with, or the one that was named is not there
 * - `CANNOT_SIGN`: a message of this kind or size cannot be signed
 * - `AGENT_FAILED`: the SSH agent cannot be reached, or does not answer, or not as it should
 * - `GPG_MISSING`: an OpenPGP message is to be opened without a private key file, and gpg is not
 *   installed
 * - `GPG_FAILED`: gpg has the private key and could not use it: a wrong passphrase, no card, no
 *   agent
 * - `GRANT_UNREADABLE`: a grant in the work tree cannot be read
 * - `MALFORMED_GRANT`: a file among the grants is not one
 * - `MISMATCHED_GRANT`: a grant does not fit its place, its message, its signature, or the
 *   repository's key
 * - `RETIRED_GRANT`: a grant holds a key that a rotation replaced
 * - `HOLDER_TAKEN`: the keys of a file would be granted to under the name of another holder
 * - `GRANTS_CHANGED`: grants were changed while it was decided what to do with them
 * - `UNCONFIRMED_GRANTS`: grants that something speaks against were to be renewed, and nobody said
 *   that they are right
 * - `NO_SUCH_HOLDER`: nobody of that name holds a grant
 * - `RECIPIENT_CHANGED`: a recipient's keys are not those that were seen before
 * - `NOT_EXPECTED`: a recipient has not the key, or is not the member, that was demanded
 * - `PINS_UNREADABLE`: the file of recipients that were seen before cannot be read, or is damaged
 */
export type SharingErrorCode =
  | "NO_RECIPIENTS"
  | "NO_USABLE_KEY"
  | "INVALID_KEY_CHOICE"
  | "KEY_FILE_UNREADABLE"
  | "NOT_AN_IDENTITY"
  | "NO_SIGNING_KEY"
  | "CANNOT_SIGN"
  | "AGENT_FAILED"
  | "GPG_MISSING"
  | "GPG_FAILED"
  | "GRANT_UNREADABLE"
  | "MALFORMED_GRANT"
  | "MISMATCHED_GRANT"
  | "RETIRED_GRANT"
  | "HOLDER_TAKEN"
  | "GRANTS_CHANGED"
  | "UNCONFIRMED_GRANTS"
  | "NO_SUCH_HOLDER"
  | "RECIPIENT_CHANGED"
  | "NOT_EXPECTED"
  | "PINS_UNREADABLE";

/** What `@git-vault/sharing` throws, beside what the packages below it throw. */
export class SharingError extends VaultError<SharingErrorCode> {}
