import { SealingError } from "./errors.ts";

/**
 * The error for a message that breaks its format's rules; `what` is the rest of the sentence
 * "malformed message: …".
 */
export function malformed(what: string): SealingError {
  return new SealingError("MALFORMED_MESSAGE", `malformed message: ${what}`, {
    hint: "part of the message may have been lost or changed on the way; ask for it again, or have it sent as a file",
  });
}

/**
 * The error for a message whose authentication failed under the right key; `what` says which part.
 */
export function tampered(what: string): SealingError {
  return new SealingError("TAMPERED_MESSAGE", `the message was altered after it was sealed: ${what}`, {
    hint: "do not use it; ask for it to be sealed and sent again",
  });
}
