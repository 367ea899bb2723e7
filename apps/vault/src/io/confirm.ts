import type { DialogOptions } from "../cli/flags.ts";
import { CliError, usageError } from "../cli/errors.ts";
import { leadsTo, printableText, say } from "./streams.ts";

/** Whether somebody can be asked: they see what is asked, and nothing is piped in. */
export const canAsk = ({ noInput }: { readonly noInput: boolean }): boolean =>
  !noInput && leadsTo(0) === "terminal" && leadsTo(2) === "terminal";

/** @throws CliError `NOT_CONFIRMED` for no, `USAGE` where it cannot be asked */
export async function confirm(question: string, signal?: AbortSignal): Promise<void> {
  const { askYes } = await import("./terminal.ts");
  if (await askYes(question, "say --yes", signal)) return;
  throw new CliError("NOT_CONFIRMED", "it was not confirmed, and nothing was done");
}

/**
 * Shows what is about to be changed in a cluster, and asks whether it should be, unless --yes says
 * so.
 *
 * @param text what is to be done; lines
 * @throws CliError as `confirm` does; `USAGE` for --no-input, too
 */
export async function confirmChange(
  text: string,
  question: string,
  options: DialogOptions & { readonly yes: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { yes, quiet, json } = options;
  if (!yes || (!quiet && !json)) for (const line of printableText(text).trimEnd().split("\n")) say(line);
  await agreed(question, options, signal);
}

/**
 * Asks whether something should be done, unless --yes says so.
 *
 * @throws CliError as `confirm` does; `USAGE` for --no-input, too
 */
export async function agreed(
  question: string,
  options: DialogOptions & { readonly yes: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (options.yes) return;
  if (options.noInput) throw usageError(`${question} cannot be asked: --no-input forbids it`, "say --yes");
  await confirm(question, signal);
}
