import { CliError } from "../errors.ts";
import { commandHelp, helpOn, overview } from "../help.ts";
import { printable, say, writeStdout } from "../streams.ts";
import { COMMANDS, TOPICS, type CommandSpec, type FlagValues, type Invocation } from "../table.ts";

/** What `--help` shows, and what a run without a command does. */
export function showHelp(command: CommandSpec | null, { help, json }: FlagValues): void {
  if (help) return writeStdout(`${command === null ? overview() : commandHelp(command)}\n`);
  if (json) throw new CliError("USAGE", "expected a command", { hint: "see `vault --help`" });
  say(overview());
  process.exitCode = 2;
}

export async function run({ args }: Invocation): Promise<void> {
  const [name] = args;
  if (name === undefined) return writeStdout(`${overview()}\n`);
  const text = helpOn(name);
  if (text === undefined) {
    const known = [...COMMANDS.flatMap((command) => (command.group ? command.name : [])), ...Object.keys(TOPICS)];
    throw new CliError("USAGE", `no help on ${printable(name)}`, { hint: `there is help on ${known.join(", ")}` });
  }
  writeStdout(`${text}\n`);
}
