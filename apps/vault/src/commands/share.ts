import { basename } from "node:path";
import { Directory, type DirectoryEntry } from "@git-vault/directory";
import type { Format } from "@git-vault/sealing";
import { share, type Shared } from "@git-vault/sharing";
import { usageError } from "../argv.ts";
import { CliError } from "../errors.ts";
import { readOperand, readStandardInput, type Input } from "../input.ts";
import { openingCommands } from "../opening-commands.ts";
import { checkOutputFlags, writeOutput } from "../output.ts";
import { describeKey, keyToJson, readRecipients } from "../recipients.ts";
import { leadsTo, printable, say, writeStdout } from "../streams.ts";
import type { FlagValues, Invocation } from "../table.ts";

/** What is sealed. */
export interface Secret {
  readonly kind: "git-crypt-key" | "file" | "stdin";
  /** The key's name, or the file's; null for stdin. */
  readonly name: string | null;
  readonly data: Buffer;
  readonly input: Input | null;
}

export async function run({ flags, args }: Invocation): Promise<void> {
  checkOutputFlags(flags);
  const format = parseFormat(flags.format);
  if (flags.to === undefined) throw usageError("expected a recipient: --to R");
  if (flags.to.includes("-") && args[0] === "-")
    throw usageError("stdin cannot hold both the recipients and the secret");
  const secret = await readSecret(flags, args[0]);
  try {
    await shareWith(readRecipients(flags.to), secret, flags, { format });
  } finally {
    secret.data.fill(0);
  }
}

/** Seals `secret`, writes the message where the flags say, and tells the sender what happened. */
export async function shareWith(
  queries: readonly string[],
  secret: Secret,
  flags: FlagValues,
  { format }: { readonly format: Format },
): Promise<void> {
  const directory = new Directory({ allowHttp: flags["insecure-http"] === true });
  const to: DirectoryEntry[] = [];
  for (const query of queries) to.push(...(await directory.resolve(query)));
  const shared = await share({
    secret: secret.data,
    to,
    format,
    key: flags.key,
    base64: flags.base64,
    allowWeak: flags["allow-weak"],
  });

  const elsewhere = flags.clipboard === true || (flags.output !== undefined && flags.output !== "-");
  const place =
    elsewhere || !flags.json ? await writeOutput(shared.message, flags, { input: secret.input, secret: false }) : null;
  const open = openingCommands(shared, secret, { base64: flags.base64 === true, file: flags.output });
  if (flags.json) writeStdout(`${JSON.stringify(describe(shared, secret, place, open))}\n`);
  else if (!flags.quiet) for (const line of report(shared, secret, place, open)) say(line);
}

function parseFormat(text: string | undefined): Format {
  if (text === undefined || text === "age" || text === "ssh-vault") return text ?? "age";
  throw usageError(`--format: expected age or ssh-vault, got ${printable(text)}`);
}

/** The operand, else a pipe or a file on stdin, else the key of the repository. */
async function readSecret(flags: FlagValues, operand: string | undefined): Promise<Secret> {
  if (operand !== undefined) {
    if (flags["key-name"] !== undefined) throw usageError("--key-name and a file were both given");
    const input = readOperand(operand);
    return operand === "-"
      ? { kind: "stdin", name: null, data: input.data, input }
      : { kind: "file", name: basename(operand), data: input.data, input };
  }
  if (flags["key-name"] === undefined && leadsTo(0) === "data" && !flags.to?.includes("-")) {
    const input = readStandardInput();
    if (input.data.length === 0) {
      throw new CliError("INPUT_UNREADABLE", "standard input is empty, so there is nothing to seal", {
        hint: "to seal the repository's key in a script, say `--key-name default`; to seal an empty secret, name stdin by `-`",
      });
    }
    return { kind: "stdin", name: null, data: input.data, input };
  }
  const { openRepository, wipeKeyFile } = await import("@git-vault/git-crypt");
  const name = flags["key-name"] ?? "default";
  const { bytes, keyFile } = openRepository(process.cwd()).readKey(name);
  wipeKeyFile(keyFile);
  return { kind: "git-crypt-key", name, data: bytes, input: null };
}

function describeSecret({ kind, name, data }: Secret): string {
  const size = `${data.length} bytes`;
  if (kind === "git-crypt-key") return `the git-crypt key ${name ?? ""} (${size})`;
  return kind === "file" ? `${printable(name ?? "")} (${size})` : `standard input (${size})`;
}

function report(shared: Shared, secret: Secret, place: string | null, open: readonly string[]): string[] {
  const lines = [
    `vault: sealed ${describeSecret(secret)} in the ${shared.format} format to`,
    ...shared.sealedTo.map(({ recipient, entry }) => `  ${printable(recipient)}  ${describeKey(entry)}`),
  ];
  if (shared.notSealedTo.length > 0) {
    lines.push(
      "vault: not sealed to",
      ...shared.notSealedTo.map(
        ({ recipient, entry, reason }) => `  ${printable(recipient)}  ${describeKey(entry)}  ${reason}`,
      ),
    );
  }
  if (place !== null) lines.push(`vault: the sealed message is in ${place}`);
  return [...lines, "vault: send it over any channel; it is opened with", ...open.map((line) => `  ${line}`)];
}

function describe(
  shared: Shared,
  { kind, name, data }: Secret,
  output: string | null,
  open: readonly string[],
): object {
  return {
    format: shared.format,
    message: output === null ? shared.message.toString() : null,
    output,
    secret: { kind, name, bytes: data.length },
    sealedTo: shared.sealedTo.map(({ recipient, source, entry }) => ({ recipient, source, ...keyToJson(entry) })),
    notSealedTo: shared.notSealedTo.map(({ recipient, source, entry, reason }) => ({
      recipient,
      source,
      ...keyToJson(entry),
      reason,
    })),
    open,
  };
}
