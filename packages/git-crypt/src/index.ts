export { decryptBlob, encryptBlob, isEncryptedBlob } from "./blob.ts";
export { commitFiles, type CommitFilesOptions } from "./commit-files.ts";
export { cleanContent, smudgeContent } from "./content.ts";
export { GitCryptError, type GitCryptErrorCode } from "./errors.ts";
export type { FileName } from "./file-name.ts";
export { type FilterAction, filterContent, type FilterOptions, runFilter } from "./filter.ts";
export type { FilterCommands } from "./filter-config.ts";
export { attributesFor, exceptionsFor, initialize, type InitializeOptions, migrateKey } from "./initialize.ts";
export {
  encodeKeyFile,
  generateKeyFile,
  isKeyFile,
  type KeyFile,
  type KeyFileEntry,
  parseKeyFile,
  type SkippedField,
  wipeKeyFile,
} from "./key-file.ts";
export { keyFits } from "./key-fit.ts";
export { keyId } from "./key-id.ts";
export { KeyRing, readKeyRing } from "./key-ring.ts";
export { keyMac } from "./key-mac.ts";
export { lock, type LockOptions, type LockResult } from "./lock.ts";
export { openRepository, type OpenRepositoryOptions, type Repository, type StoredKey } from "./repository.ts";
export { clearInHistory } from "./history.ts";
export type { Progress } from "./rewriting.ts";
export { uncommittedFiles } from "./uncommitted.ts";
export { unlock, type UnlockedKey, type UnlockOptions, type UnlockResult } from "./unlock.ts";
export { type Ailment, diagnose, type Diagnoses, type Diagnosis } from "./diagnose.ts";
export type { Finding, PathProblem, Problem } from "./finding.ts";
export { fix } from "./fix.ts";
export { type HookCommands, type InstalledHook, installHook, removeHook } from "./hook.ts";
export { merge, type MergeOptions } from "./merge.ts";
export { type FileAtRevision, readProtected, type ReadProtectedOptions } from "./read-protected.ts";
export { Revision, type RevisionFile } from "./revision.ts";
export { abortRotation, continueRotation, rotate, type RotateOptions, type RotateResult } from "./rotate.ts";
export type { FilesToCommit } from "./rotation-commit.ts";
export { readRotations, type Rotations } from "./rotations.ts";
export { VAULT_FOLDER } from "./sealed-retired.ts";
export { checkStaged } from "./staged.ts";
export { readRemoved, type RemovedFile, readTracked, type TrackedFile, upstreamOf } from "./tracked-files.ts";
export { type KeyStatus, type ProtectedFile, status, type Status, type StatusOptions } from "./status.ts";
