import { systemCode } from "@git-vault/core";
import { closeSync, openSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { DirectoryEntry } from "./entry.ts";
import { DirectoryError, shown } from "./errors.ts";
import { readKeyText, type KeyTextProblem } from "./key-text.ts";
import type { Environment } from "./settings.ts";

const MAX_FILE = 1024 * 1024;
const CHUNK = 16 * 1024;

const unreadable = (message: string, hint?: string, cause?: unknown): DirectoryError =>
  new DirectoryError("FILE_UNREADABLE", message, { hint, cause });

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

/** What is wrong, as a sentence about the file, and what to do. */
function explain(error: unknown, path: string): DirectoryError {
  const name = shown(path);
  switch (systemCode(error) ?? "") {
    case "ENOENT":
    case "ENOTDIR": {
      const isTeam = /^[\w-]+\/[\w.-]+$/.test(path) && !/\.(?:pub|keys|asc|gpg|pgp)$/.test(path);
      const hint = isTeam ? `for a team on GitHub write github:${name}` : undefined;
      return unreadable(`there is no file ${name}`, hint, error);
    }
    case "EACCES":
    case "EPERM":
      return unreadable(`the file ${name} may not be read`, "check its permissions", error);
    case "EISDIR":
      return unreadable(`expected a file of public keys, got the folder ${name}`, "name a .pub file in it", error);
    default:
      return unreadable(`the file ${name} could not be read`, undefined, error);
  }
}

function problemError(problem: KeyTextProblem, path: string): DirectoryError {
  const name = shown(path);
  if (problem === "none") return new DirectoryError("NO_KEYS", `the file ${name} holds no keys`);
  if (problem === "malformed")
    return unreadable(
      `expected public keys, got something else in ${name}`,
      "a public key looks like: ssh-ed25519 AAAA… comment",
    );
  return new DirectoryError("INVALID_RECIPIENT", `expected public keys, got a private key in ${name}`, {
    hint: path.endsWith(".pub") ? "put the public key there" : `give the public key beside it: ${name}.pub`,
  });
}

/** The keys in a file. */
export async function resolveFile(path: string, env: Environment): Promise<DirectoryEntry> {
  const home = env["HOME"] ?? homedir();
  const source = resolve(/^~[/\\]/.test(path) ? join(home, path.slice(2)) : path);
  let bytes: Buffer;
  try {
    bytes = readBounded(source);
  } catch (error) {
    throw explain(error, path);
  }
  if (bytes.length > MAX_FILE)
    throw unreadable(`the file ${shown(path)} has more than ${MAX_FILE} bytes`, "name a .pub file");
  const text = await readKeyText(bytes);
  if ("keys" in text) return { name: path, source, keys: text.keys };
  throw problemError(text.problem, path);
}
