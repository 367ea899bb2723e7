import { readRecipientLines } from "@git-vault/directory";
import type { PublicKeyEntry } from "@git-vault/keys";
import { CliError } from "./errors.ts";
import { printable, readStdin } from "./streams.ts";

/** The recipients that were named; `-` stands for those on stdin, one a line, with `#` comments. */
export function readRecipients(queries: readonly string[]): string[] {
  const read = queries.flatMap((query) => (query === "-" ? readRecipientLines(readStdin().toString()) : [query]));
  if (read.length === 0) {
    throw new CliError("USAGE", "expected recipients on standard input, one a line, got none");
  }
  return read;
}

/** `ssh-rsa 3072  SHA256:…  comment`, for people. */
export function describeKey(entry: Pick<PublicKeyEntry, "type" | "fingerprint" | "comment" | "key">): string {
  const bits = entry.key?.type === "ssh-rsa" ? ` ${entry.key.bits}` : "";
  const comment = entry.comment === "" ? "" : `  ${printable(entry.comment)}`;
  return `${`${printable(entry.type)}${bits}`.padEnd(12)}  ${entry.fingerprint ?? "(no fingerprint)"}${comment}`;
}
