import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { killGroup } from "@git-vault/testkit";

/** A command that is killed while it is at work. */
export interface Victim {
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether it has begun to change something. */
  readonly begun: () => boolean;
}

/**
 * Starts the command, and kills it so many milliseconds after it began, with everything that it
 * started. Gives the milliseconds from when it began to its end, or null where it was killed.
 */
export async function killOnce(
  { command: [program, ...args], cwd, env, begun }: Victim,
  delay: number,
): Promise<number | null> {
  const child = spawn(program, args, { cwd, env, stdio: "ignore", detached: true });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on("exit", (_, signal) => {
      resolve(signal);
    });
  });
  while (child.exitCode === null && child.signalCode === null && !begun()) await sleep(1);
  const from = performance.now();
  await Promise.race([ended, sleep(delay, undefined, { ref: false })]);
  if (child.pid !== undefined) await killGroup(child.pid);
  const signal = await ended;
  return signal === "SIGKILL" ? null : performance.now() - from;
}

/**
 * Kills a command `times` times, at moments that lie evenly between when it began and when it would
 * have ended. How long that takes is measured in this test, and again whenever a kill came too
 * late; those do not count, and of four one must hit.
 *
 * @param prepare makes what the command is to change, before each run
 * @param check looks at what is left, after each run, and finishes it
 */
export async function killOften(
  times: number,
  victim: Victim,
  prepare: () => unknown,
  check: (count: number) => unknown,
): Promise<void> {
  await prepare();
  let span = (await killOnce(victim, 120_000)) ?? 0;
  await check(0);
  let hits = 0;
  for (let count = 1; hits < times; count++) {
    if (count > 4 * times) throw new Error(`only ${hits} of ${count} kills came while it was at work`);
    await prepare();
    const took = await killOnce(victim, ((hits + 0.5) / times) * span);
    if (took === null) hits += 1;
    else span = took;
    await check(count);
  }
}
