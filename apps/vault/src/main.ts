#!/usr/bin/env node
/*
 * The entry: argv in, exit code out. It imports the command table and nothing heavy; each command is a chunk of its own, loaded
 * when it runs, because start-up is what a user of a small command feels.
 */
import { parseArgv } from "./argv.ts";
import { reportError } from "./report-error.ts";
import { endQuietlyOnBrokenPipe } from "./streams.ts";

async function main(words: readonly string[]): Promise<void> {
  const { command, flags, args } = await parseArgv(words);
  if (flags.directory !== undefined) await enter(flags.directory);
  if (flags.version) return (await import("./commands/version.ts")).run();
  if (flags.help || command === null) {
    const { showHelp } = await import("./commands/help.ts");
    return showHelp(command, flags.help === true);
  }
  return (await command.load()).run({ flags, args });
}

async function enter(folder: string): Promise<void> {
  try {
    process.chdir(folder);
  } catch (cause) {
    const { usageError } = await import("./argv.ts");
    throw Object.assign(usageError(`-C: cannot enter the folder ${JSON.stringify(folder)}`), { cause });
  }
}

endQuietlyOnBrokenPipe();
try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = reportError(error, process.argv);
}
