import type { DeployErrorCode } from "@git-vault/deploy";
import type { GitCryptErrorCode } from "@git-vault/git-crypt";

/** What the exit codes mean, as `vault help exit-codes` shows them. */
export const EXIT_CODES = {
  0: "done",
  1: "failed",
  2: "wrong usage, or a question that could not be asked",
  3: "no identity matches, or no usable key",
  4: "authentication needed, or a wrong passphrase",
  5: "tampered or malformed input",
  6: "network",
  7: "findings",
  8: "stale plan",
  130: "interrupted",
} as const;

export type ExitCode = keyof typeof EXIT_CODES;

/** What the exit codes say of a repository. */
const OF_REPOSITORY: Readonly<Record<GitCryptErrorCode, ExitCode>> = {
  NOT_A_REPOSITORY: 1,
  UNTRUSTED_REPOSITORY: 1,
  GIT_MISSING: 1,
  GIT_FAILED: 1,
  NOT_GIT_CRYPT: 1,
  LOCKED: 1,
  NO_SUCH_KEY: 1,
  INVALID_KEY_NAME: 2,
  KEY_FILE_UNREADABLE: 1,
  MALFORMED_KEY_FILE: 5,
  MALFORMED_BLOB: 5,
  TAMPERED_BLOB: 5,
  RETIRED_KEY: 3,
  NO_WORK_TREE: 1,
  WRONG_KEY: 3,
  OTHER_KEY: 1,
  ALREADY_USED: 1,
  MODIFIED: 1,
  OTHER_WORKTREES: 1,
  INDEX_LOCKED: 1,
  UNWRITABLE: 1,
  HALFWAY: 1,
  NO_SUCH_REVISION: 1,
  NO_SUCH_FILE: 1,
  BAD_PROTOCOL: 5,
  UNFINISHED: 1,
  NO_BRANCH: 1,
  NO_ROTATION: 1,
  BRANCH_MOVED: 1,
  HOOKS_ELSEWHERE: 1,
};

/** What they say of a project that is deployed. */
const OF_PROJECT: Readonly<Record<DeployErrorCode, ExitCode>> = {
  NO_PROJECT: 1,
  INVALID_SETTINGS: 5,
  NO_SUCH_ENVIRONMENT: 2,
  MISSING_FILE: 1,
  EMPTY_LAYER: 1,
  TOO_LARGE: 5,
  MALFORMED_YAML: 5,
  TOO_MANY_ALIASES: 5,
  DUPLICATE_KEY: 5,
  SEVERAL_DOCUMENTS: 5,
  NOT_A_CHART: 5,
  SECRET_IN_CHART: 1,
  LOCKED: 1,
  WRONG_KEY: 3,
  NOT_A_KEY: 5,
  TAMPERED_FILE: 5,
  UNPINNED_DEPENDENCY: 1,
  UNLOCKED_DEPENDENCY: 1,
  MISSING_ARCHIVE: 1,
  ARCHIVE_MISMATCH: 5,
  NO_WORK_TREE: 1,
  FETCH_FAILED: 6,
  TOOL_MISSING: 1,
  UNSUPPORTED_TOOL: 1,
  TOOL_FAILED: 1,
  INTERRUPTED: 130,
};

/** Where an error's code is not listed here, the run has simply failed (1). */
const BY_ERROR_CODE: Readonly<Record<string, ExitCode>> = {
  ...OF_REPOSITORY,
  ...OF_PROJECT,
  USAGE: 2,
  PASSPHRASE_REQUIRED: 2,
  INVALID_RECIPIENT: 2,
  UNSUPPORTED_RECIPIENT: 2,
  NO_RECIPIENTS: 2,
  INVALID_KEY_CHOICE: 2,
  INVALID_SETTING: 2,
  MIXED_RECIPIENTS: 2,
  CANNOT_SIGN: 2,
  NO_IDENTITY_MATCHED: 3,
  NO_USABLE_KEY: 3,
  NO_KEY_GIVEN: 3,
  NO_SIGNING_KEY: 3,
  UNUSABLE_RECIPIENT: 3,
  NO_KEYS: 3,
  NOT_FOUND: 3,
  UNSUPPORTED_KEY: 3,
  AUTHENTICATION_REQUIRED: 4,
  WRONG_PASSPHRASE: 4,
  UNKNOWN_FORMAT: 5,
  MALFORMED_MESSAGE: 5,
  TAMPERED_MESSAGE: 5,
  MALFORMED_KEY: 5,
  MALFORMED_SIGNATURE: 5,
  BAD_SIGNATURE: 5,
  UNSIGNED: 5,
  SIGNER_DENIED: 5,
  WORK_FACTOR: 5,
  NETWORK: 6,
  SIGNER_UNCHECKED: 6,
  RATE_LIMITED: 6,
  BAD_ANSWER: 6,
};

/** The exit code for an error with that `code`. */
export const exitCodeOf = (code: string): ExitCode =>
  (Object.hasOwn(BY_ERROR_CODE, code) ? BY_ERROR_CODE[code] : 1) ?? 1;
