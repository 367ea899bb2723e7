import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { encryptBlob, isEncryptedBlob } from "../format/blob.ts";
import { GitCryptError } from "../errors.ts";
import { reasonOf, tryGit } from "../git/git.ts";
import { DEFAULT_KEY_NAME } from "../format/key-name.ts";
import type { KeyFile } from "../format/key-file.ts";
import type { Repository } from "../git/repository.ts";
import { makeTempFolder, removeTempFolders } from "../git/temp-folder.ts";
import { type KeyRing, readKeyRing } from "../keys/key-ring.ts";

/** What git hands to a merge driver; see "Defining a custom merge driver" in gitattributes. */
export interface MergeOptions {
  /** The files of `%O`, `%A` and `%B`, encrypted; the result replaces `ours`. */
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
  /** `%L`: how long the markers of a conflict are; 7 where left out. */
  readonly markerSize?: number;
  /** The key that the result is encrypted with: `default` where left out. */
  readonly keyName?: string;
  /**
   * Has the log looked at on other branches, where no key that is known opens one of them: what is
   * merged may need a key that is not here yet.
   */
  readonly lookElsewhere?: () => void;
  /** Is told why one of them is not opened, by any key, now or later. */
  readonly onUnopened?: (reason: GitCryptError) => void;
}

const SIDES = ["ours", "base", "theirs"] as const;
type Side = (typeof SIDES)[number];

/**
 * The key of the branch. Where theirs is the rotation of just that key, the merge makes theirs that
 * of the branch: git asks the driver before its index says so.
 */
function keyFor(keys: KeyRing, { base, theirs }: Record<Side, KeyFile | null>): KeyFile {
  const key = keys.encrypting();
  return theirs !== null && theirs !== key && base === key && keys.isSuccessor(theirs, key) ? theirs : key;
}

/** git merge-file gives the number of conflicts, cut off here; above it are errors. */
const MOST_CONFLICTS = 127;

/**
 * Merges three versions of a protected file as git merges text: decrypts each with the key that it
 * needs, runs `git merge-file` and leaves the result in `ours`, encrypted with the branch's key or,
 * where that is what is merged, with the one that replaced it. Empty files are contents like
 * others. A conflict leaves its markers in the content; where a version is binary, or one
 * that no key opens, `ours` stays as it is and counts as a conflict.
 *
 * Gives what the driver's process must end with: 0 for a clean merge, else the number of conflicts,
 * up to 127. For the time of the merge the decrypted versions lie in the repository's folder,
 * readable by its owner alone.
 *
 * @throws GitCryptError as readKey does; RETIRED_KEY, where a key that is not here may open it;
 * NO_CURRENT_KEY; GIT_FAILED. The process must then end with 129 or more.
 */
export function merge(repository: Repository, options: MergeOptions): number {
  const { keyName = DEFAULT_KEY_NAME, markerSize = 7 } = options;
  const keys = readKeyRing(repository, keyName);
  const folder = makeTempFolder(repository.gitDir);
  const at = (path: string): string => resolve(repository.topLevel ?? repository.gitDir, path);
  const openSide = (side: Side): KeyFile | null => {
    const blob = readFileSync(at(options[side]));
    const found = keys.tryOpen(blob, true);
    if (found === null && isEncryptedBlob(blob) && !keys.isLacking) options.lookElsewhere?.();
    const content = found?.content ?? keys.smudge(blob);
    writeFileSync(join(folder, side), content, { mode: 0o600 });
    content.fill(0);
    return found?.key ?? null;
  };
  try {
    const key = keyFor(keys, { ours: openSide("ours"), base: openSide("base"), theirs: openSide("theirs") });
    const labels = SIDES.flatMap((side) => ["-L", side]);
    const files = SIDES.map((side) => join(folder, side));
    const args = ["merge-file", "-p", `--marker-size=${markerSize}`, ...labels, ...files];
    const { status, stdout, stderr } = tryGit(repository, args);
    if (/cannot merge binary files/i.test(stderr)) return 1;
    if (status === null || status > MOST_CONFLICTS) {
      throw new GitCryptError("GIT_FAILED", `git merge-file failed: ${reasonOf({ stderr })}`);
    }
    writeFileSync(at(options.ours), encryptBlob(key, stdout));
    stdout.fill(0);
    return status;
  } catch (error) {
    const isUnopened = error instanceof GitCryptError && ["TAMPERED_BLOB", "MALFORMED_BLOB"].includes(error.code);
    if (!isUnopened) throw error;
    // git then has a conflict: the one who merges decides, and junk keeps nobody from merging.
    options.onUnopened?.(error);
    return 1;
  } finally {
    removeTempFolders(repository.gitDir);
    keys.wipe();
  }
}
