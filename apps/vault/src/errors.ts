import { VaultError } from "@git-vault/core";

/**
 * - `USAGE`: the command line is wrong, or a question could not be asked
 * - `CLIPBOARD_UNAVAILABLE`: there is no clipboard to reach, or it refused
 * - `INPUT_UNREADABLE`, `OUTPUT_UNWRITABLE`: a file or stream that was named
 * - `CLOSED_PIPE`: the one who read standard output has gone; nothing is said of it
 * - `BINARY_TO_TERMINAL`: binary output would have gone to a terminal or a clipboard
 * - `NOT_A_KEY`: what was handed over as a git-crypt key is none
 * - `NO_HOME`: the user has no home folder
 * - `NOT_INSTALLED`: the program runs from a cache, where git would not find it later
 * - `LAST_COPY`: a key would be removed of which no copy is known
 * - `NO_KEY_GIVEN`: nothing was handed over to unlock with
 * - `LOG_NOT_ACCEPTED`: nobody said yet that a members log is the right one
 * - `OTHER_LOG`: a members log is another than the one that was accepted, or demanded
 * - `UNSIGNED`: a signature was wanted, and there is none
 * - `SIGNER_DENIED`, `SIGNER_UNNAMED`: a signature was wanted, and is not by whom it should be, or
 *   names nobody
 * - `SIGNER_UNCHECKED`, `SIGNER_UNREACHABLE`: a signature was wanted, and the forge that could tell
 *   was not asked, or did not answer
 * - `NOT_SIGNERS_KEY`: who sends would sign with a key that is not theirs on the forge
 * - `EDITOR_FAILED`: the editor could not be started, failed, or left nothing
 * - `NOT_CONFIRMED`: a question was answered with no
 * - `NOT_ANSWERED`: Ctrl-D at a prompt
 * - `INTERRUPTED`: Ctrl-C at a prompt or in the editor, or interrupted while that was open
 * - `TERMINATED`: a run that deploys was interrupted by SIGTERM
 */
export type CliErrorCode =
  | "USAGE"
  | "CLIPBOARD_UNAVAILABLE"
  | "INPUT_UNREADABLE"
  | "OUTPUT_UNWRITABLE"
  | "CLOSED_PIPE"
  | "BINARY_TO_TERMINAL"
  | "NOT_A_KEY"
  | "NO_HOME"
  | "NOT_INSTALLED"
  | "LAST_COPY"
  | "NO_KEY_GIVEN"
  | "LOG_NOT_ACCEPTED"
  | "OTHER_LOG"
  | "UNSIGNED"
  | "SIGNER_DENIED"
  | "SIGNER_UNNAMED"
  | "SIGNER_UNCHECKED"
  | "SIGNER_UNREACHABLE"
  | "NOT_SIGNERS_KEY"
  | "EDITOR_FAILED"
  | "NOT_CONFIRMED"
  | "NOT_ANSWERED"
  | "INTERRUPTED"
  | "TERMINATED";

/** What the command line itself throws, beside the errors of the packages. */
export class CliError extends VaultError<CliErrorCode> {}

/** Wrong use of the command line. The default hint leads to the command's own help. */
export const usageError = (message: string, hint?: string, cause?: unknown): CliError =>
  new CliError("USAGE", message, { hint, cause });

/** The hint to the help of a command, or of all. */
export const helpHint = (command: string | null): string =>
  `see \`vault ${command === null ? "" : `${command} `}--help\``;
