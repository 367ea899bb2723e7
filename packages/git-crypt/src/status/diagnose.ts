import { accessSync, constants, lstatSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { readSettings } from "../checkout/filter-config.ts";
import { tryGit } from "../git/git.ts";
import { findHook } from "../checkout/pre-commit-hook.ts";
import { wipeKeyFile } from "../format/key-file.ts";
import { keyPaths, namesOfRetired } from "../keys/retired-keys.ts";
import { filterOf, keyNameOf } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { readJournal } from "../rotation/journal.ts";
import { readRotations } from "../keys/retirements.ts";
import { listRetired, retirementIn } from "../keys/committed-retired-keys.ts";

/**
 * - `old-git`: git is older than 2.11 and starts the filter once for each file
 * - `missing-program`: a setting names a program that is not there, and git stops at each protected
 *   file
 * - `stale-hook`: the pre-commit hook names a program that is not there, and git refuses each
 *   commit
 * - `unfinished-rotation`: a rotation of a key was interrupted, and not continued or undone
 * - `no-filter`: a key lies here and its filter is not configured: protected files are stored in
 *   clear
 * - `no-key`: a filter is configured and its key is not here: git stops at each protected file
 * - `left-keys`: keys that a rotation replaced lie here without the one that replaced them: another
 *   program locked the repository
 * - `replaced-key`: a rotation replaced the key that lies here: files that need the new one stay
 *   encrypted, and git adds no changes
 * - `false-retirement`: a file says that a key which lies here was replaced, and nobody wrote it
 *   who had that key
 * - `folder-pattern`: a line of .gitattributes protects a folder by name, and so no file in it
 * - `not-required`: where the filter fails, git stores plaintext
 * - `no-process`: the filter starts once for each file, as git-crypt configures it
 * - `loose-permissions`: others than its owner may read or write a key's file
 * - `cached-textconv`: git keeps decrypted contents in its notes, to show differences faster
 */
export type Ailment =
  | "old-git"
  | "missing-program"
  | "stale-hook"
  | "unfinished-rotation"
  | "no-filter"
  | "no-key"
  | "left-keys"
  | "replaced-key"
  | "false-retirement"
  | "folder-pattern"
  | "not-required"
  | "no-process"
  | "loose-permissions"
  | "cached-textconv";

/** Something about how a repository is set up. */
export interface Diagnosis {
  readonly ailment: Ailment;
  /** What it concerns: a setting's name, a key's name, or the path of a key's file or the hook. */
  readonly subject: string;
  /** Whether secrets are at risk or git stops; else it is merely slow. */
  readonly serious: boolean;
}

/** What was seen. */
export interface Diagnoses {
  /** As git prints it, such as `2.39.5`. */
  readonly gitVersion: string;
  /** The keys' settings, as configured in this repository. */
  readonly settings: ReadonlyMap<string, string>;
  readonly keyNames: readonly string[];
  readonly diagnoses: readonly Diagnosis[];
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

function isThere(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/**
 * Tells whether the program of a command line is there, and each file that it names by a whole
 * path.
 */
function canRun(command: string, env: NodeJS.ProcessEnv): boolean {
  const [program = "", ...words] = wordsOf(command);
  const folders = (env["PATH"] ?? "").split(delimiter).filter(Boolean);
  const found = program.includes("/")
    ? isThere(program, constants.X_OK)
    : folders.some((folder) => isThere(join(folder, program), constants.X_OK));
  return found && words.every((word) => !word.startsWith("/") || isThere(word, constants.F_OK));
}

const isTrue = (text: string | undefined): boolean => /^(true|yes|on|1)$/i.test(text ?? "");

function diagnoseFilter(settings: ReadonlyMap<string, string>, filter: string): Diagnosis[] {
  const value = (name: string): string | undefined => settings.get(`filter.${filter}.${name}`);
  return [
    ...(isTrue(value("required"))
      ? []
      : [{ ailment: "not-required", subject: `filter.${filter}.required`, serious: true } as const]),
    ...(value("process") === undefined
      ? [{ ailment: "no-process", subject: `filter.${filter}.process`, serious: false } as const]
      : []),
    ...(isTrue(settings.get(`diff.${filter}.cachetextconv`))
      ? [{ ailment: "cached-textconv", subject: `diff.${filter}.cachetextconv`, serious: true } as const]
      : []),
  ];
}

function diagnosePrograms({ env }: Repository, settings: ReadonlyMap<string, string>): Diagnosis[] {
  const commands = [...settings].filter(([name]) => /\.(clean|smudge|process|driver|textconv)$/.test(name));
  return commands
    .filter(([, command]) => !canRun(command, env))
    .map(([subject]) => ({ ailment: "missing-program", subject, serious: true }));
}

function diagnoseHook(repository: Repository): Diagnosis[] {
  const hook = findHook(repository);
  if (hook === null || canRun(hook.command, repository.env)) return [];
  return [{ ailment: "stale-hook", subject: hook.path, serious: true }];
}

function diagnoseReplaced(repository: Repository): Diagnosis[] {
  const replaced = repository.keyNames().filter((name) => {
    const { bytes, keyFile } = repository.readKey(name);
    bytes.fill(0);
    const isRetired = retirementIn(listRetired(repository, name), name)(keyFile);
    wipeKeyFile(keyFile);
    return isRetired;
  });
  return replaced.map((subject) => ({ ailment: "replaced-key", subject, serious: true }));
}

function diagnoseRetirements(repository: Repository): Diagnosis[] {
  const files = [...readRotations(repository).values()].flatMap(({ falsehoods }) => falsehoods);
  return files.map((name) => ({ ailment: "false-retirement", subject: name, serious: true }));
}

function diagnoseKeys(repository: Repository): Diagnosis[] {
  const paths = repository.keyNames().flatMap((name) => keyPaths(repository, name));
  return paths
    .filter(
      (path) => process.platform !== "win32" && ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0,
    )
    .map((subject) => ({ ailment: "loose-permissions", subject, serious: true }));
}

function diagnoseRotation({ commonDir }: Repository): Diagnosis[] {
  try {
    const journal = readJournal(commonDir);
    return journal === null ? [] : [{ ailment: "unfinished-rotation", subject: journal.keyName, serious: true }];
  } catch {
    // Whose name cannot be read.
    return [{ ailment: "unfinished-rotation", subject: "a key", serious: true }];
  }
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < 2 || (major === 2 && minor < 11);
}

/** Lines that were written as for `.gitignore`: the attributes of a folder do nothing. */
function diagnosePatterns({ topLevel }: Repository): Diagnosis[] {
  const path = topLevel === null ? null : join(topLevel, ".gitattributes");
  const stat = path === null ? undefined : lstatSync(path, { throwIfNoEntry: false });
  if (path === null || stat?.isFile() !== true || stat.size > MOST_ATTRIBUTES) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  const folders = lines.flatMap((line) => /^\s*([^\s#]\S*\/)\s.*\bfilter=git-crypt\b/.exec(line)?.[1] ?? []);
  return folders.map((subject) => ({ ailment: "folder-pattern", subject, serious: true }));
}

/** In bytes: git reads no more of a file of attributes than 100 MiB; nobody writes so much. */
const MOST_ATTRIBUTES = 1024 * 1024;

/** Everything but git's own version. */
export function diagnoseSetup(repository: Repository, settings: ReadonlyMap<string, string>): Diagnosis[] {
  const keyNames = repository.keyNames();
  const filters = [...settings.keys()].filter((name) => name.startsWith("filter."));
  const configured = [...new Set(filters.map((name) => name.split(".")[1] ?? ""))];
  return [
    ...diagnosePrograms(repository, settings),
    ...diagnoseHook(repository),
    ...diagnoseRotation(repository),
    ...keyNames
      .filter((name) => !configured.includes(filterOf(name)))
      .map((subject) => ({ ailment: "no-filter", subject, serious: true }) as const),
    ...configured
      .flatMap((filter) => keyNameOf(filter) ?? [])
      .filter((name) => !keyNames.includes(name))
      .map((subject) => ({ ailment: "no-key", subject, serious: true }) as const),
    ...namesOfRetired(repository)
      .filter((name) => !keyNames.includes(name))
      .map((subject) => ({ ailment: "left-keys", subject, serious: true }) as const),
    ...diagnosePatterns(repository),
    ...diagnoseReplaced(repository),
    ...diagnoseRetirements(repository),
    ...configured.flatMap((filter) => diagnoseFilter(settings, filter)),
    ...diagnoseKeys(repository),
  ];
}

/**
 * Looks at how a repository is set up: git's version, the filters' settings, the programs that they
 * name, the hook, and the keys' files. It changes nothing and runs none of the programs.
 *
 * @throws GitCryptError GIT_MISSING, GIT_FAILED, KEY_FILE_UNREADABLE, MALFORMED_KEY_FILE.
 */
export function diagnose(repository: Repository): Diagnoses {
  const gitVersion = /\d+(?:\.\d+)+/.exec(tryGit(repository, ["--version"]).stdout.toString())?.[0] ?? "";
  const settings = readSettings(repository);
  const old = isOld(gitVersion) ? [{ ailment: "old-git", subject: gitVersion, serious: false } as const] : [];
  return {
    gitVersion,
    settings,
    keyNames: repository.keyNames(),
    diagnoses: [...old, ...diagnoseSetup(repository, settings)],
  };
}
