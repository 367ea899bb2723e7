/* Run by the build: the man page vault(1), from the command table. */
import { flagsOf } from "./argv.ts";
import { EXIT_CODES } from "./error-codes.ts";
import { flagSyntax, helpOn } from "./help.ts";
import { COMMANDS, COMMON_FLAGS, FLAGS, TOPICS, type FlagName } from "./command-table.ts";

/**
 * What roff would take for its own, or print as a look-alike that cannot be copied into a shell.
 */
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

const flagItem = (name: FlagName): string => `.TP\n.B ${roff(flagSyntax(name).trim())}\n${roff(FLAGS[name].summary)}`;

/** The page's source, for `version`. */
export function manPage(version: string): string {
  const shown = COMMANDS.filter((command) => command.group !== undefined);
  const commands = shown.map((command) =>
    [
      `.SS ${roff(`${[command.name, command.alias].filter(Boolean).join(", ")} ${command.usage}`.trimEnd())}`,
      roff(`${command.summary}.`),
      ...(command.description ?? []).map((text) => `.PP\n${roff(text)}`),
      ...flagsOf(command)
        .filter((name) => !COMMON_FLAGS.includes(name))
        .map(flagItem),
      ...(command.examples === undefined
        ? []
        : [`.PP\n.nf\n${roff(command.examples.map((line) => `    ${line}`).join("\n"))}\n.fi`]),
    ].join("\n"),
  );
  const topics = Object.keys(TOPICS)
    .filter((name) => name !== "exit-codes" && name !== "checks")
    .map((name) => `.SH ${roff(name.toUpperCase())}\n.nf\n${roff(helpOn(name) ?? "")}\n.fi`);
  return [
    `.TH VAULT 1 "" "git-vault ${version}"`,
    ".SH NAME\nvault \\- hand a repository's secrets to the right people",
    ".SH SYNOPSIS\n.B vault\n.I COMMAND\n[FLAGS] [OPERANDS]",
    `.SH COMMANDS\n${commands.join("\n")}`,
    `.SH FLAGS OF EVERY COMMAND\n${COMMON_FLAGS.map(flagItem).join("\n")}`,
    `.SH EXIT STATUS\n${Object.entries(EXIT_CODES)
      .map(([code, meaning]) => `.TP\n.B ${code}\n${roff(meaning)}`)
      .join("\n")}`,
    ...topics,
    "",
  ].join("\n");
}
