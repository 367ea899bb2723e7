import { printable } from "@git-vault/core";
import type { CommandLine } from "../../cli/argv.ts";
import { SHOWN_COMMANDS, TOPICS } from "../../cli/command-table.ts";
import type { Run } from "../../cli/command.ts";
import { usageError } from "../../cli/errors.ts";
import { commandHelp, familyHelp, overview } from "../../cli/help.ts";
import { say, writeStdout } from "../../io/streams.ts";
import type { ABOUT_COMMANDS } from "./specs.ts";

/** What `--help` shows after a command or its first word, and a run without a command. */
export function showHelp({ command, family }: CommandLine, isAsked: boolean): void {
  if (!isAsked) {
    say(overview());
    process.exitCode = 2;
    return;
  }
  if (family !== null) writeStdout(`${familyHelp(family)}\n`);
  else writeStdout(`${command === null ? overview() : commandHelp(command)}\n`);
}

export const run: Run<typeof ABOUT_COMMANDS.help> = async (_, words) => {
  const name = words.join(" ");
  if (name === "") return writeStdout(`${overview()}\n`);
  const { helpOn } = await import("../../cli/topics.ts");
  // What the checks look for is told where they are: most help needs nothing of them.
  const text = helpOn(name) ?? (await import("../../cli/check-pages.ts")).helpOnChecks(name);
  if (text !== undefined) return writeStdout(`${text}\n`);
  const known = [...SHOWN_COMMANDS.map(([command]) => command), ...Object.keys(TOPICS)];
  throw usageError(`no help on ${printable(name)}`, `there is help on ${known.join(", ")}`);
};
