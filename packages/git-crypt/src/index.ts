/* The formats: key files and encrypted blobs. */
export { decryptBlob, encryptBlob, isEncryptedBlob } from "./format/blob.ts";
export type { FileName } from "./format/file-name.ts";
export {
  encodeKeyFile,
  generateKeyFile,
  isKeyFile,
  type KeyFile,
  type KeyFileEntry,
  parseKeyFile,
  wipeKeyFile,
} from "./format/key-file.ts";
export { keyId } from "./format/key-id.ts";
/* A repository, and what git holds. */
export { GitCryptError, type GitCryptErrorCode } from "./errors.ts";
export {
  type Generations,
  openRepository,
  type OpenRepositoryOptions,
  type Repository,
  type StoredKey,
} from "./git/repository.ts";
export type { Remembering } from "./answers.ts";
export {
  bytesOf,
  commitOf,
  commitsOf,
  gitSetting,
  hasSettings,
  remoteNames,
  remoteUrls,
  symbolicOf,
  textOf,
  tryGit,
} from "./git/git.ts";
export { isFromClone, leadsOutOfWorkTree, liesInWorkTree } from "./git/worktrees.ts";
export { foreignAttributes, shieldOwnFolders } from "./git/own-attributes.ts";
export { protectedKeyNames } from "./git/protected-files.ts";
export { fetchOwnFiles, hasOwnFiles } from "./git/partial-clone.ts";
export { grantFolderOf, VAULT_FOLDER } from "./git/own-folders.ts";
export type { PathFinding, RepositoryFinding } from "./git/finding.ts";
export { checkStaged } from "./checkout/check-staged.ts";
export { clearInHistory } from "./git/clear-in-history.ts";
export { whileSame } from "./git/file-memory.ts";
export { blobsInIndex, digestBelow, digestOf } from "./git/index-file.ts";
export { isPartialClone, readBlobs, sizesOf } from "./git/objects.ts";
export {
  type ChosenBlobs,
  filesToCommit,
  readChosenBlobs,
  readSmallBlobs,
  readTracked,
  type TrackedFile,
  uncommittedFiles,
} from "./git/tracked-files.ts";
/* Its keys. */
export { KeyRing, readKeyRing } from "./keys/key-ring.ts";
export { tryKey } from "./keys/try-key.ts";
/* Its work tree: locked, unlocked, and what git runs. */
export { filterContent, type FilterOptions, runFilter } from "./checkout/filter.ts";
export type { FilterAction } from "./checkout/filter-protocol.ts";
export type { FilterCommands } from "./checkout/filter-config.ts";
export { attributesFor, exceptionsFor, initialize, migrateKey } from "./checkout/initialize.ts";
export { guardKeys } from "./checkout/guard.ts";
export { runAttributesFilter, watchAttributes } from "./checkout/watched-attributes.ts";
export { lock, type LockResult } from "./checkout/lock.ts";
export { merge } from "./checkout/merge-driver.ts";
export type { HookManager } from "./checkout/hook-managers.ts";
export { HOOK_TEST, testHook, type HookTestOutcome } from "./checkout/hook-test.ts";
export {
  type HookCommands,
  installHook,
  lackingProgram,
  type LackingHook,
  removeHook,
  renewHook,
} from "./checkout/pre-commit-hook.ts";
export { readProtected } from "./checkout/read-protected.ts";
export { Revision, type RevisionFile } from "./checkout/revision.ts";
export type { Progress } from "./checkout/rewrite-files.ts";
export { unlock, type UnlockOptions, type UnlockResult } from "./checkout/unlock.ts";
/* Replacing a key. */
export { commitFiles } from "./rotation/commit-files.ts";
export { unopenedFiles } from "./rotation/build-commit.ts";
export { unopenedOf } from "./rotation/preconditions.ts";
export { abortRotation, continueRotation, rotate, type RotateResult } from "./rotation/rotate.ts";
export { assertNoRotation } from "./keys/rotation-journal.ts";
/* What is wrong with it. */
export { diagnose, type Diagnosis, type SetupFinding } from "./status/diagnose.ts";
export { fix } from "./status/fix.ts";
export { type Problem, status, type Status } from "./status/status.ts";
