/*
 * The program: argv in, exit code out. It holds what the commands on messages take, and nothing
 * heavy; what the others take, and what each does, is loaded when one runs, because start-up is
 * what a user of a small command feels.
 */
import { printable } from "@git-vault/core";
import { operandsOf, optionsOf, parseArgv, type CommandLine } from "./cli/argv.ts";
import type { CommandSpecs, Loaders } from "./cli/command.ts";
import { GLOBAL_FLAGS } from "./cli/flags.ts";
import { reportError } from "./cli/report-error.ts";
import { MESSAGE_TABLE, messageLoaders } from "./commands/message/index.ts";
import { MESSAGE_COMMANDS } from "./commands/message/specs.ts";
import { usageError } from "./errors.ts";
import { endIfIdle } from "./io/end.ts";
import { reason, takeHeld, writeStdout } from "./io/streams.ts";

/** Set by the build, from package.json. */
declare const VAULT_VERSION: string;

async function main(words: readonly string[]): Promise<void> {
  let name: string | null = null;
  try {
    const ofMessages = await readMessageLine(words);
    if (ofMessages !== null) {
      name = ofMessages.command;
      return await runCommand(MESSAGE_COMMANDS, messageLoaders, ofMessages);
    }
    const { COMMANDS, loaders, showHelp, TABLE } = await import("./commands/index.ts");
    const line = await parseArgv(words, TABLE);
    const { command, given } = line;
    const { version, help } = optionsOf(GLOBAL_FLAGS, given);
    if (version && given.has("json")) return (await import("./commands/about/version.ts")).showVersions();
    if (version) return writeStdout(`vault ${VAULT_VERSION}\n`);
    if (help || command === null) return await paged(given, () => showHelp(TABLE, line, help));
    name = command;
    await runCommand(COMMANDS, loaders, { ...line, command });
  } catch (error) {
    process.exitCode = reportError(error, name, words);
  }
}

/**
 * The words where they begin with a command on messages and run it; else null, and all commands say
 * what there is to say.
 */
async function readMessageLine(words: readonly string[]): Promise<RunLine<keyof typeof MESSAGE_COMMANDS> | null> {
  if (MESSAGE_TABLE.find(words[0] ?? "") === undefined) return null;
  try {
    const line = await parseArgv(words, MESSAGE_TABLE);
    const { version, help } = optionsOf(GLOBAL_FLAGS, line.given);
    return version || help || line.command === null ? null : { ...line, command: line.command };
  } catch {
    return null; // such as for a flag that only others have
  }
}

/** A command line that runs a command. */
type RunLine<Name extends string> = CommandLine<Name> & { readonly command: Name };

async function runCommand<Specs extends CommandSpecs, Name extends string & keyof Specs>(
  specs: Specs,
  loaders: Loaders<Specs>,
  { command, given, operands }: RunLine<Name>,
): Promise<void> {
  const { directory } = optionsOf(GLOBAL_FLAGS, given);
  if (directory !== undefined) enterFolder(directory);
  const spec: Specs[Name] = specs[command];
  const { run } = await loaders[command]();
  await paged(given, () => run(optionsOf(spec.flags, given), operandsOf(spec, operands)));
}

/** Does what writes, and then shows what was held back for a pager, also where it failed. */
async function paged(given: CommandLine["given"], action: () => void | Promise<void>): Promise<void> {
  try {
    await action();
  } finally {
    const held = takeHeld();
    const pager = !optionsOf(GLOBAL_FLAGS, given).noPager;
    if (held.length > 0) await (await import("./io/pager.ts")).showHeld(held, { pager });
  }
}

/** Goes on as if started in `folder`: what -C does. */
function enterFolder(folder: string): void {
  try {
    process.chdir(folder);
  } catch (cause) {
    throw usageError(`-C: cannot enter ${printable(folder)}: ${reason(cause)}`, undefined, cause);
  }
}

void main(process.argv.slice(2)).then(endIfIdle);
