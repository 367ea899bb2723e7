/*
 * How other programs are started: the only place that may (test/imports.test.ts looks). Node's
 * module is loaded when one is started: it takes longer than all of `vault --help`.
 */
import type { ChildProcess, ChildProcessWithoutNullStreams, SpawnOptions, SpawnSyncReturns } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { basename, delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { secretVariables } from "@git-vault/core";
import { noteChange } from "./answers.ts";

export { noteChange };

/** How a program is started: as by Node, but without a shell, and with less of the environment. */
export interface ProgramOptions extends Omit<SpawnOptions, "shell" | "env"> {
  /** What its environment is made of; this process's own where it is left out. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Whether it gets the tokens of forges as well: for what reaches a network for the user. */
  readonly tokens?: boolean | undefined;
}

/** How a program is run to its end. */
export interface RunProgramOptions extends ProgramOptions {
  /** What it reads on standard input. */
  readonly input?: Uint8Array | undefined;
  /** In bytes: it is stopped once it has printed more. */
  readonly maxBuffer?: number;
  /** Whether it surely changes no repository: what git answered before stays true. */
  readonly changesNothing?: boolean | undefined;
}

const isWindows = process.platform === "win32";

/** A variable's value: on Windows, `Path` is `PATH`. */
const valueOf = (env: NodeJS.ProcessEnv, name: string): string =>
  env[name] ?? Object.entries(env).find(([one]) => isWindows && one.toUpperCase() === name)?.[1] ?? "";

/** The folders of PATH that are the same wherever a program runs. */
const foldersOf = (env: NodeJS.ProcessEnv): string[] =>
  valueOf(env, "PATH")
    .split(delimiter)
    .map((folder) => (isWindows ? folder.replaceAll('"', "") : folder))
    .filter((folder) => isAbsolute(folder));

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The file of a program, by the absolute folders of PATH alone: what lies in the current folder, as
 * in a repository, is never taken for a program. A name with a slash is a path already.
 *
 * @returns an absolute path; null where there is no such program
 */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | null {
  const endings = isWindows && !/\.(?:com|exe)$/i.test(name) ? [".com", ".exe"] : [""];
  const isPath = name.includes("/") || (isWindows && /[\\:]/.test(name));
  const places = isPath ? [resolve(name)] : foldersOf(env).map((folder) => join(folder, name));
  return places.flatMap((place) => endings.map((ending) => place + ending)).find(isProgram) ?? null;
}

/** Where nothing is, unless somebody may replace Node itself. */
const nowhere = (name: string): string => join(dirname(process.execPath), "not-on-path", basename(name) || "program");

/**
 * The environment of another program: without what is secret and none of its business, and with no
 * folder in PATH that depends on where it runs.
 */
function environmentOf({ env = process.env, tokens }: ProgramOptions): NodeJS.ProcessEnv {
  const names = Object.keys(env);
  const left = new Set([...secretVariables(names, tokens), ...names.filter((name) => name.toUpperCase() === "PATH")]);
  const folders = foldersOf(env);
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !left.has(name))),
    ...(folders.length === 0 ? {} : { PATH: folders.join(delimiter) }),
    // cmd.exe and the system's own search then pass over the current folder as well.
    ...(isWindows ? { NoDefaultCurrentDirectoryInExePath: "1" } : {}),
  };
}

/**
 * Starts a program. One that is not there makes an `error` event with the code ENOENT, as Node
 * does. On Windows it gets no console window.
 */
export function startProgram(
  name: string,
  args: readonly string[],
  options?: ProgramOptions & { readonly stdio?: ["pipe", "pipe", "pipe", ...(number | "ignore")[]] },
): ChildProcessWithoutNullStreams;
export function startProgram(name: string, args: readonly string[], options: ProgramOptions): ChildProcess;
export function startProgram(name: string, args: readonly string[], options: ProgramOptions = {}): ChildProcess {
  const { env, tokens, ...others } = options;
  const file = findProgram(name, env) ?? nowhere(name);
  noteChange();
  const { spawn } = process.getBuiltinModule("node:child_process");
  return spawn(file, args, { windowsHide: true, ...others, env: environmentOf({ env, tokens }) });
}

/**
 * Runs what starts programs by itself, a library such as clipboardy, while this process's own
 * environment is what such programs may see.
 */
export async function withEnvironmentOfPrograms<T>(action: () => Promise<T>): Promise<T> {
  const own = process.env;
  process.env = environmentOf({});
  try {
    return await action();
  } finally {
    process.env = own;
  }
}

/** Runs a program to its end; `error` has the code ENOENT where it is not there. */
export function runProgram(
  name: string,
  args: readonly string[],
  options: RunProgramOptions = {},
): SpawnSyncReturns<Buffer> {
  const { env, tokens, changesNothing = false, ...others } = options;
  const file = findProgram(name, env) ?? nowhere(name);
  if (!changesNothing) noteChange();
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  return spawnSync(file, args, {
    windowsHide: true,
    ...others,
    env: environmentOf({ env, tokens }),
    encoding: "buffer",
  });
}
