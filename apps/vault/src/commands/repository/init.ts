import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { attributesFor, exceptionsFor, initialize, openRepository } from "@git-vault/git-crypt";
import { CliError, usageError } from "../../errors.ts";
import { filterCommands } from "./filter-command.ts";
import type { Run } from "../../cli/command.ts";
import { reason, reportResult } from "../../io/streams.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";

export const run: Run<typeof REPOSITORY_COMMANDS.init> = (options, patterns) => {
  const repository = openRepository(process.cwd());
  const { keyName = "default", force } = options;
  const lines = patterns.map((pattern) => attributesFor(fromTop(pattern, repository.topLevel), keyName));
  if (lines.length > 0 && repository.topLevel === null)
    throw usageError("the repository has no work tree, and so no .gitattributes for a pattern");
  // With patterns, in a repository that is set up already, they are what is wanted.
  const isSetUp = lines.length > 0 && repository.keyNames().includes(keyName);
  if (!isSetUp) initialize(repository, { ...filterCommands(), keyName, force });
  const path = join(repository.topLevel ?? "", ".gitattributes");
  const added = addLines(path, lines, (line, present) => !`\n${present}`.includes(`\n${line}`));
  const exceptions = added.length > 0 ? addLines(path, exceptionsFor(repository), () => true) : [];
  reportResult(options, { keyName, attributes: [...added, ...exceptions].map((line) => line.trimEnd()) }, [
    isSetUp ? `vault: the key ${keyName} is here already` : `vault: made the key ${keyName}, and configured the filter`,
    patterns.length > 0
      ? `vault: .gitattributes protects ${patterns.length === 1 ? "the pattern" : "the patterns"}; commit it`
      : `vault: now say in .gitattributes what is protected, such as\n  ${attributesFor("secrets/**", keyName).trimEnd()}`,
    ...(exceptions.length > 0
      ? [
          `vault: kept out of it, since they are read before anybody has the key: ${exceptions.map((line) => line.split(" ")[0]).join(", ")}`,
        ]
      : []),
    ...(isSetUp ? [] : ["vault: hand the key to others with `vault share`; keep a copy of it with `vault export-key`"]),
  ]);
};

/** What is written as a path of this machine, as a pattern from the repository's top folder. */
const fromTop = (pattern: string, topLevel: string | null): string =>
  topLevel !== null && pattern.startsWith(`${topLevel}/`) ? pattern.slice(topLevel.length) : pattern;

/** Appends the lines that are needed where the file holds `present`; gives those. */
function addLines(
  path: string,
  lines: readonly string[],
  isNeeded: (line: string, present: string) => boolean,
): readonly string[] {
  if (lines.length === 0) return [];
  try {
    const present = existsSync(path) ? readFileSync(path, "utf8") : "";
    const needed = lines.filter((line) => isNeeded(line, present));
    const separator = present === "" || present.endsWith("\n") ? "" : "\n";
    if (needed.length > 0) appendFileSync(path, separator + needed.join(""));
    return needed;
  } catch (cause) {
    throw new CliError("OUTPUT_UNWRITABLE", `.gitattributes cannot be written: ${reason(cause)}`, {
      cause,
      hint: `add the line yourself: ${lines.join("").trimEnd()}`,
    });
  }
}
