import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { bundleProgram } from "@git-vault/testkit/program";
import type { ApplyOptions } from "../../src/releases/index.ts";
import type { ControlPlaneWorld } from "./world.ts";

/** Starts deployments of what is committed, as programs of their own: see deploy-program.ts. */
export async function deployments(
  at: ControlPlaneWorld,
): Promise<(options: ApplyOptions) => ChildProcessByStdio<null, Readable, Readable>> {
  const program = await bundleProgram(join(import.meta.dirname, "deploy-program.ts"), at.repository.folder);
  const keyFile = join(at.repository.folder, "key");
  writeFileSync(keyFile, at.key.bytes);
  return (options) =>
    spawn(process.execPath, [program, at.repository.path, keyFile, JSON.stringify(options)], {
      env: at.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
}

/** Whether a process still runs. */
export const isAlive = (pid: number): boolean => statOf(pid) !== null;

/** The name of a process and its parent; null where it runs no more. */
function statOf(pid: number): { readonly name: string; readonly parent: number } | null {
  try {
    const [, name = "", state, parent] = /\((.*)\) (\S) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? [];
    return state === "Z" ? null : { name, parent: Number(parent) };
  } catch {
    return null;
  }
}

/** The Helms that a process started and that still run. */
export const helmsOf = (run: ChildProcess): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = statOf(pid);
      return stat?.parent === run.pid && stat?.name.startsWith("helm") === true;
    });

/** Kills a process, unless it has ended by itself. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
