import { createHmac } from "node:crypto";
import { entryOf } from "./blob.ts";
import type { KeyFile } from "./key-file.ts";

const CONTEXT = "git-vault key id";
const KEY_ID_BYTES = 16;

/** Tells whether `text` has the form of a key's id. */
export const isKeyId = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

/**
 * Names a key without telling anything of it: the first 16 bytes of HMAC-SHA-256(HMAC key,
 * "git-vault key id"), in 32 lower-case hexadecimal digits. It is that of the key's version 0,
 * which files are encrypted with; the key's name does not matter.
 *
 * @throws GitCryptError MALFORMED_KEY_FILE where the key has no version 0.
 */
export const keyId = (keyFile: KeyFile): string =>
  createHmac("sha256", entryOf(keyFile).hmacKey).update(CONTEXT).digest().toString("hex", 0, KEY_ID_BYTES);

/**
 * Proves that whoever wrote `data` had the key: HMAC-SHA-256(HMAC key, label, a zero byte, data),
 * 32 bytes. It is made with the key's version 0, and tells nothing of it.
 *
 * @param label what it is for, without a zero byte, so that a proof of one thing is none of another
 * @throws GitCryptError MALFORMED_KEY_FILE where the key has no version 0.
 */
export const keyMac = (keyFile: KeyFile, label: string, data: Uint8Array): Buffer =>
  createHmac("sha256", entryOf(keyFile).hmacKey).update(`${label}\0`).update(data).digest();
