import { basename, resolve as absolute } from "node:path";
import { buffer } from "node:stream/consumers";
import { startProgram } from "@git-vault/git-crypt/programs";
import { DeployError } from "./errors.ts";

/** How a program is run. */
export interface ToolRun {
  readonly program: string;
  readonly args: readonly string[];
  /** Its environment, before the secrets are taken out. */
  readonly env: NodeJS.ProcessEnv;
  /** Whether the tokens of forges are left in it. */
  readonly tokens?: boolean | undefined;
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
 * it is done or when it is told to by `signal`. It starts in the root folder, where no name leads
 * into the work tree, whose files are from whoever can commit.
 *
 * @throws DeployError TOOL_MISSING, INTERRUPTED
 */
export async function runTool({ program, args, env, tokens, input = "", signal }: ToolRun): Promise<ToolResult> {
  const assertWanted = (): void => {
    if (signal?.aborted === true)
      throw new DeployError("INTERRUPTED", `interrupted before ${basename(program)} was done`);
  };
  assertWanted();
  const child = startProgram(program, args, {
    cwd: absolute("/"),
    env,
    tokens,
    detached: process.platform !== "win32",
  });
  // A program may end before it read everything.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const stop = (): void => {
    child.kill("SIGTERM");
  };
  signal?.addEventListener("abort", stop, { once: true });
  const output = Promise.all([child.stdout, child.stderr].map((stream) => buffer(stream)));
  output.catch(() => {});
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  })
    .catch((cause: unknown) => {
      throw new DeployError("TOOL_MISSING", `${program} could not be started: it is not there, or not executable`, {
        hint: "install it; $HELM says where Helm is",
        cause,
      });
    })
    .finally(() => signal?.removeEventListener("abort", stop));
  assertWanted();
  const [stdout = "", stderr = ""] = (await output).map((bytes) => bytes.toString());
  return { status, stdout, stderr };
}
