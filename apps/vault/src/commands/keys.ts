import { Directory, type DirectoryEntry } from "@git-vault/directory";
import { usageError } from "../argv.ts";
import { describeKey, keyToJson, readRecipients } from "../recipients.ts";
import { printable, writeStdout } from "../streams.ts";
import type { Invocation } from "../table.ts";

export async function run({ flags, args }: Invocation): Promise<void> {
  if (args.length === 0) throw usageError("expected at least one recipient");
  const directory = new Directory({ allowHttp: flags["insecure-http"] === true });
  const entries: DirectoryEntry[] = [];
  for (const query of readRecipients(args)) entries.push(...(await directory.resolve(query)));
  writeStdout(flags.json ? `${JSON.stringify({ recipients: entries.map(toJson) })}\n` : entries.map(toText).join(""));
  // The answer is shown whole; the exit code tells a script that sharing with these recipients would fail.
  if (entries.some(({ keys }) => keys.every((key) => key.unusable !== null))) process.exitCode = 3;
}

function toText({ name, source, keys }: DirectoryEntry): string {
  const lines = keys.map((entry) => {
    const verdict = entry.unusable === null ? "usable" : `not usable: ${entry.unusable}`;
    return `  ${describeKey(entry)}  ${verdict}\n`;
  });
  return `${printable(name)}  (${printable(source)})\n${lines.join("")}`;
}

function toJson({ name, source, keys }: DirectoryEntry): object {
  return {
    recipient: name,
    source,
    keys: keys.map((key) => ({ ...keyToJson(key), usable: key.unusable === null, reason: key.unusable })),
  };
}
