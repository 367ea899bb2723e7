/* Run by the build: the man page vault(1), from the commands. */
import type { Flags } from "./cli/command.ts";
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

/** The page's source, for `version`. */
export function manPage(version: string): string {
  const commands = TABLE.shown.map(([name, { alias, usage, summary, description = [], examples, flags }]) =>
    [
      `.SS ${roff(`${[name, alias].filter(Boolean).join(", ")} ${usage}`.trimEnd())}`,
      roff(`${summary}.`),
      ...description.map((text) => `.PP\n${roff(text)}`),
      ...flagItems(flags),
      ...(examples === undefined ? [] : [`.PP\n.nf\n${roff(examples.map((line) => `    ${line}`).join("\n"))}\n.fi`]),
    ].join("\n"),
  );
  const topics = Object.keys(TOPICS)
    .filter((name) => name !== "exit-codes" && name !== "checks")
    .map((name) => `.SH ${roff(name.toUpperCase())}\n.nf\n${roff(helpOn(TABLE, name) ?? "")}\n.fi`);
  return [
    `.TH VAULT 1 "" "git-vault ${version}"`,
    ".SH NAME\nvault \\- hand a repository's secrets to the right people",
    ".SH SYNOPSIS\n.B vault\n.I COMMAND\n[FLAGS] [OPERANDS]",
    `.SH COMMANDS\n${commands.join("\n")}`,
    `.SH FLAGS OF EVERY COMMAND\n${flagItems(GLOBAL_FLAGS).join("\n")}`,
    `.SH EXIT STATUS\n${Object.entries(EXIT_CODES)
      .map(([code, meaning]) => `.TP\n.B ${code}\n${roff(meaning)}`)
      .join("\n")}`,
    ...topics,
    "",
  ].join("\n");
}
