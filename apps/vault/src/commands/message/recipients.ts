import { printable } from "@git-vault/core";
import {
  readRecipientLines,
  type Directory,
  type DirectoryEntry,
  type KeyKind,
  type RecipientKey,
} from "@git-vault/directory";
import { decodeText } from "@git-vault/keys";
import { usageError } from "../../errors.ts";
import { readStdin } from "../../io/streams.ts";

/** The recipients that were named; `-` stands for those on stdin, one a line, with `#` comments. */
export function readRecipients(queries: readonly string[]): string[] {
  const read = queries.flatMap((query) => (query === "-" ? readRecipientLines(decodeText(readStdin())) : [query]));
  if (read.length === 0) throw usageError("expected recipients on standard input, one a line, got none");
  return read;
}

/** Looks recipients up one after the other. */
export async function resolveAll(
  directory: Directory,
  queries: readonly string[],
  kind: KeyKind,
): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for (const query of queries) entries.push(...(await directory.resolve(query, kind)));
  return entries;
}

/** `ssh-rsa 3072  SHA256:…  comment`, or `openpgp cv25519  74C8…  name`, for people. */
export function describeKey(entry: RecipientKey): string {
  const kind = "algorithm" in entry ? entry.algorithm : String(bitsOf(entry) ?? "");
  const comment = entry.comment === "" ? "" : `  ${printable(entry.comment)}`;
  const type = `${printable(entry.type)}${kind === "" ? "" : ` ${kind}`}`.padEnd(12);
  return `${type}  ${entry.fingerprint ?? "(no fingerprint)"}${comment}`;
}

/** The length of an RSA key; null for any other. */
const bitsOf = ({ key }: RecipientKey): number | null => (key !== null && "bits" in key ? key.bits : null);

/** A key as --json shows it. */
export const keyToJson = (entry: RecipientKey): object => ({
  type: entry.type,
  bits: bitsOf(entry),
  fingerprint: entry.fingerprint,
  comment: entry.comment,
  ...("algorithm" in entry
    ? {
        algorithm: entry.algorithm,
        userIds: entry.userIds,
        encryptionKey: entry.key?.encryptionKey.fingerprint ?? null,
      }
    : {}),
});
