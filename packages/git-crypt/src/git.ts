import { spawnSync } from "node:child_process";
import { GitCryptError } from "./errors.ts";

/** How a git command ended. */
export interface GitResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const OUR_ENVIRONMENT = {
  // Messages are recognised, so they must be git's own.
  LC_ALL: "C",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  // A partial clone must not go to the network for what it lacks: newer gits know the first, all know the second.
  GIT_NO_LAZY_FETCH: "1",
  GIT_ALLOW_PROTOCOL: "none",
};

/**
 * Runs git in the folder `cwd` without a shell, a terminal or a network, and takes no program's name from the repository's
 * configuration.
 *
 * @throws GitCryptError GIT_MISSING where there is no git, GIT_FAILED where it could not be run to its end.
 */
export function git(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[]): GitResult {
  const { error, status, stdout, stderr } = spawnSync("git", ["-c", "core.fsmonitor=false", ...args], {
    cwd,
    env: { ...env, ...OUR_ENVIRONMENT },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  if (error === undefined) return { status, stdout, stderr };
  if ("code" in error && error.code === "ENOENT") {
    throw new GitCryptError("GIT_MISSING", "git is not installed, or not on PATH", {
      hint: "install git",
      cause: error,
    });
  }
  throw new GitCryptError("GIT_FAILED", "git could not be run to its end", { cause: error });
}
