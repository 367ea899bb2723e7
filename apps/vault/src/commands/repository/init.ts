import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { printable, quoteForShell } from "@git-vault/core";
import {
  attributesFor,
  exceptionsFor,
  GitCryptError,
  initialize,
  type Repository,
  type RepositoryFinding,
  status,
} from "@git-vault/git-crypt";
import { defaultPinFile, Pins } from "@git-vault/sharing";
import { nameKey, reviewOfName, rootText, start, type Members } from "@git-vault/sharing/members";
import { CliError, usageError } from "../../errors.ts";
import type { Options, Run } from "../../cli/command.ts";
import { reason, reportResult } from "../../io/streams.ts";
import { admit, ONLY_GIVES } from "../members/admit.ts";
import { findAuthor, findStarterIfAny } from "../members/author.ts";
import { openLog } from "../members/open-log.ts";
import { filterCommands } from "./filter-command.ts";
import { warnOfLoneKeys } from "./last-copy.ts";
import { asMeant, fitsNothing } from "./init-patterns.ts";
import { openHere } from "../open-here.ts";
import type { REPOSITORY_COMMANDS } from "./specs.ts";

type InitOptions = Options<typeof REPOSITORY_COMMANDS.init.flags>;

export const run: Run<typeof REPOSITORY_COMMANDS.init> = async (options, patterns) => {
  const repository = openHere("nothing");
  const { keyName = "default" } = options;
  if (patterns.length > 0 && repository.topLevel === null)
    throw usageError("the repository has no work tree, and so no .gitattributes for a pattern");
  const lines = patterns.map((pattern) => attributesFor(asMeant(pattern, repository), keyName));
  const isSetUp = repository.keyNames().includes(keyName);
  const root = isSetUp
    ? await useKey(repository, lines.length > 0, options)
    : await makeKey(repository, keyName, options);
  await warnOfLoneKeys(repository, [keyName]);
  const path = join(repository.topLevel ?? "", ".gitattributes");
  const added = addLines(path, lines, (line, present) => !`\n${present}`.includes(`\n${line}`));
  const exceptions = added.length > 0 ? addLines(path, exceptionsFor(repository), isMissingException) : [];
  const attributes = [...added, ...exceptions].map((line) => line.trimEnd());
  const { clear, rekeyed } = attributes.length > 0 ? storedOtherwise(repository) : { clear: [], rekeyed: [] };
  const unencrypted = clear.map(({ id, file }) => ({ path: file, problem: id }));
  const otherKey = rekeyed.map(({ file }) => file);
  reportResult(options, { keyName, root: root === null ? null : rootText(root), attributes, unencrypted, otherKey }, [
    isSetUp ? `vault: the key ${keyName} is here already` : `vault: made the key ${keyName}, and configured the filter`,
    ...(root === null
      ? []
      : [
          `vault: the members log in .git-vault is staged, and begins with you; commit it: its root is ${rootText(root)}`,
        ]),
    patterns.length > 0
      ? `vault: .gitattributes protects ${patterns.length === 1 ? "the pattern" : "the patterns"}; commit it`
      : `vault: now say in .gitattributes what is protected, such as\n  ${attributesFor("secrets/**", keyName).trimEnd()}`,
    ...reportRewritten(patterns, lines),
    ...patterns.filter((pattern) => fitsNothing(pattern, repository)).map(warnOfNothing),
    ...reportExceptions(exceptions),
    ...reportClear(clear),
    ...reportRekeyed(rekeyed, keyName),
    ...(isSetUp
      ? []
      : [
          "vault: let others in with `vault grant`, or send them the key with `vault share`; keep a copy of it with `vault export-key`",
        ]),
  ]);
};

/**
 * Makes a key, and writes it into the members log, which is started where there is none.
 *
 * @returns the log's root, where it was started; else null
 */
async function makeKey(repository: Repository, keyName: string, options: InitOptions): Promise<string | null> {
  const { force } = options;
  const hasTree = repository.topLevel !== null;
  const members = hasTree ? await openLog(repository, options) : null;
  const commands = filterCommands(options);
  if (members === null || members.rootState === "none") {
    return startHere(members, options, () => initialize(repository, { ...commands, keyName, force }));
  }
  // Who may not write into the log, or cannot sign, learns so before a key is made.
  const author = await findAuthor(members, options);
  try {
    await author.unlock();
    const recipients = await reviewOfName({ members, author, keyName }, new Pins(defaultPinFile()));
    const plan = { recipients, keyNames: [keyName], unasked: [], ...ONLY_GIVES };
    if (recipients.some(({ marks }) => marks.length > 0)) await admit(plan, options);
    initialize(repository, { ...commands, keyName, force });
    await nameKey({ members, author, keyName });
    return null;
  } finally {
    author.lock();
  }
}

/**
 * Where the key is here already: what is wanted are the patterns, and a members log for a
 * repository that has none, such as one that git-crypt made.
 */
async function useKey(repository: Repository, hasPatterns: boolean, options: InitOptions): Promise<string | null> {
  const members = repository.topLevel === null ? null : await openLog(repository, options);
  if (members?.rootState === "none") return startHere(members, options);
  if (hasPatterns) return null;
  const { keyName = "default" } = options;
  throw new GitCryptError("OTHER_KEY", `the repository already holds a key named ${keyName}`);
}

/** @param prepare makes what the log is to begin with, once it is known that it can be signed */
async function startHere(
  members: Members | null,
  options: InitOptions,
  prepare: () => void = () => {},
): Promise<string | null> {
  const starter = members === null ? null : await findStarterIfAny(options);
  try {
    await starter?.author.unlock();
    prepare();
    if (members === null || starter === null) return null;
    return (await start({ members, ...starter, stageOnly: true })).root;
  } finally {
    starter?.author.lock();
  }
}

/** What stands on a line, where that is not what was given. */
function reportRewritten(patterns: readonly string[], lines: readonly string[]): string[] {
  return patterns.flatMap((pattern, at) => {
    const written = lines[at]?.replace(/ filter=.*/s, "") ?? "";
    if (written === pattern || written === JSON.stringify(pattern)) return [];
    return [`vault: ${printable(pattern)} is written as ${written}, from the top folder of the repository`];
  });
}

const warnOfNothing = (pattern: string): string =>
  `vault: warning: ${printable(pattern)} is the name of no file yet; where it is to be a folder, run this again with ${printable(pattern)}/`;

/** The pattern of a submodule begins with a slash. */
const isSubmodule = (pattern: string): boolean => /^"?\//.test(pattern);

/** What was kept out of the patterns. */
function reportExceptions(lines: readonly string[]): string[] {
  const patterns = lines.map((line) => line.replace(/ !filter .*/s, ""));
  const [submodules, read] = [patterns.filter(isSubmodule), patterns.filter((pattern) => !isSubmodule(pattern))];
  return [
    ...(read.length > 0
      ? [`vault: kept out of it, since they are read before anybody has the key: ${read.join(", ")}`]
      : []),
    ...(submodules.length > 0
      ? [`vault: kept out of it, since submodules have attributes of their own: ${submodules.join(", ")}`]
      : []),
  ];
}

type FileFinding = RepositoryFinding & { readonly file: string };

/**
 * Protected files that are not stored as the attributes say now: unencrypted, or once so, each with
 * the worst of it; or with the key that was named before.
 */
function storedOtherwise(repository: Repository): {
  readonly clear: readonly FileFinding[];
  readonly rekeyed: readonly FileFinding[];
} {
  const clear = new Map<string, FileFinding>();
  const rekeyed: FileFinding[] = [];
  for (const finding of status(repository, { history: true }).findings) {
    const { id, file } = finding;
    if (file === undefined) continue;
    if (PLAINTEXT.has(id) && !clear.has(file)) clear.set(file, { ...finding, file });
    if (id === "other-key") rekeyed.push({ ...finding, file });
  }
  return { clear: [...clear.values()], rekeyed };
}

const PLAINTEXT: ReadonlySet<string> = new Set(["staged-plaintext", "committed-plaintext", "history-plaintext"]);

/** What git would not store again by itself, since its content is the same. */
function reportRekeyed(rekeyed: readonly FileFinding[], keyName: string): string[] {
  if (rekeyed.length === 0) return [];
  const files = rekeyed.map(({ file }) => quoteForShell(printable(file)));
  const paths = files.length > 4 ? "." : files.join(" ");
  return [
    ...rekeyed.map(({ message }) => `vault: warning: ${message}`),
    `vault: hint: encrypt what has the other key with the key ${keyName} by \`git add --renormalize ${paths}\`, and commit`,
  ];
}

function reportClear(clear: readonly RepositoryFinding[]): string[] {
  const ids = new Set(clear.map(({ id }) => id));
  return [
    ...clear.map(({ message }) => `vault: warning: ${message}`),
    ...(ids.has("staged-plaintext") || ids.has("committed-plaintext")
      ? ["vault: hint: encrypt them with `vault status --fix`, and commit"]
      : []),
    ...(ids.has("history-plaintext") || ids.has("committed-plaintext")
      ? ["vault: hint: change the secrets in what was committed: the history keeps it unencrypted"]
      : []),
  ];
}

/** Of the folder of grants, only a line that is there already tells that it needs no other. */
const isMissingException = (line: string, present: string): boolean =>
  !line.includes("/** ") || !`\n${present}`.includes(`\n${line}`);

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
