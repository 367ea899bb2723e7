import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { peer } from "./peer.ts";

// Read once: a test may change the environment later.
const CACHE = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "git-vault-tests");

/**
 * Gives a folder of what a program makes slowly and always alike, made by `make` once per machine
 * and kept in the user's cache. It is made again for other `words`, and for another version of the
 * program. Copy from it; nothing may change it.
 */
export async function kept(
  program: string,
  words: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const { size, mtimeMs } = statSync(peer(program).path);
  const name = createHash("sha256").update(JSON.stringify([program, size, mtimeMs, ...words]));
  const folder = join(CACHE, `${program}-${name.digest("hex").slice(0, 20)}`);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true, mode: 0o700 });
  const made = mkdtempSync(join(CACHE, "new-"));
  try {
    await make(made);
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    // Another worker may have been quicker, and a folder takes the place of an empty one only.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
