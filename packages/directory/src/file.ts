import { closeSync, openSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { DirectoryEntry } from "./entry.ts";
import { readKeyText } from "./key-text.ts";
import type { Environment } from "./settings.ts";

const MAX_FILE = 1024 * 1024;
const CHUNK = 16 * 1024;

/** Reads from a file, or a pipe, at most one byte more than it may have. */
function readBounded(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const chunks: Buffer[] = [];
    for (let left = MAX_FILE + 1; left > 0;) {
      const chunk = Buffer.allocUnsafe(Math.min(left, CHUNK));
      const size = readSync(file, chunk);
      if (size === 0) break;
      chunks.push(chunk.subarray(0, size));
      left -= size;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(file);
  }
}

/** The keys in a file. */
export async function resolveFile(path: string, env: Environment): Promise<DirectoryEntry> {
  const home = env["HOME"] ?? homedir();
  const source = resolve(/^~[/\\]/.test(path) ? join(home, path.slice(2)) : path);
  let bytes: Buffer;
  try {
    bytes = readBounded(source);
  } catch (error) {
    throw (await import("./file-problem.ts")).explain(error, path);
  }
  if (bytes.length > MAX_FILE) throw (await import("./file-problem.ts")).tooLarge(path, MAX_FILE);
  const text = await readKeyText(bytes);
  if ("keys" in text) return { name: path, source, keys: text.keys };
  throw (await import("./file-problem.ts")).problemError(text.problem, path, source, bytes);
}
