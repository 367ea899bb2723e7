import { printable } from "@git-vault/core";
import { Directory, type DirectoryEntry } from "@git-vault/directory";
import type { Options, Run } from "../../cli/command.ts";
import { usageError } from "../../errors.ts";
import { assertNewFile, writeOutput } from "../../io/output.ts";
import { jsonLine, say, writeJson, writeStdout } from "../../io/streams.ts";
import { describeKey, keyToJson, readRecipients, resolveAll } from "./recipients.ts";
import type { MESSAGE_COMMANDS } from "./specs.ts";

type Keys = typeof MESSAGE_COMMANDS.keys;

export const run: Run<Keys> = async (options, queries) => {
  if (queries.length === 1 && queries[0] === "new") return makeKey(options);
  if (options.output !== undefined || options.postQuantum)
    throw usageError("--output and --post-quantum are flags of `vault keys new`");
  if (queries.length === 0) throw usageError("expected at least one recipient");
  const directory = new Directory({ allowHttp: options.insecureHttp });
  // Which keys of an account are shown: those that the format of `vault share` is sealed to.
  const kind = options.format === "openpgp" ? "openpgp" : "ssh";
  const entries = await resolveAll(directory, readRecipients(queries), kind);
  writeStdout(options.json ? jsonLine({ recipients: entries.map(toJson) }) : entries.map(toText).join(""));
  // The answer is shown whole; the exit code tells a script that sharing with these recipients
  // would fail.
  if (entries.some(({ keys }) => keys.every((key) => key.unusable !== null))) process.exitCode = 3;
};

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
async function makeKey({ output, postQuantum, json, quiet }: Options<Keys["flags"]>): Promise<void> {
  assertNewFile(output);
  const { generateIdentity } = await import("@git-vault/sealing");
  const { identity, recipient } = await generateIdentity(postQuantum ? "hybrid" : "x25519");
  const created = `${new Date().toISOString().slice(0, 19)}Z`;
  const file = `# created: ${created}\n# public key: ${recipient}\n${identity}\n`;
  const text = json && (output ?? "-") === "-" ? jsonLine({ identity, recipient, created }) : file;
  const place = await writeOutput(Buffer.from(text), { output: output ?? "-" }, { input: null, secret: true });
  if (json && place !== null) writeJson({ recipient, created, output: place });
  else if (!quiet && !json) say(`vault: the recipient is ${recipient}`);
}
