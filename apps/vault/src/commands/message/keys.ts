import { Directory, type DirectoryEntry, type KeyKind } from "@git-vault/directory";
import { FORMATS } from "@git-vault/sealing";
import { usageError } from "../../cli/errors.ts";
import { assertNewFile, writeOutput } from "../../io/output.ts";
import { describeKey, keyToJson, readRecipients } from "./recipients.ts";
import { jsonLine, printable, say, writeJson, writeStdout } from "../../io/streams.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";

export async function run({ flags, args }: Invocation): Promise<void> {
  if (args.length === 1 && args[0] === "new") return makeKey(flags);
  if (flags.output !== undefined || flags["post-quantum"]) {
    throw usageError("--output and --post-quantum are flags of `vault keys new`");
  }
  if (args.length === 0) throw usageError("expected at least one recipient");
  const directory = new Directory({ allowHttp: flags["insecure-http"] === true });
  const entries: DirectoryEntry[] = [];
  const kind = kindOf(flags);
  for (const query of readRecipients(args)) entries.push(...(await directory.resolve(query, kind)));
  writeStdout(flags.json ? jsonLine({ recipients: entries.map(toJson) }) : entries.map(toText).join(""));
  // The answer is shown whole; the exit code tells a script that sharing with these recipients
  // would fail.
  if (entries.some(({ keys }) => keys.every((key) => key.unusable !== null))) process.exitCode = 3;
}

/** Which keys of an account are shown: those that the format of `vault share` is sealed to. */
function kindOf({ format = "age" }: FlagValues): KeyKind {
  if (format === "openpgp") return "openpgp";
  if (format === "age" || format === "ssh-vault") return "ssh";
  throw usageError(`--format: expected ${FORMATS.join(", ")}, got ${printable(format)}`);
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

/** Writes an identity file as age-keygen does. */
async function makeKey(flags: FlagValues): Promise<void> {
  const { output } = flags;
  assertNewFile(output);
  const { generateIdentity } = await import("@git-vault/sealing");
  const { identity, recipient } = await generateIdentity(flags["post-quantum"] ? "hybrid" : "x25519");
  const created = `${new Date().toISOString().slice(0, 19)}Z`;
  const file = `# created: ${created}\n# public key: ${recipient}\n${identity}\n`;
  const text = flags.json && (output ?? "-") === "-" ? jsonLine({ identity, recipient, created }) : file;
  const place = await writeOutput(Buffer.from(text), { output: output ?? "-" }, { input: null, secret: true });
  if (flags.json && place !== null) writeJson({ recipient, created, output: place });
  else if (!flags.quiet && !flags.json) say(`vault: the recipient is ${recipient}`);
}
