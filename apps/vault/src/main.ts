#!/usr/bin/env node
/*
 * The entry: argv in, exit code out. It holds the command table and what shows help, and nothing
 * heavy; the commands are loaded when one runs, because start-up is what a user of a small command
 * feels.
 */
import { helpHint, parseArgv } from "./cli/argv.ts";
import { showHelp } from "./commands/about/help.ts";
import { commands } from "./commands/index.ts";
import { CliError } from "./cli/errors.ts";
import { reportError } from "./cli/report-error.ts";
import { writeStdout } from "./io/streams.ts";
import { enterFolder } from "./working-folder.ts";

/** Set by the build, from package.json. */
declare const VAULT_VERSION: string;

async function main(words: readonly string[]): Promise<void> {
  const { command, family, flags, args } = await parseArgv(words);
  if (flags.version) return writeStdout(`vault ${VAULT_VERSION}\n`);
  if (flags.help || command === null) return showHelp(command ?? family, flags);
  try {
    if (flags.directory !== undefined) enterFolder(flags.directory);
    await (await commands[command.name]()).run({ flags, args });
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== "USAGE" || error.hint !== undefined) throw error;
    throw new CliError(error.code, error.message, { hint: helpHint(command), cause: error });
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.exitCode = reportError(error, process.argv);
});
