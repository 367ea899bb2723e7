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

/** How wide help is where no terminal says it, in columns. */
export const WIDTH = 80;
/** Longer lines are hard to read, however wide the terminal is. */
const MOST_WIDTH = 120;
const LEAST_WIDTH = 40;

/** How wide help is on a terminal of so many columns. */
export const widthFor = (terminal: number | undefined): number =>
  Math.min(Math.max(terminal ?? WIDTH, LEAST_WIDTH), MOST_WIDTH);

/** `-k, --key KEY`, as help and the man page show a flag. */
export function flagSyntax(name: string, { short, value, optional }: FlagSpec): string {
  const syntax = `${short === undefined ? "    " : `-${short}, `}--${name}`;
  return value === undefined ? `${syntax}${optional === undefined ? "" : `[=${optional}]`}` : `${syntax} ${value}`;
}

/** Two columns. What is too long for the left one has a line of its own. */
export function columns(rows: readonly (readonly [string, string])[], width: number = WIDTH): string {
  const most = Math.floor(width * 0.4);
  const left = Math.max(...rows.map(([{ length }]) => (length > most ? 0 : length)), 0);
  const gap = `\n${" ".repeat(left + 4)}`;
  return rows
    .map(([name, text]) => {
      const head = name.length > left ? `  ${name}${gap}` : `  ${name.padEnd(left)}  `;
      return head + wrap(text, width + 1 - gap.length).join(gap);
    })
    .join("\n");
}

/** Lines of words, as long as `width` allows. */
const wrap = (text: string, width: number): string[] =>
  text.match(new RegExp(`\\S.{0,${width - 1}}(?= |$)|\\S+`, "g")) ?? [];

/** Text that is wrapped. */
export const paragraph = (text: string, width: number = WIDTH): string => wrap(text, width).join("\n");

const flagTable = (title: string, flags: Flags, width: number): string =>
  `${title}\n${columns(
    Object.entries(flags).map(([name, spec]) => [flagSyntax(name, spec), spec.summary]),
    width,
  )}`;

const commandTable = (commands: readonly NamedCommand[], width: number): string =>
  columns(
    commands.map(([name, { usage, summary }]) => [`${name} ${usage}`.trimEnd(), summary]),
    width,
  );

/** What `vault --help` shows. */
export function overview({ shown }: CommandTable, width: number = WIDTH): string {
  const groups = [...new Set(shown.map(([, { group }]) => group))];
  return [
    "vault: hand a repository's secrets to the right people\n\nusage: vault COMMAND [FLAGS] [OPERANDS]",
    ...groups.map(
      (group) =>
        `${group}\n${commandTable(
          shown.filter(([, command]) => command.group === group),
          width,
        )}`,
    ),
    flagTable("flags of most commands", DIALOG_FLAGS, width),
    flagTable("flags of every command", GLOBAL_FLAGS, width),
    `topics\n${columns(
      Object.entries(TOPICS).map(([name, summary]) => [`help ${name}`, summary]),
      width,
    )}`,
    paragraph("`vault help COMMAND` tells more. `git vault` is the same program.", width),
  ].join("\n\n");
}

/** What `vault deploy --help` shows: the commands that begin with that word. */
export function familyHelp({ commands }: CommandTable, family: string, width: number = WIDTH): string {
  const members = commands.filter(([name]) => name.startsWith(`${family} `));
  return `usage: vault ${family} COMMAND [FLAGS] [OPERANDS]\n\n${commandTable(members, width)}\n\n\`vault help ${family} COMMAND\` tells more.`;
}

/** What `vault COMMAND --help` shows. */
export function commandHelp(name: string, command: CommandSpec, width: number = WIDTH): string {
  const { alias, usage, summary, description = [], examples } = command;
  return [
    `usage: vault ${name} [FLAGS] ${usage}`.trimEnd() + (alias === undefined ? "" : ` (also \`vault ${alias}\`)`),
    paragraph(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`, width),
    ...description.map((text) => paragraph(text, width)),
    flagTable("flags", flagsOf(command), width),
    ...(examples === undefined ? [] : [`examples\n${examples.map((line) => `  ${line}`).join("\n")}`]),
  ].join("\n\n");
}
