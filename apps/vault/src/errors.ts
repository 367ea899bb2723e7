import { VaultError } from "@git-vault/errors";

/**
 * - `USAGE`: the command line is wrong, or a question could not be asked
 * - `CLIPBOARD_UNAVAILABLE`: there is no clipboard to reach, or it refused
 * - `INPUT_UNREADABLE`, `OUTPUT_UNWRITABLE`: a file or stream that was named
 * - `BINARY_TO_TERMINAL`: binary output would have gone to a terminal or a clipboard
 * - `INTERRUPTED`: Ctrl-C at a prompt
 */
export type CliErrorCode =
  | "USAGE"
  | "CLIPBOARD_UNAVAILABLE"
  | "INPUT_UNREADABLE"
  | "OUTPUT_UNWRITABLE"
  | "BINARY_TO_TERMINAL"
  | "INTERRUPTED";

/** What the command line itself throws, beside the errors of the packages. */
export class CliError extends VaultError<CliErrorCode> {}
