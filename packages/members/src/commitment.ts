import { createHash, hash } from "node:crypto";
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

/**
 * What the log says of those for whom a key is: 64 hexadecimal digits, SHA-256 over the ids of their
 * keys, sorted, each with a line end.
 *
 * @param keys the ids of all keys of the members who may open it, once the entry counts
 */
export function audienceOf(keys: Iterable<string>): string {
  const lines = [...new Set(keys)].toSorted().map((id) => `${id}\n`);
  return hash("sha256", lines.join(""), "hex");
}
