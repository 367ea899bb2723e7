export { decryptBlob, encryptBlob, isEncryptedBlob } from "./blob.ts";
export { GitCryptError, type GitCryptErrorCode } from "./errors.ts";
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
export { openRepository, type OpenRepositoryOptions, type Repository, type StoredKey } from "./repository.ts";
