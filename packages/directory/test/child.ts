import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { temporaryFolder } from "@git-vault/testkit";
import { bundleProgram } from "@git-vault/testkit/program";
import { afterAll } from "vitest";
import type { KeyKind } from "../src/index.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const program = await bundleProgram(join(import.meta.dirname, "look-up.mjs"), folder.path, { separate: true });

/** How one lookup ended in the child. */
export interface ChildResult {
  readonly name?: string;
  readonly fingerprints?: (string | null)[];
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

/** What the child tells of lookups: how each ended, and the parts of Node that are loaded. */
interface Answer {
  readonly results: ChildResult[];
  readonly internals: string[];
}

/** A Node of its own that looks recipients up, one list after another. */
export interface Child extends AsyncDisposable {
  lookUp(
    queries: readonly string[],
    env?: Record<string, string>,
    kind?: KeyKind | "signer",
    allowHttp?: boolean,
  ): Promise<Answer>;
  /** Lets it end, which must go well, and gives what it said on stderr. */
  end(): Promise<string>;
}

/** Starts a child with an environment, for what that decides before the first line runs. */
export function startChild(env: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, [program], { cwd: folder.path, env: { PATH: process.env["PATH"], ...env } });
  let stderr = "";
  child.stderr.on("data", (piece) => (stderr += String(piece)));
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async lookUp(queries, lookUpEnv = {}, kind = "ssh", allowHttp = false) {
      child.stdin.write(`${JSON.stringify({ queries, kind, env: lookUpEnv, allowHttp })}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the child ended: ${stderr}`);
      return JSON.parse(value) as Answer;
    },
    async end() {
      child.stdin.end();
      const status = await closed;
      if (status !== 0) throw new Error(`the child ended with ${status}: ${stderr}`);
      return stderr;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await closed;
    },
  };
}
