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
 * - `MALFORMED_ROOT`: what is demanded as the root of a members log is none
 * - `MEMORY_DAMAGED`: what the clone remembers of the members log cannot be read
 * - `MEMORY_FULL`: a file of what is remembered is, or would be, over 64 MiB
 * - `HISTORY_NEEDED`: the log's history is not all here, and which of two entries came first, or
 *   whether somebody was removed, depends on it
 * - `HISTORY_TOO_LARGE`: what was committed where the log lies is more than is read
 * - `DISPUTED`: members removed each other, and nothing proves who was first
 * - `LOG_EXISTS`: the members log was to be started, and there is one
 * - `LOG_GONE`: the branch has no members log, and the clone knows one
 * - `LOG_CHANGED`: the members log was changed while it was decided what to do
 * - `NOT_ADMIN`: who signs is no member, or may only open keys
 * - `NOT_ALLOWED`: an entry would not count, by the log's own rules
 * - `LAST_ADMIN`: nobody would be left who may change the log
 * - `NO_SUCH_MEMBER`: nobody in the log is called so
 * - `AMBIGUOUS_MEMBER`: a name may mean several members, or another than who is called so
 * - `NO_SUCH_KEY_NAME`: the log names no key of that name
 * - `NAME_TAKEN`: another member is called so already
 * - `TOO_MANY_KEYS`: somebody has more keys than the log takes of one person
 * - `REMOVED_BEFORE`: somebody was removed who is to be let in
 * - `KEYS_TAKEN`: all keys of somebody were taken out by themselves, and none of them was named
 * - `STALE_KEY`: a key must be replaced before anybody is let in to it
 * - `KEY_NOT_HERE`: the key that the branch names is not in this clone
 * - `UNCONFIRMED_MEMBERS`: something is worth a look about members who would have a new key, and
 *   nobody said that they are right
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
  | "MALFORMED_ROOT"
  | "MEMORY_DAMAGED"
  | "MEMORY_FULL"
  | "HISTORY_NEEDED"
  | "HISTORY_TOO_LARGE"
  | "DISPUTED"
  | "LOG_EXISTS"
  | "LOG_GONE"
  | "LOG_CHANGED"
  | "NOT_ADMIN"
  | "NOT_ALLOWED"
  | "LAST_ADMIN"
  | "NO_SUCH_MEMBER"
  | "AMBIGUOUS_MEMBER"
  | "NO_SUCH_KEY_NAME"
  | "NAME_TAKEN"
  | "TOO_MANY_KEYS"
  | "REMOVED_BEFORE"
  | "KEYS_TAKEN"
  | "STALE_KEY"
  | "KEY_NOT_HERE"
  | "UNCONFIRMED_MEMBERS"
  | "RECIPIENT_CHANGED"
  | "NOT_EXPECTED"
  | "PINS_UNREADABLE";

/** What `@git-vault/sharing` throws, beside what the packages below it throw. */
export class SharingError extends VaultError<SharingErrorCode> {}
