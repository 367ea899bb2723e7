import { decryptBlob, encryptBlob, isEncryptedBlob } from "./blob.ts";
import { GitCryptError } from "../errors.ts";
import type { KeyFile } from "./key-file.ts";

/** Tells whether `content` is a whole blob that this very key encrypted. */
export function isSealedWith(keyFile: KeyFile, content: Uint8Array): boolean {
  if (!isEncryptedBlob(content)) return false;
  try {
    decryptBlob(keyFile, content).fill(0);
    return true;
  } catch (error) {
    if (error instanceof GitCryptError && ["MALFORMED_BLOB", "TAMPERED_BLOB"].includes(error.code)) return false;
    throw error;
  }
}

/**
 * What git stores for a file's content: the blob that git-crypt would store, byte for byte. An
 * empty file becomes 22 bytes.
 *
 * Content that this very key encrypted already is given back as it is: a file that is still, or
 * again, locked. There alone git-crypt would encrypt twice.
 *
 * @throws GitCryptError MALFORMED_KEY_FILE where the key has no version 0; RangeError for 4 GiB and
 * more.
 */
export const cleanContent = (keyFile: KeyFile, content: Uint8Array): Uint8Array =>
  isSealedWith(keyFile, content) ? content : encryptBlob(keyFile, content);

/**
 * What the work tree holds for a blob: its content, checked to be what was encrypted. A blob that
 * is not encrypted is given back whole, however small.
 *
 * @throws GitCryptError as decryptBlob does: MALFORMED_BLOB, TAMPERED_BLOB, MALFORMED_KEY_FILE.
 */
export const smudgeContent = (keyFile: KeyFile, blob: Uint8Array): Uint8Array =>
  isEncryptedBlob(blob) ? decryptBlob(keyFile, blob) : blob;
