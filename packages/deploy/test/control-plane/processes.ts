import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

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
