import { VaultError } from "@git-vault/core";
import { MAX_STANZAS } from "./limits.ts";

/**
 * - `UNKNOWN_FORMAT`: the bytes are no sealed message of any known format
 * - `MALFORMED_MESSAGE`: the message begins like a known format and then breaks its rules
 * - `UNPROTECTED_MESSAGE`: an OpenPGP message without integrity protection
 * - `TAMPERED_MESSAGE`: the authentication of header or payload failed under the right key
 * - `NO_IDENTITY_MATCHED`: none of the identities can open the message
 * - `WRONG_PASSPHRASE`: the message is sealed to another passphrase
 * - `WORK_FACTOR`: a passphrase message asks for more time and memory than is allowed or available
 * - `NO_RECIPIENTS`: there is nobody to seal to
 * - `UNUSABLE_RECIPIENT`: the format cannot be sealed to such a recipient, or not to so many
 * - `REFUSED_RECIPIENT`: openpgp.js refuses a key, such as one that expired since it was read
 * - `MIXED_RECIPIENTS`: post-quantum and classical recipients, of which one kind weakens the other
 * - `SEPARATE_RECIPIENTS`: a plugin's recipient that does not allow others in the same message
 * - `BAD_SIGNATURE`: the sender's signature is not of this message, or not by its key
 * - `TOO_LARGE`: a message over a limit: of an OpenPGP one's size, which must fit in memory, or of
 *   the number of recipients
 * - `MALFORMED_KEY`: a text is no age recipient or identity
 * - `PLUGIN_MISSING`: the program of an age plugin is not installed
 * - `PLUGIN_FAILED`: an age plugin could not do it, or does not speak the protocol
 */
export type SealingErrorCode =
  | "UNKNOWN_FORMAT"
  | "MALFORMED_MESSAGE"
  | "UNPROTECTED_MESSAGE"
  | "TAMPERED_MESSAGE"
  | "NO_IDENTITY_MATCHED"
  | "WRONG_PASSPHRASE"
  | "WORK_FACTOR"
  | "NO_RECIPIENTS"
  | "UNUSABLE_RECIPIENT"
  | "REFUSED_RECIPIENT"
  | "MIXED_RECIPIENTS"
  | "SEPARATE_RECIPIENTS"
  | "BAD_SIGNATURE"
  | "TOO_LARGE"
  | "MALFORMED_KEY"
  | "PLUGIN_MISSING"
  | "PLUGIN_FAILED";

/** What `@git-vault/sealing` throws. */
export class SealingError extends VaultError<SealingErrorCode> {}

/** The error for a message that breaks its format's rules: "malformed message: …". */
export const malformed = (what: string): SealingError =>
  new SealingError("MALFORMED_MESSAGE", `malformed message: ${what}`, {
    hint: "part of the message may have been lost or changed on the way; ask the sender for it again, or for a file",
  });

/** A failed authentication under the right key; `what` says which part. */
export const tampered = (what: string): SealingError =>
  new SealingError("TAMPERED_MESSAGE", `the message was altered after it was sealed: ${what}`, {
    hint: "do not use it; ask the sender to seal and send it again",
  });

/** The error for a message that would cost too much to try. */
export const tooManyRecipients = (): SealingError =>
  new SealingError("TOO_LARGE", `expected a message to at most ${MAX_STANZAS} recipients, got one with more`, {
    hint: "ask the sender to seal it to fewer recipients",
  });

/** The error for more recipients than a message can have. */
export const tooManyToSeal = (count: number): SealingError =>
  unusable(
    `expected at most ${MAX_STANZAS} recipients for one message, got ${count}`,
    "seal to fewer of them at a time",
  );

/** The error for a recipient that cannot be sealed to. */
export const unusable = (message: string, hint: string): SealingError =>
  new SealingError("UNUSABLE_RECIPIENT", message, { hint });

/** The error for a public key that is a point of low order, with which no secret can be shared. */
export const lowOrder = (message = "the recipient's Ed25519 key is a point of low order"): SealingError =>
  unusable(message, "such a key protects nothing; ask for another one");

/** The error for an age plugin that fails; `what` is fit for a terminal. */
export const pluginFailed = (name: string, what: string, { cause }: { readonly cause?: unknown } = {}): SealingError =>
  new SealingError("PLUGIN_FAILED", `age-plugin-${name}: ${what}`, { subject: name, cause });
