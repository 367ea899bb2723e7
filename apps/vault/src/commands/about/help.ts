import { printable } from "@git-vault/core";
import type { CommandLine } from "../../cli/argv.ts";
import type { CommandTable } from "../../cli/command-table.ts";
import type { Run } from "../../cli/command.ts";
import { usageError } from "../../errors.ts";
import { commandHelp, familyHelp, overview, TOPICS, widthFor } from "../../cli/help.ts";
import { leadsTo, say, writeLong } from "../../io/streams.ts";
import type { ABOUT_COMMANDS } from "./specs.ts";

/** How wide help is on a stream. */
const widthOf = (fd: 1 | 2): number =>
  widthFor(leadsTo(fd) === "terminal" ? (fd === 1 ? process.stdout : process.stderr).columns : undefined);

/** What `--help` shows after a command or its first word, and a run without a command. */
export function showHelp(table: CommandTable, { command, family }: CommandLine, isAsked: boolean): void {
  if (!isAsked) {
    say(overview(table, widthOf(2)));
    process.exitCode = 2;
    return;
  }
  const spec = command === null ? undefined : table.specs[command];
  const width = widthOf(1);
  if (family !== null) writeLong(`${familyHelp(table, family, width)}\n`);
  else if (command === null || spec === undefined) writeLong(`${overview(table, width)}\n`);
  else writeLong(`${commandHelp(command, spec, width)}\n`);
}

/** `vault help`, of these commands. */
export const helpOf =
  (table: CommandTable): Run<typeof ABOUT_COMMANDS.help> =>
  async (_, words) => {
    const name = words.join(" ");
    const width = widthOf(1);
    if (name === "") return writeLong(`${overview(table, width)}\n`);
    const { helpOn } = await import("../../cli/topics.ts");
    // What the checks look for is told where they are: most help needs nothing of them.
    const text = helpOn(table, name, width) ?? (await import("../../cli/check-pages.ts")).helpOnChecks(name, width);
    if (text !== undefined) return writeLong(`${text}\n`);
    const known = [...table.shown.map(([command]) => command), ...Object.keys(TOPICS)];
    throw usageError(`no help on ${printable(name)}`, `there is help on ${known.join(", ")}`);
  };
