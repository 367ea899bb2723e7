#!/usr/bin/env node
/*
 * The entry: argv in, exit code out. It holds the command table and what shows help, and nothing
 * heavy; the commands are loaded when one runs, because start-up is what a user of a small command
 * feels.
 */
import { parseArgv } from "./cli/argv.ts";
import { showHelp } from "./commands/about/help.ts";
import { commands } from "./commands/index.ts";
import { reportError } from "./cli/report-error.ts";
import { writeStdout } from "./io/streams.ts";
import type { CommandName } from "./cli/command-table.ts";
import { enterFolder } from "./working-folder.ts";

/** Set by the build, from package.json. */
declare const VAULT_VERSION: string;

async function main(words: readonly string[]): Promise<void> {
  let name: CommandName | null = null;
  try {
    const { command, family, flags, args } = await parseArgv(words);
    if (flags.version) return writeStdout(`vault ${VAULT_VERSION}\n`);
    if (flags.help || command === null) return showHelp(command ?? family, flags);
    ({ name } = command);
    if (flags.directory !== undefined) enterFolder(flags.directory);
    await (await commands[name]()).run({ flags, args });
  } catch (error) {
    process.exitCode = reportError(error, name, words);
  }
}

void main(process.argv.slice(2));
