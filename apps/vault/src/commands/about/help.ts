import { printable } from "@git-vault/core";
import type { CommandLine } from "../../cli/argv.ts";
import type { CommandTable } from "../../cli/command-table.ts";
import type { Run } from "../../cli/command.ts";
import { usageError } from "../../errors.ts";
import { commandHelp, familyHelp, overview, TOPICS } from "../../cli/help.ts";
import { say, writeStdout } from "../../io/streams.ts";
import type { ABOUT_COMMANDS } from "./specs.ts";

/** What `--help` shows after a command or its first word, and a run without a command. */
export function showHelp(table: CommandTable, { command, family }: CommandLine, isAsked: boolean): void {
  if (!isAsked) {
    say(overview(table));
    process.exitCode = 2;
    return;
  }
  const spec = command === null ? undefined : table.specs[command];
  if (family !== null) writeStdout(`${familyHelp(table, family)}\n`);
  else writeStdout(`${command === null || spec === undefined ? overview(table) : commandHelp(command, spec)}\n`);
}

/** `vault help`, of these commands. */
export const helpOf =
  (table: CommandTable): Run<typeof ABOUT_COMMANDS.help> =>
  async (_, words) => {
    const name = words.join(" ");
    if (name === "") return writeStdout(`${overview(table)}\n`);
    const { helpOn } = await import("../../cli/topics.ts");
    // What the checks look for is told where they are: most help needs nothing of them.
    const text = helpOn(table, name) ?? (await import("../../cli/check-pages.ts")).helpOnChecks(name);
    if (text !== undefined) return writeStdout(`${text}\n`);
    const known = [...table.shown.map(([command]) => command), ...Object.keys(TOPICS)];
    throw usageError(`no help on ${printable(name)}`, `there is help on ${known.join(", ")}`);
  };
