import type { CommandSpec, Flags, FlagSpec } from "./command.ts";
import { flagsOf, type CommandTable, type NamedCommand } from "./command-table.ts";
import { DIALOG_FLAGS, GLOBAL_FLAGS } from "./flags.ts";

/** The chapters of `vault help`, beside the commands. */
export const TOPICS = {
  recipients: "how a recipient is named",
  "exit-codes": "what the exit codes mean",
  environment: "the environment variables that are honoured",
  json: "what --json prints",
  checks: "what `vault deploy check` looks for; `vault help` and the id of one, such as tls, tells of it",
} as const;

/** The width that paragraphs are wrapped to. */
const WIDTH = 100;

/** `-k, --key KEY`, as help and the man page show a flag. */
export function flagSyntax(name: string, { short, value, optional }: FlagSpec): string {
  const syntax = `${short === undefined ? "    " : `-${short}, `}--${name}`;
  return value === undefined ? `${syntax}${optional === undefined ? "" : `[=${optional}]`}` : `${syntax} ${value}`;
}

/** Two columns. */
export function columns(rows: readonly (readonly [string, string])[], indent = "  "): string {
  const width = Math.min(Math.max(...rows.map(([left]) => left.length)), 40);
  const gap = `\n${" ".repeat(width + indent.length + 2)}`;
  return rows
    .map(([left, right]) => `${indent}${left.padEnd(width)}  ${wrap(right, WIDTH + 1 - gap.length).join(gap)}`)
    .join("\n");
}

/** Lines of words, as long as `width` allows. */
const wrap = (text: string, width: number): string[] =>
  text.match(new RegExp(`\\S.{0,${width - 1}}(?= |$)|\\S+`, "g")) ?? [];

/** Text that is wrapped. */
export const paragraph = (text: string): string => wrap(text, WIDTH).join("\n");

const flagTable = (title: string, flags: Flags): string =>
  `${title}\n${columns(Object.entries(flags).map(([name, spec]) => [flagSyntax(name, spec), spec.summary]))}`;

const commandTable = (commands: readonly NamedCommand[]): string =>
  columns(commands.map(([name, { usage, summary }]) => [`${name} ${usage}`, summary]));

/** What `vault --help` shows. */
export function overview({ shown }: CommandTable): string {
  const groups = [...new Set(shown.map(([, { group }]) => group))];
  return [
    "vault: hand a repository's secrets to the right people\n\nusage: vault COMMAND [FLAGS] [OPERANDS]",
    ...groups.map((group) => `${group}\n${commandTable(shown.filter(([, command]) => command.group === group))}`),
    flagTable("flags of most commands", DIALOG_FLAGS),
    flagTable("flags of every command", GLOBAL_FLAGS),
    `topics\n${columns(Object.entries(TOPICS).map(([name, summary]) => [`help ${name}`, summary]))}`,
    "`vault help COMMAND` tells more. `git vault` is the same program.",
  ].join("\n\n");
}

/** What `vault deploy --help` shows: the commands that begin with that word. */
export function familyHelp({ commands }: CommandTable, family: string): string {
  const members = commands.filter(([name]) => name.startsWith(`${family} `));
  return `usage: vault ${family} COMMAND [FLAGS] [OPERANDS]\n\n${commandTable(members)}\n\n\`vault help ${family} COMMAND\` tells more.`;
}

/** What `vault COMMAND --help` shows. */
export function commandHelp(name: string, command: CommandSpec): string {
  const { alias, usage, summary, description = [], examples } = command;
  return [
    `usage: vault ${name} [FLAGS] ${usage}`.trimEnd() + (alias === undefined ? "" : ` (also \`vault ${alias}\`)`),
    paragraph(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`),
    ...description.map(paragraph),
    flagTable("flags", flagsOf(command)),
    ...(examples === undefined ? [] : [`examples\n${examples.map((line) => `  ${line}`).join("\n")}`]),
  ].join("\n\n");
}
