export { decryptBlob, encryptBlob, isEncryptedBlob } from "./format/blob.ts";
export { commitFiles, type CommitFilesOptions } from "./rotation/commit-files.ts";
export { cleanContent, smudgeContent } from "./format/clean-smudge.ts";
export { GitCryptError, type GitCryptErrorCode } from "./errors.ts";
export type { FileName } from "./format/file-name.ts";
export { type FilterAction, filterContent, type FilterOptions, runFilter } from "./checkout/filter.ts";
export type { FilterCommands } from "./checkout/filter-config.ts";
export { attributesFor, exceptionsFor, initialize, type InitializeOptions, migrateKey } from "./checkout/initialize.ts";
export {
  encodeKeyFile,
  generateKeyFile,
  isKeyFile,
  type KeyFile,
  type KeyFileEntry,
  parseKeyFile,
  type SkippedField,
  wipeKeyFile,
} from "./format/key-file.ts";
export { keyFits } from "./keys/key-fit.ts";
export { keyId } from "./format/key-id.ts";
export { KeyRing, readKeyRing } from "./keys/key-ring.ts";
export { keyMac } from "./format/key-mac.ts";
export { lock, type LockOptions, type LockResult } from "./checkout/lock.ts";
export { openRepository, type OpenRepositoryOptions, type Repository, type StoredKey } from "./git/repository.ts";
export { clearInHistory } from "./git/plaintext-in-history.ts";
export type { Progress } from "./checkout/rewrite-files.ts";
export { uncommittedFiles } from "./git/uncommitted.ts";
export { unlock, type UnlockedKey, type UnlockOptions, type UnlockResult } from "./checkout/unlock.ts";
export { type Ailment, diagnose, type Diagnoses, type Diagnosis } from "./status/diagnose.ts";
export type { Finding, PathProblem, Problem } from "./git/finding.ts";
export { fix } from "./status/fix.ts";
export { type HookCommands, type InstalledHook, installHook, removeHook } from "./checkout/pre-commit-hook.ts";
export { merge, type MergeOptions } from "./checkout/merge-driver.ts";
export { type FileAtRevision, readProtected, type ReadProtectedOptions } from "./checkout/read-protected.ts";
export { Revision, type RevisionFile } from "./checkout/revision.ts";
export { abortRotation, continueRotation, rotate, type RotateOptions, type RotateResult } from "./rotation/rotate.ts";
export type { FilesToCommit } from "./rotation/build-commit.ts";
export { readRotations, type Rotations } from "./keys/retirements.ts";
export { VAULT_FOLDER } from "./keys/committed-retired-keys.ts";
export { checkStaged } from "./git/staged.ts";
export { readRemoved, type RemovedFile, readTracked, type TrackedFile, upstreamOf } from "./git/tracked-files.ts";
export { type KeyStatus, type ProtectedFile, status, type Status, type StatusOptions } from "./status/status.ts";
