import { createHmac } from "node:crypto";
import { entryOf } from "./blob.ts";
import type { KeyFile } from "./key-file.ts";

/**
 * Proves that whoever wrote `data` had the key: HMAC-SHA-256(HMAC key, label, a zero byte, data),
 * 32 bytes. It is made with the key's version 0, and tells nothing of it.
 *
 * @param label what it is for, without a zero byte, so that a proof of one thing is none of another
 * @throws GitCryptError MALFORMED_KEY_FILE where the key has no version 0.
 */
export const keyMac = (keyFile: KeyFile, label: string, data: Uint8Array): Buffer =>
  createHmac("sha256", entryOf(keyFile).hmacKey).update(`${label}\0`).update(data).digest();
