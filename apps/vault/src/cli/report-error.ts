import { isVaultError } from "@git-vault/core";
import { styleText } from "node:util";
import { exitCodeOf, type ExitCode } from "./exit-codes.ts";
import { jsonLine, say } from "../io/streams.ts";
import { systemCode } from "../io/system-error.ts";

/** What is told of an error. */
export interface Report {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/**
 * What to tell of an error. One that nobody foresaw keeps its own words to itself: they may quote
 * what was being read.
 */
export function describe(error: unknown): Report {
  if (isVaultError(error)) return error;
  const code = systemCode(error);
  if (code !== undefined && error instanceof Error && "syscall" in error) {
    return { code, message: `the system refused: ${error.message}`, hint: undefined };
  }
  const name = error instanceof Error ? error.name : typeof error;
  return {
    code: "INTERNAL",
    message: `internal error (${name})`,
    hint: "this is a defect of vault; run it again with VAULT_DEBUG=1 to see where it happened",
  };
}

/** Prints `error` on stderr, as text or as JSON, and gives the exit code for it. */
export function reportError(error: unknown, words: readonly string[]): ExitCode {
  const { code, message, hint } = describe(error);
  if (code === "CLOSED_PIPE") return exitCodeOf(code);
  if (words.some((word) => /^(?:--json|-[chjqV]*j)/.test(word))) {
    say(jsonLine({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }).trimEnd());
  } else {
    const stream = process.stderr;
    say(`vault: ${styleText("red", "error:", { stream })} ${message}`);
    if (hint !== undefined) say(`vault: ${styleText("cyan", "hint:", { stream })} ${hint}`);
  }
  if (process.env["VAULT_DEBUG"] === "1" && error instanceof Error) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) say(at.stack ?? at.message);
  }
  return exitCodeOf(code);
}
