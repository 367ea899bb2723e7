import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { peer, run, type DeployWorld } from "@git-vault/testkit";
import { VAULT } from "./program.ts";

const unescaped = (trace: string): string =>
  trace.replaceAll(/\\x([\da-f]{2})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));

/** What a run did. */
export interface Traced {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** All that was written to files, but for those of `memory`. */
  readonly files: string;
  /** What was written to files in memory that have no name. */
  readonly memory: string;
  /** All command lines and environments. */
  readonly commands: string;
}

/**
 * Runs the built command under strace, which tells all that it and the programs that it starts
 * write and are started with.
 */
export async function traced(world: DeployWorld, helm: string, args: readonly string[]): Promise<Traced> {
  const traces = join(world.repository.folder, "traces");
  rmSync(traces, { recursive: true, force: true });
  mkdirSync(traces);
  const calls = "trace=execve,write,pwrite64,writev,sendfile,copy_file_range";
  const { status, stdout, stderr } = await run(
    peer("strace").path,
    [
      "--seccomp-bpf",
      "-ff",
      "-qq",
      "-y",
      "-xx",
      "-v",
      "-s",
      "1000000",
      "-e",
      calls,
      "-o",
      join(traces, "t"),
      VAULT,
      ...args,
    ],
    { cwd: world.repository.path, env: world.environment(helm) },
  );
  const lines = readdirSync(traces).flatMap((name) => readFileSync(join(traces, name), "latin1").split("\n"));
  const toFile = /^\w+\(\d+<(?:\\x[\da-f]{2})*>/;
  // Pipes, sockets and anonymous inodes are no files.
  const toNoFile = /^\w+\(\d+<\\x(?:70\\x69|73\\x6f|61\\x6e)/;
  const written = lines.filter((line) => toFile.test(line) && !toNoFile.test(line)).map(unescaped);
  const isInMemory = (line: string): boolean => /^\w+\(\d+<\/dev\/shm\/#\d+/.test(line);
  const started = lines.filter((line) => line.startsWith("execve("));
  return {
    status,
    stdout: stdout.toString(),
    stderr,
    files: written.filter((line) => !isInMemory(line)).join("\n"),
    memory: written.filter(isInMemory).join("\n"),
    // The first one is vault's own, which is given the key.
    commands: unescaped(started.filter((line) => !unescaped(line).includes("main.cjs")).join("\n")),
  };
}
