import { existsSync, lstatSync } from "node:fs";
import { printable } from "@git-vault/core";
import { isGuard, keysIn, readSettings } from "../checkout/filter-config.ts";
import { findHook, isHookWanted, lackingProgram, missingHook } from "../checkout/pre-commit-hook.ts";
import type { FilterLine } from "../git/attribute-lines.ts";
import type { RepositoryFinding } from "../git/finding.ts";
import { tryGit } from "../git/git.ts";
import { attributeMistakes, type LineProblem } from "../git/attribute-mistakes.ts";
import { type AttributesFile, listPresent, presentLines, presentTexts } from "../git/attribute-states.ts";
import { filterOf, isRegular, keyNameOf, listIndex, withKeyNames } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { readKeyRing } from "../keys/key-ring.ts";
import { findProgram } from "../programs.ts";
import { readJournal } from "../keys/rotation-journal.ts";
import { keyPaths, namesOfRetired } from "../keys/stored-keys.ts";

/** What is wrong with how a repository is set up, as it follows the subject. */
const PROBLEMS = {
  "old-git": "git is older than 2.11, and starts the filter once for each file",
  /** Of a setting. */
  "missing-program": "names a program that does not exist, so git stops at each protected file",
  "stale-hook": "names a program that does not exist, so git refuses each commit",
  /** Another program wrote it again, or `core.hooksPath` leads elsewhere now. */
  "missing-hook": "should check each commit, but git does not run it",
  /** Of a hook in the work tree, which lets commits pass then. */
  "hook-program": "runs the program git-vault, which is not on the PATH: nothing is checked before a commit",
  /** It was not continued or undone. */
  "unfinished-rotation": "a rotation was interrupted",
  "no-filter": "the key is here, but its filter is not configured: git stores protected files unencrypted",
  "no-key": "the filter is configured, but this clone does not have the key: git refuses new files on its paths",
  /** Of a key: its line came later, by a pull. */
  "no-guard": "attributes name this key, but this clone does not have it: git stores plaintext on its paths",
  "left-keys":
    "another program locked the repository and left keys here that a rotation replaced: they open older commits",
  /** The key of the branch is not here. */
  "replaced-key":
    "a rotation replaced this key: files that need the new one stay encrypted, and git adds no changes of protected files",
  "not-required": "is not true: if the filter fails, git stores plaintext",
  /** Of a filter whose `process` is not set either. */
  "no-command": "is not set: git stops at each protected file, or stores plaintext",
  /** Of a key. */
  "no-merge": "its files lack merge= in .gitattributes: git merges them encrypted, and marks no conflicts",
  /** As git-crypt configures it. */
  "no-process": "is not set: git starts the filter once for each file",
  "loose-permissions": "the key can be read or written by other users",
  /** To show differences faster. */
  "cached-textconv": "keeps decrypted contents in the repository's notes",
} as const;

/** What is wrong with how a repository is set up. */
export type SetupProblem = keyof typeof PROBLEMS | LineProblem;

/**
 * Something wrong with how a repository is set up: an `error` where secrets are at risk or git
 * stops, a `note` where it is merely slow. Its `subject` is a setting's name, a key's name, or the
 * path of a key's file or the hook, or a pattern of attributes.
 */
export type SetupFinding = RepositoryFinding<SetupProblem>;

/** What was seen. */
export interface Diagnosis {
  /** As git prints it, such as `2.39.5`. */
  readonly gitVersion: string;
  /** The keys' settings, as configured in this repository. */
  readonly settings: ReadonlyMap<string, string>;
  readonly keyNames: readonly string[];
  /** The names of keys that are not here, and on whose paths git refuses plaintext. */
  readonly guarded: readonly string[];
  readonly findings: readonly SetupFinding[];
}

const SLOW: ReadonlySet<SetupProblem> = new Set(["old-git", "no-process", "no-merge"]);

function about(id: keyof typeof PROBLEMS, ...subjects: readonly string[]): SetupFinding[] {
  return subjects.map((text) => {
    const subject = printable(text, { longest: Number.POSITIVE_INFINITY });
    return { id, severity: SLOW.has(id) ? "note" : "error", message: `${subject}: ${PROBLEMS[id]}`, subject };
  });
}

/** The words of a command line, as far as quotes and backslashes go. */
function wordsOf(command: string): string[] {
  const words = command.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/gs) ?? [];
  return words.map((word) =>
    word.replaceAll(
      /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs,
      (_, double?: string, single?: string, one?: string) => double?.replaceAll(/\\(.)/gs, "$1") ?? single ?? one ?? "",
    ),
  );
}

/** Whether a command line's program is there; of one with `exec` in it, any that it may run. */
function canRun(command: string, env: NodeJS.ProcessEnv): boolean {
  const words = wordsOf(command);
  const starts = words.flatMap((word, at) => (word === "exec" ? at + 1 : []));
  if (starts.length === 0) return isRunnable(words, env);
  return starts.some((start) => {
    const end = words.findIndex((word, at) => at >= start && word.startsWith("$@"));
    return isRunnable(words.slice(start, end), env);
  });
}

/** Whether a program is there, and each file named by a whole path. */
const isRunnable = ([program = "", ...words]: readonly string[], env: NodeJS.ProcessEnv): boolean =>
  findProgram(program, env) !== null && words.every((word) => !word.startsWith("/") || existsSync(word));

const isTrue = (text: string | undefined): boolean => /^(true|yes|on|1)$/i.test(text ?? "");

function diagnoseFilter(settings: ReadonlyMap<string, string>, filter: string): SetupFinding[] {
  const [required, process, cached] = [
    `filter.${filter}.required`,
    `filter.${filter}.process`,
    `diff.${filter}.cachetextconv`,
  ];
  // git takes an empty command for none.
  const isSet = (setting: string): boolean => (settings.get(setting) ?? "") !== "";
  const commands = [`filter.${filter}.clean`, `filter.${filter}.smudge`];
  const unset = isSet(process) ? [] : commands.filter((setting) => !isSet(setting));
  return [
    ...about("no-command", ...unset),
    ...(isTrue(settings.get(required)) ? [] : about("not-required", required)),
    ...(isSet(process) || unset.length > 0 ? [] : about("no-process", process)),
    ...(isTrue(settings.get(cached)) ? about("cached-textconv", cached) : []),
  ];
}

/** The settings that name a program which is not there. */
const brokenSettings = ({ env }: Repository, settings: ReadonlyMap<string, string>): string[] =>
  [...settings].flatMap(([name, command]) =>
    /\.(clean|smudge|process|driver|textconv)$/.test(name) && command !== "" && !canRun(command, env) ? name : [],
  );

function staleHooks(repository: Repository): string[] {
  const hook = findHook(repository);
  return hook === null || hook.command === null || canRun(hook.command, repository.env) ? [] : [hook.path];
}

/** Who does not want the check in this clone, need not have the program. */
function hooksWithoutProgram(repository: Repository): string[] {
  const lacking = isHookWanted(repository) ? lackingProgram(repository) : null;
  return lacking === null ? [] : [lacking.path];
}

/** The names whose keys here are all others than that of the branch. */
const replacedKeys = (repository: Repository): string[] =>
  repository.keyNames().filter((name) => {
    const current = repository.generations(name)?.current ?? null;
    if (current === null) return false;
    const ring = readKeyRing(repository, name);
    try {
      return ring.find(current) === null;
    } finally {
      ring.wipe();
    }
  });

/** The files of keys that others may read or write. */
const looseKeys = (repository: Repository): string[] =>
  repository
    .keyNames()
    .flatMap((name) => keyPaths(repository, name))
    .filter(
      (path) => process.platform !== "win32" && ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0,
    );

/** The keys whose rotation was interrupted. */
function begunRotation({ commonDir }: Repository): string[] {
  try {
    return readJournal(commonDir)?.keys.map(({ keyName }) => keyName) ?? [];
  } catch {
    return ["a key"]; // whose name cannot be read
  }
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < 2 || (major === 2 && minor < 11);
}

/**
 * The keys of which attributes speak, and which git knows no filter for, in a clone where a filter
 * was set or the check is wanted: one that knows of nothing is as git left it.
 */
function withoutGuard(
  repository: Repository,
  settings: ReadonlyMap<string, string>,
  lines: readonly FilterLine[],
): string[] {
  const known = new Set([...repository.keyNames(), ...keysIn(settings)]);
  if (known.size === 0 && !isHookWanted(repository)) return [];
  const names = lines.flatMap(({ filters }) => keyNameOf(filters.at(-1) ?? "") ?? []);
  return [...new Set(names)].filter((name) => !known.has(name));
}

/** The names of the keys of which files have no merge driver of ours. */
function withoutMerge(repository: Repository): string[] {
  const entries = withKeyNames(repository, listIndex(repository), "work tree", ["merge"]).filter(isRegular);
  return [
    ...new Set(entries.filter(({ keyName, values }) => values[0] !== filterOf(keyName)).map(({ keyName }) => keyName)),
  ];
}

/** Everything but git's own version. */
export function diagnoseSetup(
  repository: Repository,
  settings: ReadonlyMap<string, string>,
  attributes: readonly AttributesFile[],
): SetupFinding[] {
  const keyNames = repository.keyNames();
  const filters = [...settings.keys()].filter((name) => name.startsWith("filter."));
  const configured = [...new Set(filters.map((name) => name.split(".")[1] ?? ""))];
  const isHere = (name: string): boolean => keyNames.includes(name);
  const configuredKeys = configured
    .flatMap((filter) => keyNameOf(filter) ?? [])
    .filter((name) => isHere(name) || !isGuard(settings, name));
  const begun = begunRotation(repository);
  const lines = presentLines(repository, attributes);
  return [
    ...about("missing-program", ...brokenSettings(repository, settings)),
    ...about("stale-hook", ...staleHooks(repository)),
    ...about("missing-hook", ...[missingHook(repository)].filter((path) => path !== null)),
    ...about("hook-program", ...hooksWithoutProgram(repository)),
    ...about("unfinished-rotation", ...begun),
    ...about("no-filter", ...keyNames.filter((name) => !configured.includes(filterOf(name)))),
    ...about("no-key", ...configuredKeys.filter((name) => !isHere(name))),
    ...about("no-guard", ...withoutGuard(repository, settings, lines)),
    ...about("left-keys", ...namesOfRetired(repository).filter((name) => !isHere(name))),
    ...attributeMistakes(presentTexts(repository, attributes)),
    // While a rotation is undone, the old key is here again before the files are.
    ...about("replaced-key", ...replacedKeys(repository).filter((name) => !begun.includes(name))),
    ...configured.flatMap((filter) => diagnoseFilter(settings, filter)),
    ...about("loose-permissions", ...looseKeys(repository)),
  ];
}

/**
 * Looks at how a repository is set up: git's version, the filters' settings, the programs that they
 * name, the hook, and the keys' files. It changes nothing and runs none of the programs.
 *
 * @throws GitCryptError GIT_MISSING, GIT_FAILED, KEY_FILE_UNREADABLE, MALFORMED_KEY_FILE.
 */
export function diagnose(repository: Repository): Diagnosis {
  const gitVersion = /\d+(?:\.\d+)+/.exec(tryGit(repository, ["--version"]).stdout.toString())?.[0] ?? "";
  const settings = readSettings(repository);
  const old = isOld(gitVersion) ? about("old-git", gitVersion) : [];
  const attributes = repository.topLevel === null ? [] : listPresent(repository).used;
  const merge = repository.topLevel === null ? [] : about("no-merge", ...withoutMerge(repository));
  const findings = [...old, ...diagnoseSetup(repository, settings, attributes), ...merge];
  const keyNames = repository.keyNames();
  const guarded = keysIn(settings).filter((name) => isGuard(settings, name) && !keyNames.includes(name));
  return { gitVersion, settings, keyNames, guarded, findings };
}
