import { VaultError } from "@git-vault/errors";

/**
 * - `UNKNOWN_FORMAT`: the bytes are no sealed message of any known format
 * - `MALFORMED_MESSAGE`: the message starts like a known format and then breaks its rules
 * - `TAMPERED_MESSAGE`: a key was found and the authentication of header or payload failed
 * - `NO_IDENTITY_MATCHED`: none of the identities can open the message
 * - `NO_RECIPIENTS`: there is nobody to seal to
 * - `UNUSABLE_RECIPIENT`: the format cannot be sealed to such a recipient, or not to so many
 */
export type SealingErrorCode =
  | "UNKNOWN_FORMAT"
  | "MALFORMED_MESSAGE"
  | "TAMPERED_MESSAGE"
  | "NO_IDENTITY_MATCHED"
  | "NO_RECIPIENTS"
  | "UNUSABLE_RECIPIENT";

/** What `@git-vault/sealing` throws. */
export class SealingError extends VaultError<SealingErrorCode> {}
