import { createHash } from "node:crypto";
import { assertBytes, assertString } from "@git-vault/core";

/**
 * What the log says of a git-crypt key: 64 hexadecimal digits, SHA-256 over `git-vault key
 * commitment v1`, a line end, the key's name, a line end and the key file. A key file holds 96 random
 * bytes, so that this tells nothing of it.
 *
 * @param keyFile the key file, byte for byte as it is handed to members
 */
export function commitmentOf(keyName: string, keyFile: Uint8Array): string {
  assertString("keyName", keyName);
  assertBytes("keyFile", keyFile);
  return createHash("sha256").update(`git-vault key commitment v1\n${keyName}\n`).update(keyFile).digest("hex");
}
