import { usageError } from "../../errors.ts";
import type { DialogOptions } from "../../cli/flags.ts";
import { confirm } from "../../io/confirm.ts";
import { say } from "../../io/streams.ts";

/**
 * Shows what is about to be changed in a cluster, and asks whether it should be, unless --yes says
 * so.
 *
 * @param lines what is to be done, printable
 * @throws CliError as `confirm` does; `USAGE` for --no-input, too
 */
export async function confirmChange(
  lines: readonly string[],
  question: string,
  options: DialogOptions & { readonly yes: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { yes, quiet, json } = options;
  if (!yes || (!quiet && !json)) for (const line of lines) say(line);
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
