import { readTracked, type Repository } from "@git-vault/git-crypt";
import { isEntryId, MAX_ENTRY_BYTES, type BadFile, type LogFile } from "@git-vault/members";
import { LOG_FOLDER } from "../log-places.ts";

/** Blobs that were read, by git's names for them: branches mostly hold the same entries. */
export type SeenBlobs = Map<string, Buffer>;

/** What the index holds of the log, or a commit. */
export interface LogFolder {
  /** The files by entries' names. */
  readonly files: readonly LogFile[];
  /** What has an entry's name, and is no file or too large for an entry. */
  readonly bad: readonly BadFile[];
  /** Whether all of them are here: a partial clone may lack some. */
  readonly isWhole: boolean;
}

/**
 * Reads what the index holds of the log, or a commit. What is not named as an entry is left out.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function readLogFolder(repository: Repository, commit?: string, seen?: SeenBlobs): LogFolder {
  const named = readTracked(repository, LOG_FOLDER, { most: MAX_ENTRY_BYTES, commit, seen, isFlat: true }).flatMap(
    (file) => {
      const name = file.path.slice(LOG_FOLDER.length + 1);
      return isEntryId(name) ? [{ ...file, name }] : [];
    },
  );
  return {
    files: named.flatMap(({ name, content }) => (content === null ? [] : [{ name, bytes: content }])),
    bad: named.flatMap(({ name, content, bytes, isHere }) =>
      content !== null || !isHere ? [] : [{ name, problem: bytes === 0 ? "it is no regular file" : "it is too large" }],
    ),
    isWhole: named.every(({ isHere }) => isHere),
  };
}

/**
 * The files alone.
 *
 * @throws GitCryptError GIT_FAILED
 */
export const readLogFiles = (repository: Repository, commit?: string, seen?: SeenBlobs): readonly LogFile[] =>
  readLogFolder(repository, commit, seen).files;
