import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Whether a process of the group still runs: one that has ended and waits to be asked does not. */
function isAnyRunning(group: number): boolean {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const [state, , itsGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(itsGroup) === group && state !== "Z" && state !== "X") return true;
    } catch {
      // It ended meanwhile.
    }
  }
  return false;
}

/**
 * Kills all processes of a group, by the number of the process that leads it, and waits until none
 * of them runs: one that is killed while it writes a file ends after that. A group that has ended
 * is no error.
 */
export async function killGroup(leader: number): Promise<void> {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    return;
  }
  while (process.platform === "linux" && isAnyRunning(leader)) await sleep(1);
}
