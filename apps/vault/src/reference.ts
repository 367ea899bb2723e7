/* Run by the build of the site: its pages on the command, from the commands. */
import type { Flags } from "./cli/command.ts";
import { codes } from "./cli/error-codes.ts";
import { GLOBAL_FLAGS } from "./cli/flags.ts";
import { flagSyntax } from "./cli/help.ts";
import { JSON_OUTPUTS, NAMED_SHAPES } from "./cli/json-shapes.ts";
import { helpOn, JSON_INTRODUCTION } from "./cli/topics.ts";
import { TABLE } from "./commands/index.ts";

/** Text in which Markdown and Vue find nothing of theirs, with flags and code in code's letters. */
const text = (words: string): string =>
  words
    .split(/(`[^`]*`|(?<![\w-])--[a-z][a-z-]*)/)
    .map((part, at) =>
      at % 2 === 1
        ? `<code v-pre>${escaped(part.replaceAll("`", ""))}</code>`
        : escaped(part).replaceAll(/[\\*_[\]#|~]/g, String.raw`\$&`),
    )
    .join("");

const escaped = (words: string): string =>
  words
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("{", "&#123;")
    .replaceAll("|", "&#124;");

const block = (lines: readonly string[]): string => ["```sh", ...lines, "```"].join("\n");

const flagTable = (flags: Flags): string =>
  [
    "| flag | meaning |",
    "| --- | --- |",
    ...Object.entries(flags).map(
      ([name, spec]) => `| <code v-pre>${escaped(flagSyntax(name, spec).trim())}</code> | ${text(spec.summary)} |`,
    ),
  ].join("\n");

/** The name of a command's page. */
const pageOf = (name: string): string => name.replaceAll(" ", "-");

/** Pages of Markdown on the commands, and what they have in common, by their paths. */
export function referencePages(): Record<string, string> {
  const pages: Record<string, string> = {};
  for (const [name, { alias, usage, summary, description = [], examples, flags }] of TABLE.shown) {
    pages[`commands/${pageOf(name)}`] = [
      `# vault ${name}`,
      block([`vault ${name} [FLAGS] ${usage}`.trimEnd()]),
      `${text(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)}${alias === undefined ? "" : ` Also \`vault ${alias}\`.`}`,
      ...description.map(text),
      ...(Object.keys(flags).length === 0 ? [] : ["## Flags", flagTable(flags)]),
      ...(examples === undefined ? [] : ["## Examples", block(examples)]),
      "",
    ].join("\n\n");
  }
  const groups = [...new Set(TABLE.shown.map(([, { group }]) => group))];
  pages["commands/index"] = [
    "# Commands",
    "`git vault` is the same program as `vault`.",
    ...groups.flatMap((group) => [
      `## ${group?.[0]?.toUpperCase()}${group?.slice(1)}`,
      TABLE.shown
        .filter(([, command]) => command.group === group)
        .map(([name, { summary }]) => `- [\`vault ${name}\`](./${pageOf(name)}.md): ${text(summary)}`)
        .join("\n"),
    ]),
    "## Flags of every command",
    flagTable(GLOBAL_FLAGS),
    "",
  ].join("\n\n");
  for (const [topic, title] of [
    ["recipients", "Recipients"],
    ["environment", "Environment variables"],
    ["exit-codes", "Exit codes"],
  ] as const)
    pages[topic] = `# ${title}\n\n\`\`\`text\n${helpOn(TABLE, topic)}\n\`\`\`\n`;
  pages["json"] = jsonPage();
  return pages;
}

const shapeBlock = (shape: string): string => `\`\`\`ts\n${shape}\n\`\`\``;

/** The heading of what a command prints. */
const titleOf = (name: string): string =>
  new Map([
    ["error", "Errors"],
    ["version", "vault --version"],
  ]).get(name) ?? `vault ${name}`;

/** What --json prints, a section for each command. */
function jsonPage(): string {
  const commands = Object.entries(JSON_OUTPUTS).map(([name, { shape, note = "" }]) => {
    const told = note === "" ? "" : `\n\n${text(`${note[0]?.toUpperCase()}${note.slice(1)}`)}.`;
    return `## ${titleOf(name)}\n\n${shapeBlock(shape)}${told}`;
  });
  const parts = Object.entries(NAMED_SHAPES).map(([name, shape]) => `### ${name}\n\n${shapeBlock(shape)}`);
  const introduction = JSON_INTRODUCTION.replace("the folder `schemas` of the package", "`git-vault/schemas` of npm");
  return ["# JSON", text(introduction), ...commands, "## Parts", ...parts, ""].join("\n\n");
}

/** The exit code of each error by the class that bears its code, and the hint if it is fixed. */
export const ERROR_CODES: Readonly<Record<string, Readonly<Record<string, { exit: number; hint: string | null }>>>> =
  Object.fromEntries(
    Object.entries(codes()).map(([name, ofClass]) => [
      name,
      Object.fromEntries(
        Object.entries(ofClass).map(([code, outcome]) => [
          code,
          typeof outcome === "number"
            ? { exit: outcome, hint: null }
            : { exit: outcome[0], hint: typeof outcome[1] === "string" ? outcome[1] : null },
        ]),
      ),
    ]),
  );
