/*
 * The program: argv in, exit code out. It holds the command table and what shows help, and nothing
 * heavy; the commands are loaded when one runs, because start-up is what a user of a small command
 * feels.
 */
import { printable } from "@git-vault/core";
import { operandsOf, optionsOf, parseArgv, type CommandLine } from "./cli/argv.ts";
import { GLOBAL_FLAGS } from "./cli/flags.ts";
import { reportError } from "./cli/report-error.ts";
import { showHelp } from "./commands/about/help.ts";
import { COMMANDS, loaders, TABLE, type CommandName } from "./commands/index.ts";
import { usageError } from "./errors.ts";
import { reason, writeStdout } from "./io/streams.ts";

/** Set by the build, from package.json. */
declare const VAULT_VERSION: string;

async function main(words: readonly string[]): Promise<void> {
  let name: CommandName | null = null;
  try {
    const line = await parseArgv(words, TABLE);
    const { version, help, directory } = optionsOf(GLOBAL_FLAGS, line.given);
    if (version && line.given.has("json")) return (await import("./commands/about/version.ts")).showVersions();
    if (version) return writeStdout(`vault ${VAULT_VERSION}\n`);
    if (help || line.command === null) return showHelp(TABLE, line, help);
    name = line.command;
    if (directory !== undefined) enterFolder(directory);
    await runCommand(name, line);
  } catch (error) {
    process.exitCode = reportError(error, name, words);
  }
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- ties what is read to the command that takes it
async function runCommand<Name extends CommandName>(name: Name, { given, operands }: CommandLine): Promise<void> {
  const command: (typeof COMMANDS)[Name] = COMMANDS[name];
  const { run } = await loaders[name]();
  await run(optionsOf(command.flags, given), operandsOf(command, operands));
}

/** Goes on as if started in `folder`: what -C does. */
function enterFolder(folder: string): void {
  try {
    process.chdir(folder);
  } catch (cause) {
    throw usageError(`-C: cannot enter ${printable(folder)}: ${reason(cause)}`, undefined, cause);
  }
}

void main(process.argv.slice(2));
