import { systemCode, VaultError } from "@git-vault/core";

/**
 * - `NOT_A_REPOSITORY`: the path is in no git repository
 * - `UNTRUSTED_REPOSITORY`: git refuses the repository because it belongs to another user
 * - `GIT_MISSING`: there is no git program
 * - `GIT_FAILED`: git failed for another reason, which the message repeats
 * - `TOO_MANY_FILES`: a commit lists more files than can be read
 * - `NOT_GIT_CRYPT`: nothing in the repository speaks of git-crypt
 * - `LOCKED`: the repository uses git-crypt and holds no key
 * - `NO_SUCH_KEY`: the repository holds keys, but not the named one
 * - `INVALID_KEY_NAME`: the name of a key is not one that git-crypt allows
 * - `INVALID_PATTERN`: no file can fit the pattern in `.gitattributes`
 * - `KEY_FILE_UNREADABLE`: the key file is there and cannot be read
 * - `MALFORMED_KEY_FILE`: the bytes are not a key file, or not one that can be used safely
 * - `MALFORMED_BLOB`: the bytes are not an encrypted blob
 * - `TAMPERED_BLOB`: the blob was changed, or encrypted with another key
 * - `UNOPENED`: protected files that no key here opens, which a rotation would leave as they are
 * - `RETIRED_KEY`: the key was replaced by a new one, which this clone does not have
 * - `NO_CURRENT_KEY`: the branch names no key of that name to encrypt with
 * - `NO_WORK_TREE`: the repository has no work tree, and the action needs one
 * - `WRONG_KEY`: the key does not open the files that are protected under its name
 * - `OTHER_KEY`: another key of the same name lies in the repository, or the key is none of its
 *   members'
 * - `ALREADY_USED`: the repository's files are already encrypted, and a new key would not open them
 * - `MODIFIED`: protected files hold changes that are not staged, or are in conflict
 * - `OTHER_WORKTREES`: other work trees share the key and hold decrypted files
 * - `INDEX_LOCKED`: another git command holds the index
 * - `CONFIG_LOCKED`: another program is writing the repository's configuration
 * - `UNWRITABLE`: a file cannot be written
 * - `HALFWAY`: some files are encrypted and others decrypted, and neither could be undone; running
 *   the command again finishes it
 * - `NO_SUCH_REVISION`: the name is no revision of this repository
 * - `NO_SUCH_FILE`: the revision holds no such file, or the object is not here
 * - `BAD_PROTOCOL`: what came is not git's protocol for filters
 * - `UNFINISHED`: a rotation, or a merge, a rebase and the like, was begun and must be ended first
 * - `NO_BRANCH`: HEAD is not on the branch that is meant, or on none that has a commit
 * - `NO_ROTATION`: no rotation was begun that could be continued or aborted
 * - `BRANCH_MOVED`: commits were made meanwhile
 * - `HOOKS_ELSEWHERE`: git looks for hooks outside the repository
 * - `FOREIGN_HOOK`: the check cannot be written into the hook that is there
 */
export type GitCryptErrorCode =
  | "NOT_A_REPOSITORY"
  | "UNTRUSTED_REPOSITORY"
  | "GIT_MISSING"
  | "GIT_FAILED"
  | "TOO_MANY_FILES"
  | "NOT_GIT_CRYPT"
  | "LOCKED"
  | "NO_SUCH_KEY"
  | "INVALID_KEY_NAME"
  | "INVALID_PATTERN"
  | "KEY_FILE_UNREADABLE"
  | "MALFORMED_KEY_FILE"
  | "MALFORMED_BLOB"
  | "TAMPERED_BLOB"
  | "UNOPENED"
  | "RETIRED_KEY"
  | "NO_CURRENT_KEY"
  | "NO_WORK_TREE"
  | "WRONG_KEY"
  | "OTHER_KEY"
  | "ALREADY_USED"
  | "MODIFIED"
  | "OTHER_WORKTREES"
  | "INDEX_LOCKED"
  | "CONFIG_LOCKED"
  | "UNWRITABLE"
  | "HALFWAY"
  | "NO_SUCH_REVISION"
  | "NO_SUCH_FILE"
  | "BAD_PROTOCOL"
  | "UNFINISHED"
  | "NO_BRANCH"
  | "NO_ROTATION"
  | "BRANCH_MOVED"
  | "HOOKS_ELSEWHERE"
  | "FOREIGN_HOOK";

/** What `@git-vault/git-crypt` throws. */
export class GitCryptError extends VaultError<GitCryptErrorCode> {}

/** The repository's own folder takes no file: it is read-only, or the disk is full. */
export const unwritableFolder = (cause: unknown, reason: string = systemCode(cause) ?? "unknown"): GitCryptError =>
  new GitCryptError("UNWRITABLE", `the repository's .git cannot be written: ${reason}`, {
    hint: "check its permissions and the space left, then run the command again",
    cause,
  });
