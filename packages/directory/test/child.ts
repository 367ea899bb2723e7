import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { KeyKind } from "../src/index.ts";

const SOURCES = fileURLToPath(new URL("../../../scripts/run-sources.mjs", import.meta.url));
// process.stdin and console.log would load what the network needs.
const PROGRAM = `
import { readSync, writeSync } from "node:fs";
import { Directory } from "@git-vault/directory";
const piece = Buffer.alloc(65536);
for (let size; (size = readSync(0, piece)) > 0; ) {
  const { queries, kind, env } = JSON.parse(piece.subarray(0, size));
  const directory = new Directory({ cacheFolder: null, timeout: 20000, env });
  const results = [];
  for (const query of queries) {
    try {
      const entries = kind === "signer" ? [await directory.resolveSigner(query)] : await directory.resolve(query, kind);
      for (const { name, keys } of entries)
        results.push({ name, fingerprints: keys.map(({ fingerprint }) => fingerprint) });
    } catch ({ code, message, hint }) {
      results.push({ code, message, hint });
    }
  }
  writeSync(1, JSON.stringify({ results, internals: process.moduleLoadList }) + "\\n");
}
`;

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
  lookUp(queries: readonly string[], env?: Record<string, string>, kind?: KeyKind | "signer"): Promise<Answer>;
  /** Lets it end, which must go well, and gives what it said on stderr. */
  end(): Promise<string>;
}

/** Starts a child with an environment, for what that decides before the first line runs. */
export function startChild(env: Record<string, string> = {}): Child {
  const args = ["--import", SOURCES, "--input-type=module", "--eval", PROGRAM];
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const child = spawn(process.execPath, args, { cwd, env: { PATH: process.env["PATH"], ...env } });
  let stderr = "";
  child.stderr.on("data", (piece) => (stderr += String(piece)));
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async lookUp(queries, lookUpEnv = {}, kind = "ssh") {
      child.stdin.write(`${JSON.stringify({ queries, kind, env: lookUpEnv })}\n`);
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
