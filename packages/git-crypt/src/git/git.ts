import { spawnSync } from "node:child_process";
import { GitCryptError } from "../errors.ts";

/** How a git command ended. */
export interface GitResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a git command ended that speaks in bytes. */
export interface GitOutput {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Where git runs. */
export interface GitPlace {
  /** The work tree's top folder; the repository's own where it has no work tree. */
  readonly topLevel: string | null;
  readonly gitDir: string;
  readonly env: NodeJS.ProcessEnv;
}

const OUR_ENVIRONMENT = {
  // Messages are recognised, so they must be git's own.
  LC_ALL: "C",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  // A partial clone must not go to the network for what it lacks: newer gits know the first, all
  // know the second.
  GIT_NO_LAZY_FETCH: "1",
  GIT_ALLOW_PROTOCOL: "none",
};

function spawnGit(
  cwd: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  input?: Uint8Array,
  enough = Infinity,
): GitOutput {
  const { error, status, stdout, stderr } = spawnSync("git", ["-c", "core.fsmonitor=false", ...args], {
    cwd,
    env: { ...env, ...OUR_ENVIRONMENT },
    input,
    maxBuffer: enough,
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  // A git that ends before it has read its input may close the pipe on us: what it said tells more
  // than that.
  const told = error !== undefined && "code" in error && (error.code === "ENOBUFS" || error.code === "EPIPE");
  if (error === undefined || told) return { status, stdout, stderr: stderr.toString() };
  if ("code" in error && error.code === "ENOENT") {
    throw new GitCryptError("GIT_MISSING", "git is not installed, or not on PATH", {
      hint: "install git",
      cause: error,
    });
  }
  throw new GitCryptError("GIT_FAILED", "git could not be run to its end", { cause: error });
}

/**
 * Runs git in the folder `cwd` without a shell, a terminal or a network, and takes no program's
 * name from the repository's configuration.
 *
 * @throws GitCryptError GIT_MISSING where there is no git, GIT_FAILED where it could not be run to
 * its end.
 */
export function git(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[]): GitResult {
  const { status, stdout, stderr } = spawnGit(cwd, env, args);
  return { status, stdout: stdout.toString(), stderr };
}

/** What git said when it failed, in one line that is safe to print. */
export function reasonOf({ stderr }: { readonly stderr: string }): string {
  const said = /^(?:fatal|error): (.*)$/m.exec(stderr)?.[1] ?? "it did not say why";
  return said.replaceAll(/\p{Cc}/gu, " ");
}

/**
 * Runs git at the top of a repository as {@link git} does; it may fail. It is stopped once it has
 * printed `enough` bytes.
 */
export const tryGit = (place: GitPlace, args: readonly string[], input?: Uint8Array, enough?: number): GitOutput =>
  spawnGit(place.topLevel ?? place.gitDir, place.env, args, input, enough);

/**
 * Runs git at the top of a repository and gives what it prints.
 *
 * @throws GitCryptError GIT_MISSING; GIT_FAILED with git's reason where it ends otherwise than with
 * 0.
 */
export function runGit(place: GitPlace, args: readonly string[], input?: Uint8Array): Buffer {
  const output = tryGit(place, args, input);
  if (output.status === 0) return output.stdout;
  const command = args.find((word) => !word.startsWith("-") && !word.includes("="));
  throw new GitCryptError("GIT_FAILED", `git ${command} failed: ${reasonOf(output)}`);
}

/** The records of a list that NUL bytes end. Each character is a byte: names have no encoding. */
export const recordsOf = (output: Buffer): string[] =>
  output.length === 0 ? [] : output.toString("latin1", 0, output.length - 1).split("\0");

/** A list as git reads it with `-z`, of records whose characters are bytes. */
export const listOf = (records: readonly string[]): Buffer =>
  records.length === 0 ? Buffer.alloc(0) : Buffer.from(`${records.join("\0")}\0`, "latin1");
