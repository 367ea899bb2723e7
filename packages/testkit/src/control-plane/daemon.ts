import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { once } from "node:events";

/** A program that runs until it is interrupted. */
export interface Daemon {
  readonly name: string;
  /** Starts it, or starts it again after it ended. */
  start(): void;
  /** Ends it at once, and does not wait for that. */
  kill(): void;
  /** Ends it, and waits until it has. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Holds it, and lets it go on. */
  pause(): void;
  resume(): void;
  /** The last lines that it wrote. */
  log(): string;
}

/** @param log the file that takes what it writes */
export function daemon(name: string, path: string, args: readonly string[], log: string): Daemon {
  let child: ReturnType<typeof spawn> | null = null;
  return {
    name,
    start() {
      const file = openSync(log, "a");
      // It ends with this process, however that ends.
      const words = ["--pdeathsig", "KILL", path, ...args];
      child = spawn("setpriv", words, { stdio: ["ignore", file, file], env: { PATH: process.env["PATH"], TZ: "UTC" } });
      child.on("error", () => {});
      closeSync(file);
    },
    kill: () => void child?.kill("SIGKILL"),
    async stop(signal = "SIGTERM") {
      if (child === null || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill(signal);
      // One that is held does not take the signal before it goes on.
      child.kill("SIGCONT");
      await ended;
    },
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    log: () => readFileSync(log, "utf8").split("\n").slice(-20).join("\n"),
  };
}
