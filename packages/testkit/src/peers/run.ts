import { spawn } from "node:child_process";

/** How a program is started. */
export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment; the parent's where it is left out. */
  readonly env?: NodeJS.ProcessEnv;
  /** What it reads on standard input; none (`/dev/null`) where it is left out. */
  readonly input?: Uint8Array | string;
  /** It is killed after this many milliseconds; never where it is left out. */
  readonly timeout?: number;
}

/** How a program ended. */
export interface RunResult {
  /**
   * The exit code; 128 and the signal's number are never invented: null where a signal ended it.
   */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * The environment that a program gets: what Node compiled of `vault` is shared by all homes of a
 * run, as it would be by all runs of one user, unless `env` says otherwise.
 */
export function environmentOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? env : { NODE_COMPILE_CACHE, ...env };
}

/** Runs a program to its end. It rejects only where the program could not be started. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env && environmentOf(options.env),
      timeout: options.timeout,
      killSignal: "SIGKILL",
      // In a session of its own it has no terminal: no program can prompt the one who runs the
      // tests.
      detached: true,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", reject);
    child.on("close", (status, signal) => {
      resolve({ status, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
    });
    // A program may end before it read everything; the broken pipe is its answer, not ours.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input);
  });
}

/** Runs a program that must succeed, and gives its standard output. */
export async function runOk(command: string, args: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  const { status, signal, stdout, stderr } = await run(command, args, options);
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} ended with ${status ?? signal}: ${stderr}${stdout.toString()}`);
  return stdout;
}
