import { createHash, hash } from "node:crypto";
import { assertBytes, assertString } from "@git-vault/core";
import type { Member } from "./member.ts";

/**
 * What the log says of a git-crypt key: 64 hexadecimal digits, SHA-256 over `git-vault key
 * commitment v1`, a line end, the key's name, a line end and the key file. A key file holds 96
 * random bytes, so that this tells nothing of it.
 *
 * @param keyFile the key file, byte for byte as it is handed to members
 */
export function commitmentOf(keyName: string, keyFile: Uint8Array): string {
  assertString("keyName", keyName);
  assertBytes("keyFile", keyFile);
  return createHash("sha256").update(`git-vault key commitment v1\n${keyName}\n`).update(keyFile).digest("hex");
}

/**
 * What the log says of those for whom a key is: 64 hexadecimal digits, SHA-256 over the ids of the
 * keys of all members who may open it, sorted, each with a line end.
 *
 * @param members as they are once the entry counts: see `withDraft`
 */
export const audienceOf = (members: Iterable<Pick<Member, "opens" | "keys">>, keyName: string): string =>
  audienceOfKeys(
    [...members].filter(({ opens }) => opens.includes(keyName)).flatMap(({ keys }) => keys.map(({ id }) => id)),
  );

/** The audience of which these are the keys. */
export function audienceOfKeys(ids: Iterable<string>): string {
  const lines = [...new Set(ids)].toSorted().map((id) => `${id}\n`);
  return hash("sha256", lines.join(""), "hex");
}
