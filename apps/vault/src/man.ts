/* Run by the build: the man pages vault(1), git-vault(1) and one per command, from the commands. */
import type { CommandSpec, Flags } from "./cli/command.ts";
import { EXIT_CODES } from "./cli/error-codes.ts";
import { GLOBAL_FLAGS } from "./cli/flags.ts";
import { flagSyntax, TOPICS } from "./cli/help.ts";
import { helpOn } from "./cli/topics.ts";
import { TABLE } from "./commands/index.ts";

/** What roff would interpret, or print as a look-alike that no shell accepts. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  '"': "\\(dq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  "…": "...", // there is none in ASCII, which man prints in the C locale
};

/** Text made safe for roff. */
const roff = (text: string): string =>
  text
    .replaceAll(/[\\\-'"`^~…]/g, (character) => ESCAPES[character] ?? character)
    .replaceAll(/^\./gm, "\\&.")
    .replaceAll(
      /\P{ASCII}/gu,
      (character) => `\\[u${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`,
    );

const flagItems = (flags: Flags): readonly string[] =>
  Object.entries(flags).map(([name, spec]) => `.TP\n.B ${roff(flagSyntax(name, spec).trim())}\n${roff(spec.summary)}`);

/** What follows the heading of a command. */
const bodyOf = ({ description = [], examples, flags }: CommandSpec, extra: Flags): string[] => [
  ...description.map((text) => `.PP\n${roff(text)}`),
  ...flagItems({ ...flags, ...extra }),
  ...(examples === undefined ? [] : [`.PP\n.nf\n${roff(examples.map((line) => `    ${line}`).join("\n"))}\n.fi`]),
];

const EXIT_STATUS = `.SH EXIT STATUS\n${Object.entries(EXIT_CODES)
  .map(([code, meaning]) => `.TP\n.B ${code}\n${roff(meaning)}`)
  .join("\n")}`;

/** Of all commands. */
function mainPage(version: string): string {
  const commands = TABLE.shown.map(([name, command]) => {
    const title = `${[name, command.alias].filter(Boolean).join(", ")} ${command.usage}`.trimEnd();
    return [`.SS ${roff(title)}`, roff(`${command.summary}.`), ...bodyOf(command, {})].join("\n");
  });
  const topics = Object.keys(TOPICS)
    .filter((name) => name !== "exit-codes" && name !== "checks")
    .map((name) => `.SH ${roff(name.toUpperCase())}\n.nf\n${roff(helpOn(TABLE, name) ?? "")}\n.fi`);
  return [
    `.TH VAULT 1 "" "git-vault ${version}"`,
    ".SH NAME\nvault \\- hand a repository's secrets to the right people",
    ".SH SYNOPSIS\n.B vault\n.I COMMAND\n[FLAGS] [OPERANDS]",
    `.SH COMMANDS\n${commands.join("\n")}`,
    `.SH FLAGS OF EVERY COMMAND\n${flagItems(GLOBAL_FLAGS).join("\n")}`,
    EXIT_STATUS,
    ...topics,
    "",
  ].join("\n");
}

/** Of one command. */
function commandPage(name: string, command: CommandSpec, version: string): string {
  const title = `vault-${name.replaceAll(" ", "-")}`;
  const alias = command.alias === undefined ? [] : [`.PP\nAlso\n.BR "vault ${command.alias}" .`];
  return [
    `.TH ${roff(title.toUpperCase())} 1 "" "git-vault ${version}"`,
    `.SH NAME\n${roff(title)} \\- ${roff(command.summary)}`,
    `.SH SYNOPSIS\n.B vault ${roff(name)}\n${roff(`[FLAGS] ${command.usage}`.trimEnd())}`,
    ".SH DESCRIPTION",
    ...alias,
    ...bodyOf(command, GLOBAL_FLAGS),
    EXIT_STATUS,
    ".SH SEE ALSO\n.BR vault (1)",
    "",
  ].join("\n");
}

/** The sources of all pages for `version`, by their files' names. */
export const manPages = (version: string): Readonly<Record<string, string>> => ({
  "vault.1": mainPage(version),
  // What `git vault --help` opens.
  "git-vault.1": ".so man1/vault.1\n",
  ...Object.fromEntries(
    TABLE.shown.map(([name, command]) => [`vault-${name.replaceAll(" ", "-")}.1`, commandPage(name, command, version)]),
  ),
});
