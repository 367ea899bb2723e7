import { createHash } from "node:crypto";
import { entryOf } from "./blob.ts";
import { encodeKeyFile, type KeyFile } from "./key-file.ts";
import { DEFAULT_KEY_NAME } from "./key-name.ts";

/** Tells whether `text` has the form of a key's id. */
export const isKeyId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/**
 * Names a key without telling anything of it: SHA-256 over `git-vault key commitment v1`, a line
 * end, the key's name (`default` for the default key), a line end and the key file in its current
 * form, in 64 lower-case hexadecimal digits. A log of members commits to keys by it.
 *
 * @throws GitCryptError MALFORMED_KEY_FILE, also where the key has no version 0 to encrypt with.
 */
export function keyId(keyFile: KeyFile): string {
  entryOf(keyFile);
  const bytes = encodeKeyFile({ ...keyFile, legacy: false });
  const title = `git-vault key commitment v1\n${keyFile.name ?? DEFAULT_KEY_NAME}\n`;
  const id = createHash("sha256").update(title).update(bytes).digest("hex");
  bytes.fill(0);
  return id;
}
