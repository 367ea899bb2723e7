// What a fresh clone needs before anything can run, on a machine that has only Node and git: the
// pinned pnpm, the dependencies as locked, and a build. It imports nothing that has to be
// installed.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { packageManager, engines } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));

/**
 * Runs a program in the project's root with its output shown; ends this one with its exit code
 * where it fails.
 */
function runShown(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32", // npx and pnpm are batch files there
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...env },
  });
  if (error) console.error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * Runs the pnpm that package.json pins: the installed one where it is that version, else by npx.
 */
export function pnpm(args, env) {
  const version = packageManager.split("@").at(-1);
  const installed = spawnSync("pnpm", ["--version"], {
    cwd: "/",
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (installed.stdout?.trim() === version) runShown("pnpm", args, env);
  else runShown("npx", ["-y", packageManager, ...args], env);
}

/** Installs and builds. */
export function prepare() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`git-vault needs Node ${engines.node}; this is ${process.version}`);
    process.exit(1);
  }
  pnpm(["install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=warn"]);
  pnpm(["exec", "turbo", "run", "build", "--output-logs=errors-only"]);
}
