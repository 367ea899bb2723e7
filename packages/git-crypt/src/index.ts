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
export { keyId, keyMac } from "./format/key-id.ts";
/* A repository, and what git holds. */
export { GitCryptError, type GitCryptErrorCode } from "./errors.ts";
export { openRepository, type OpenRepositoryOptions, type Repository, type StoredKey } from "./git/repository.ts";
export { gitSetting } from "./git/git.ts";
export { grantFolderOf, VAULT_FOLDER } from "./git/own-folders.ts";
export type { PathFinding, PathProblem, RepositoryFinding } from "./git/finding.ts";
export { checkStaged, clearInHistory } from "./git/plaintext.ts";
export {
  readRemoved,
  type RemovedFile,
  readTracked,
  type TrackedFile,
  uncommittedFiles,
  upstreamOf,
} from "./git/tracked-files.ts";
/* Its keys. */
export { KeyRing, readKeyRing } from "./keys/key-ring.ts";
export { shareAncestor } from "./keys/join-keys.ts";
export { readRotations, type Rotations } from "./keys/retirements.ts";
export { type Fit, tryKey } from "./keys/try-key.ts";
/* Its work tree: locked, unlocked, and what git runs. */
export { type FilterAction, filterContent, type FilterOptions, runFilter } from "./checkout/filter.ts";
export type { FilterCommands } from "./checkout/filter-config.ts";
export { attributesFor, exceptionsFor, initialize, type InitializeOptions, migrateKey } from "./checkout/initialize.ts";
export { lock, type LockOptions, type LockResult } from "./checkout/lock.ts";
export { merge, type MergeOptions } from "./checkout/merge-driver.ts";
export { type HookCommands, type InstalledHook, installHook, removeHook } from "./checkout/pre-commit-hook.ts";
export { type FileAtRevision, readProtected, type ReadProtectedOptions } from "./checkout/read-protected.ts";
export { Revision, type RevisionFile } from "./checkout/revision.ts";
export type { Progress } from "./checkout/rewrite-files.ts";
export { unlock, type UnlockedKey, type UnlockOptions, type UnlockResult } from "./checkout/unlock.ts";
/* Replacing a key. */
export { commitFiles, type CommitFilesOptions } from "./rotation/commit-files.ts";
export type { FilesToCommit } from "./rotation/build-commit.ts";
export { abortRotation, continueRotation, rotate, type RotateOptions, type RotateResult } from "./rotation/rotate.ts";
/* What is wrong with it. */
export { diagnose, type Diagnosis, type SetupFinding, type SetupProblem } from "./status/diagnose.ts";
export { fix } from "./status/fix.ts";
export {
  type KeyStatus,
  type Problem,
  type ProtectedFile,
  status,
  type Status,
  type StatusOptions,
} from "./status/status.ts";
