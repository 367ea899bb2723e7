import { readFileSync, statSync } from "node:fs";
import { printable } from "@git-vault/core";
import { KeyError } from "@git-vault/keys";
import { SharingError } from "../errors.ts";

/** What `@git-vault/keys` takes of `~/.ssh/config`; it takes less of a key file, and says so. */
const MAX_FILE = 1024 * 1024;

/** A file's content; null if there is none. Pipes and the like are not opened. */
export function readFile(path: string): Buffer | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  if (!stat.isFile()) throw new KeyError("MALFORMED_KEY", "it is not a file");
  if (stat.size > MAX_FILE) {
    throw new KeyError("MALFORMED_KEY", `it is too large for a private key (${stat.size} bytes)`);
  }
  return readFileSync(path);
}

/** As `readFile`, for a private key file that was named: that it cannot be read ends the run. */
export function readNamedFile(path: string): Buffer | null {
  try {
    return readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "it failed";
    const reason = cause instanceof KeyError ? cause.message : code;
    throw new SharingError("KEY_FILE_UNREADABLE", `cannot read the private key ${printable(path)}: ${reason}`, {
      cause,
    });
  }
}

/** The `.pub` file beside a key that was named, which only helps. */
export function readIfAny(path: string): Buffer | null {
  try {
    return readFile(path);
  } catch {
    return null;
  }
}
