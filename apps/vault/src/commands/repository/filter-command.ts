import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { printable, quoteForShell } from "@git-vault/core";
import type { FilterCommands, HookCommands } from "@git-vault/git-crypt";
import { CliError } from "../../errors.ts";
import { say } from "../../io/streams.ts";
import { ownCommand } from "../../own-program.ts";

/** The name by which an installed program is found on the PATH. */
const PROGRAM = "git-vault";

/**
 * The beginning of a command line, for `sh`, that runs this program from git's settings; words
 * follow. It names Node and the program, or the standalone program, by whole paths, since git may
 * be started without the user's PATH. Where one of them is gone, such as with a version of Node,
 * the program on the PATH is run, and where there is none, it is told what to do.
 *
 * Who runs the program from a cache, as `npx` does, gets a line that only looks on the PATH: caches
 * are cleared.
 *
 * @param renew the command that writes such a line again
 * @throws CliError `NOT_INSTALLED` where this one is in a cache, and none is on the PATH
 */
function programCommand({ quiet }: { readonly quiet: boolean }, renew: string): string {
  const [, script] = ownCommand();
  const files = [lastingName(namedOnPath(process.execPath, script === undefined ? PROGRAM : "node"))];
  if (script !== undefined) files.push(lastingName(resolve(script)));
  const onPath = `command -v ${PROGRAM} >/dev/null; then exec ${PROGRAM} "$@"`;
  const gone = `echo ${goneThen(renew)} >&2; exit 1`;
  if (files.every((file) => file !== null)) {
    const [program = "", ...rest] = files.map((file) => quoteForShell(slashed(file)));
    const areHere = [`[ -x ${program} ]`, ...rest.map((file) => `[ -f ${file} ]`)].join(" && ");
    const words = [program, ...rest].join(" ");
    return `vault() { if ${areHere}; then exec ${words} "$@"; elif ${onPath}; else ${gone}; fi; }; vault`;
  }
  const installed = foldersOnPath()
    .map((folder) => join(folder, PROGRAM))
    .find((path) => isProgram(path) && lastingName(path) !== null);
  if (installed === undefined) throw notInstalled();
  if (!quiet) say(`vault: this program runs from a cache, so git will run ${printable(installed)}`);
  return `vault() { if ${onPath}; else ${gone}; fi; }; vault`;
}

/** git expands `%` in some of its settings, so that no line holds one. */
const goneThen = (renew: string): string =>
  quoteForShell(`vault: error: ${PROGRAM} is not where it was, and not on the PATH: install it, then run \`${renew}\``);

const notInstalled = (): CliError =>
  new CliError(
    "NOT_INSTALLED",
    `git could not run this program later: it runs from a cache, and no ${PROGRAM} is on the PATH`,
    { hint: `nothing was changed; first install it: \`npm install --global ${PROGRAM}\`` },
  );

/** The settings of git-crypt's filter and merge driver. */
export function filterCommands(options: { readonly quiet: boolean }): Required<FilterCommands> {
  const program = programCommand(options, "vault unlock");
  return { filterCommand: `${program} filter`, mergeCommand: `${program} merge` };
}

/** What the pre-commit hook runs. */
export const hookCommands = (options: { readonly quiet: boolean }): HookCommands => ({
  own: `(${programCommand(options, "vault hooks install")} hooks check)`,
  shared: CHECK,
});

/** The check by the name of the program, as a hook calls it that may be committed. */
export const CHECK = `${PROGRAM} hooks check`;

/** git runs it by its own sh, on Windows too, where both kinds of slash lead to the file. */
const slashed = (path: string): string => (process.platform === "win32" ? path.replaceAll("\\", "/") : path);

/**
 * The folders of `npx`, of `dlx` of pnpm and yarn, and of `bunx`; archives of yarn, which only yarn
 * reads; and links that fnm makes for one shell.
 */
const FLEETING =
  /[/\\](?:_npx|dlx(?:-[^/\\]+)?|xfs-[0-9a-f]+|bunx-[^/\\]+|fnm_multishells|[^/\\]+\.zip|__virtual__)[/\\]/;

/** The name of a file, or else what it leads to, where that will stay; null where neither does. */
function lastingName(path: string): string | null {
  const real = realpathSync(path);
  if (FLEETING.test(real)) return null;
  return FLEETING.test(path) ? real : path;
}

const foldersOnPath = (): string[] =>
  (process.env["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder));

/**
 * The name by which a program was found, not what it leads to: a link to the present version stays.
 */
function namedOnPath(path: string, program: string): string {
  const real = realpathSync(path);
  const name = process.platform === "win32" ? `${program}.exe` : program;
  return (
    foldersOnPath()
      .map((folder) => join(folder, name))
      .find((found) => leadsToFile(found, real) && !FLEETING.test(found)) ?? path
  );
}

function leadsToFile(path: string, file: string): boolean {
  try {
    return realpathSync(path) === file;
  } catch {
    return false;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
