import { CliError } from "../../cli/errors.ts";
import { commandHelp, familyHelp, helpOn, overview } from "../../cli/help.ts";
import { printable, say, writeStdout } from "../../io/streams.ts";
import { COMMANDS, TOPICS, type CommandSpec, type FlagValues, type Invocation } from "../../cli/command-table.ts";

/**
 * What `--help` shows, after a command or the first word of some, and what a run without a command
 * does.
 */
export function showHelp(command: CommandSpec | string | null, { help, json }: FlagValues): void {
  if (help) return writeStdout(`${textOn(command)}\n`);
  if (json) throw new CliError("USAGE", "expected a command", { hint: "see `vault --help`" });
  say(overview());
  process.exitCode = 2;
}

function textOn(command: CommandSpec | string | null): string {
  if (command === null) return overview();
  return typeof command === "string" ? familyHelp(command) : commandHelp(command);
}

export async function run({ args }: Invocation): Promise<void> {
  const name = args.join(" ");
  if (name === "") return writeStdout(`${overview()}\n`);
  // What the checks look for is told where they are: most help needs nothing of them.
  const text = helpOn(name) ?? (await import("../../cli/check-pages.ts")).helpOnChecks(name);
  if (text === undefined) {
    const known = [...COMMANDS.flatMap((command) => (command.group ? command.name : [])), ...Object.keys(TOPICS)];
    throw new CliError("USAGE", `no help on ${printable(name)}`, { hint: `there is help on ${known.join(", ")}` });
  }
  writeStdout(`${text}\n`);
}
