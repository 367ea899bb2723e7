import { isVaultError, systemCode } from "@git-vault/core";
import { outcomeOf, type ExitCode } from "./error-codes.ts";
import { coloured } from "../io/colour.ts";
import { jsonLine, say } from "../io/streams.ts";

/** What is told of an error. */
export interface Report {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exit: ExitCode;
}

/**
 * What to tell of an error. One that nobody foresaw keeps its own words to itself: they may quote
 * what was being read.
 *
 * @param command the name of the command that failed, if one was recognised
 */
export function describe(error: unknown, command: string | null = null): Report {
  if (isVaultError(error)) return { code: error.code, message: error.message, ...outcomeOf(error, command) };
  const code = systemCode(error);
  if (code !== undefined && error instanceof Error && "syscall" in error) {
    return { code, message: `the system refused: ${error.message}`, hint: undefined, exit: 1 };
  }
  const name = error instanceof Error ? error.name : typeof error;
  return {
    code: "INTERNAL",
    message: `internal error (${name})`,
    hint: "this is a defect of vault; run it again with VAULT_DEBUG=1 to see where it happened",
    exit: 1,
  };
}

/**
 * Prints `error` on stderr, as text or as JSON, and gives the exit code for it.
 *
 * @param words the command line: where it was wrong, nobody knows its flags
 */
export function reportError(error: unknown, command: string | null, words: readonly string[]): ExitCode {
  const { code, message, hint, exit } = describe(error, command);
  if (code === "CLOSED_PIPE") return exit;
  if (words.some((word) => /^(?:--json|-[chjqV]*j)/.test(word))) {
    say(jsonLine({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }).trimEnd());
  } else {
    say(`vault: ${coloured("bad", "error:", 2)} ${message}`);
    if (hint !== undefined) say(`vault: ${coloured("hint", "hint:", 2)} ${hint}`);
  }
  if (process.env["VAULT_DEBUG"] === "1" && error instanceof Error) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) say(at.stack ?? at.message);
  }
  return exit;
}
