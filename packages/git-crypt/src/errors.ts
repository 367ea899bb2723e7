import { VaultError } from "@git-vault/errors";

/**
 * - `NOT_A_REPOSITORY`: the path is in no git repository
 * - `UNTRUSTED_REPOSITORY`: git refuses the repository because it belongs to another user
 * - `GIT_MISSING`: there is no git program
 * - `GIT_FAILED`: git failed for another reason, which the message repeats
 * - `NOT_GIT_CRYPT`: nothing in the repository speaks of git-crypt
 * - `LOCKED`: the repository uses git-crypt and holds no key
 * - `NO_SUCH_KEY`: the repository holds keys, but not the named one
 * - `INVALID_KEY_NAME`: the name of a key is not one that git-crypt allows
 * - `KEY_FILE_UNREADABLE`: the key file is there and cannot be read
 * - `MALFORMED_KEY_FILE`: the bytes are not a key file, or not one that can be used safely
 * - `MALFORMED_BLOB`: the bytes are not an encrypted blob
 * - `TAMPERED_BLOB`: the blob was changed, or encrypted with another key
 */
export type GitCryptErrorCode =
  | "NOT_A_REPOSITORY"
  | "UNTRUSTED_REPOSITORY"
  | "GIT_MISSING"
  | "GIT_FAILED"
  | "NOT_GIT_CRYPT"
  | "LOCKED"
  | "NO_SUCH_KEY"
  | "INVALID_KEY_NAME"
  | "KEY_FILE_UNREADABLE"
  | "MALFORMED_KEY_FILE"
  | "MALFORMED_BLOB"
  | "TAMPERED_BLOB";

/** What `@git-vault/git-crypt` throws. */
export class GitCryptError extends VaultError<GitCryptErrorCode> {}
