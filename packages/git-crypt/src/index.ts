export { decryptBlob, encryptBlob, isEncryptedBlob } from "./blob.ts";
export { cleanContent, smudgeContent } from "./content.ts";
export { GitCryptError, type GitCryptErrorCode } from "./errors.ts";
export type { FileName } from "./file-name.ts";
export { type FilterOptions, runFilter } from "./filter.ts";
export type { FilterCommands } from "./filter-config.ts";
export { attributesFor, initialize, type InitializeOptions, migrateKey } from "./initialize.ts";
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
export { lock, type LockOptions, type LockResult } from "./lock.ts";
export { openRepository, type OpenRepositoryOptions, type Repository, type StoredKey } from "./repository.ts";
export type { Progress } from "./rewriting.ts";
export { unlock, type UnlockedKey, type UnlockOptions, type UnlockResult } from "./unlock.ts";
