import { spawn } from "node:child_process";
import { basename } from "node:path";
import { DeployError } from "./errors.ts";

/** How a program is run. */
export interface ToolRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** What it reads on standard input; nothing where left out. */
  readonly input?: string | undefined;
  /** Told to end, the program is told with SIGTERM, once, and waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended. Its output is raw: it may hold secrets. */
export interface ToolResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program without a shell to its end. It has a session of its own (POSIX), so that a
 * terminal's Ctrl-C, which goes to all programs in the foreground, does not reach it: it ends when
 * it is done or when it is told to by `signal`.
 *
 * @throws DeployError TOOL_MISSING, INTERRUPTED
 */
export function runTool({ program, args, env, input, signal }: ToolRun): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(interrupted(program));
    const child = spawn(program, args, {
      env,
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
      // On Windows, it would get a console window of its own.
      detached: process.platform !== "win32",
    });
    const output: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
    child.stdout.on("data", (chunk: Buffer) => output.stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => output.stderr.push(chunk));
    // A program may end before it read everything.
    child.stdin.on("error", () => {});
    child.stdin.end(input ?? "");
    const stop = (): void => {
      child.kill("SIGTERM");
    };
    signal?.addEventListener("abort", stop, { once: true });
    child.on("error", (cause) => {
      signal?.removeEventListener("abort", stop);
      reject(
        new DeployError("TOOL_MISSING", `${program} could not be started: it is not there, or not executable`, {
          hint: "install it; $HELM says where Helm is",
          cause,
        }),
      );
    });
    child.on("close", (status, killedBy) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted === true) return reject(interrupted(program));
      const [stdout, stderr] = [output.stdout, output.stderr].map((chunks) => Buffer.concat(chunks).toString());
      resolve({ status: killedBy === null ? status : null, stdout: stdout ?? "", stderr: stderr ?? "" });
    });
  });
}

const interrupted = (program: string): DeployError =>
  new DeployError("INTERRUPTED", `interrupted before ${basename(program)} was done`);
