import { accessSync, constants, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { typedSetting } from "../git/git.ts";
import type { Repository } from "../git/repository.ts";

/** Where git looks for this repository's hooks: `core.hooksPath` is respected. */
export function hooksFolder(repository: Repository): string {
  const said = typedSetting(repository, "core.hooksPath", "path") ?? join(repository.commonDir, "hooks");
  return resolve(repository.topLevel ?? repository.gitDir, said);
}

/**
 * The bytes of a file that git would run, or that a shell reads; null where there is none.
 *
 * @param mode of `access`
 */
export function readScript(path: string, mode: number = constants.R_OK): string | null {
  try {
    if (process.platform !== "win32") accessSync(path, mode);
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
}
