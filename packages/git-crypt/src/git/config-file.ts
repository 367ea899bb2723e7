import { copyFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { unwritableFolder } from "../errors.ts";
import { type CommonPlace, runGit } from "./git.ts";
import { lockHeld, removeStaleLocks, replaceLocked, retry, statOf } from "./lock-files.ts";

/**
 * Changes the configuration that the work trees of a repository share: all of it or nothing, and a
 * process that is killed leaves no lock. Where another program is writing it, this waits for a
 * second.
 *
 * @param needed gives the arguments of `git config` for each change that is still needed; it is
 * asked again where others wrote meanwhile
 * @returns whether anything had to be changed
 * @throws GitCryptError CONFIG_LOCKED; UNWRITABLE; GIT_FAILED
 */
export function changeConfig(place: CommonPlace, needed: () => readonly (readonly string[])[]): boolean {
  let path: string;
  try {
    path = realpathSync(join(place.commonDir, "config"));
  } catch (error) {
    throw unwritableFolder(error);
  }
  const done = retry(() => {
    removeStaleLocks(path);
    const changes = needed();
    if (changes.length === 0) return "nothing";
    // git changes a copy, since it would leave its lock where it is killed.
    const isReplaced = replaceLocked(path, statOf(path), (own) => {
      copyFileSync(path, own);
      for (const change of changes) runGit(place, ["config", "--file", own, ...change]);
    });
    return isReplaced && "changed";
  });
  if (done !== false) return done === "changed";
  throw lockHeld("CONFIG_LOCKED", "another program is writing the repository's configuration", path);
}
