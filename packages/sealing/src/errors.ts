import { VaultError } from "@git-vault/core";

/**
 * - `UNKNOWN_FORMAT`: the bytes are no sealed message of any known format
 * - `MALFORMED_MESSAGE`: the message starts like a known format and then breaks its rules
 * - `TAMPERED_MESSAGE`: a key was found and the authentication of header or payload failed
 * - `NO_IDENTITY_MATCHED`: none of the identities can open the message
 * - `WRONG_PASSPHRASE`: the message is sealed to a passphrase, and another one was given
 * - `WORK_FACTOR`: a passphrase message asks for more time and memory than is allowed, or than
 *   there is
 * - `NO_RECIPIENTS`: there is nobody to seal to
 * - `UNUSABLE_RECIPIENT`: the format cannot be sealed to such a recipient, or not to so many
 * - `MIXED_RECIPIENTS`: recipients that would weaken one another: post-quantum and classical ones
 * - `BAD_SIGNATURE`: the sender's signature is not of this message, or not by its key
 * - `TOO_LARGE`: more than the format is used for here, which OpenPGP is only for what fits in
 *   memory
 * - `MALFORMED_KEY`: a text is no recipient or identity of age's
 */
export type SealingErrorCode =
  | "UNKNOWN_FORMAT"
  | "MALFORMED_MESSAGE"
  | "TAMPERED_MESSAGE"
  | "NO_IDENTITY_MATCHED"
  | "WRONG_PASSPHRASE"
  | "WORK_FACTOR"
  | "NO_RECIPIENTS"
  | "UNUSABLE_RECIPIENT"
  | "MIXED_RECIPIENTS"
  | "BAD_SIGNATURE"
  | "TOO_LARGE"
  | "MALFORMED_KEY";

/** What `@git-vault/sealing` throws. */
export class SealingError extends VaultError<SealingErrorCode> {}
