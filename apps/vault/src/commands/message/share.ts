import { basename } from "node:path";
import type { DirectoryEntry } from "@git-vault/directory";
import { type Format, FORMATS } from "@git-vault/sealing";
import { share, startSharing, type Chosen, type SharingOptions, type SignOptions } from "@git-vault/sharing";
import { CliError, usageError } from "../../cli/errors.ts";
import { readLarge, type LargeInput } from "../../io/input.ts";
import { openingCommands } from "./opening-commands.ts";
import { checkOutputFlags, openSink, writeOutput } from "../../io/output.ts";
import { newPassphrase } from "../../io/passphrase.ts";
import { pump } from "../../io/pump.ts";
import { describeKey, keyToJson } from "./recipients.ts";
import { leadsTo, printable, say, writeJson } from "../../io/streams.ts";
import type { Repository } from "@git-vault/git-crypt";
import { trustedRecipients } from "./check-recipients.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";

/** What is sealed. */
export interface Secret {
  readonly kind: "git-crypt-key" | "file" | "stdin";
  /** The key's name, or the file's; null for stdin. */
  readonly name: string | null;
  readonly input: LargeInput;
}

export async function run({ flags, args }: Invocation): Promise<void> {
  checkFlags(flags, args[0]);
  const secret = await readSecret(flags, args[0]);
  const { input } = secret;
  try {
    const kind = parseFormat(flags.format) === "openpgp" ? "openpgp" : "ssh";
    const repository = secret.kind === "git-crypt-key" ? await currentRepository() : null;
    const { entries, remember } = await trustedRecipients(flags.to ?? [], flags, kind, repository);
    const options = await sharingOptions(entries, flags);
    await (input.descriptor === null ? shareWhole(secret, options, flags) : shareLarge(secret, options, flags));
    remember();
  } finally {
    input.data.fill(0);
    input.close();
  }
}

function checkFlags(flags: FlagValues, operand: string | undefined): void {
  checkOutputFlags(flags);
  parseFormat(flags.format);
  if (flags.to === undefined && !flags["with-passphrase"]) throw usageError("expected a recipient: --to R");
  if (flags.to !== undefined && flags["with-passphrase"]) {
    throw usageError("--to and --with-passphrase were both given: a passphrase stands alone");
  }
  checkSigning(flags);
  if (flags.to?.includes("-") && operand === "-") {
    throw usageError("stdin cannot hold both the recipients and the secret");
  }
}

function checkSigning(flags: FlagValues): void {
  if (flags.sign !== true) {
    const lone = (["sign-key", "as"] as const).find((name) => flags[name] !== undefined);
    if (lone !== undefined) throw usageError(`--${lone} goes with --sign`);
  } else if (flags["with-passphrase"]) {
    throw usageError("a message to a passphrase cannot be signed: seal it to the receiver's keys instead");
  } else if (parseFormat(flags.format) !== "age") {
    throw usageError("--sign is for the age format: ssh-vault's has no place for a signature");
  }
}

/** Most messages are not signed. */
async function signing(flags: FlagValues): Promise<SignOptions | undefined> {
  if (flags.sign !== true) return undefined;
  const { signOptions } = await import("./sign-options.ts");
  return signOptions(flags);
}

async function sharingOptions(to: readonly DirectoryEntry[], flags: FlagValues): Promise<SharingOptions> {
  return {
    to,
    passphrase: flags["with-passphrase"] ? await newPassphrase(flags) : undefined,
    format: parseFormat(flags.format),
    key: flags.key,
    armor: !flags.binary,
    allowWeak: flags["allow-weak"],
    allowMixed: flags["allow-mixed"],
  };
}

async function shareWhole(secret: Secret, options: SharingOptions, flags: FlagValues): Promise<void> {
  const { data } = secret.input;
  const sign = await signing(flags);
  const shared = await share({ ...options, secret: data, base64: flags.base64, sign });
  sign?.signer.lock();
  const elsewhere = flags.clipboard === true || (flags.output !== undefined && flags.output !== "-");
  const place =
    elsewhere || !flags.json ? await writeOutput(shared.message, flags, { input: secret.input, secret: false }) : null;
  tell({ shared, secret, bytes: data.length, place, message: shared.message, sign }, flags);
}

async function shareLarge(secret: Secret, options: SharingOptions, flags: FlagValues): Promise<void> {
  if (flags.base64) throw usageError("--base64 is for secrets of up to 16 MiB");
  if (options.format === "ssh-vault") throw usageError("ssh-vault's format is for secrets of up to 16 MiB");
  if (options.format === "openpgp") throw usageError("the openpgp format is for secrets of up to 8 MiB");
  if (flags.sign) {
    throw usageError(
      "--sign is for secrets of up to 16 MiB",
      "share it unsigned, or sign the file itself with `ssh-keygen -Y sign`",
    );
  }
  const { sealer, ...shared } = await startSharing(options);
  const { input } = secret;
  const sink = openSink(flags, { input, secret: false });
  let bytes = 0;
  try {
    if (options.armor === false) {
      const { pumpChunks } = await import("../../io/chunk-pool.ts");
      const { ready, ...state } = sealer.handOver();
      sink.write(ready);
      bytes = await pumpChunks("seal", state, input, sink);
    } else {
      const sealPiece = (plaintext: Buffer): Buffer => {
        bytes += plaintext.length;
        return sealer.push(plaintext);
      };
      await pump(input, sealPiece, sink);
      sink.write(sealer.finish());
    }
    tell({ shared, secret, bytes, place: sink.commit(), message: null, sign: undefined }, flags);
  } catch (error) {
    sink.abort();
    throw error;
  }
}

/** A message that was sealed and written. */
interface Done {
  readonly shared: Chosen;
  readonly secret: Secret;
  /** The secret's length. */
  readonly bytes: number;
  /** Where the message went, in words; null for stdout. */
  readonly place: string | null;
  /** Null for one that was too large to be held. */
  readonly message: Buffer | null;
  /** By whom it was signed, if it was. */
  readonly sign: SignOptions | undefined;
}

/** Tells the sender what was done, and what the receiver has to do. */
function tell(done: Done, flags: FlagValues): void {
  const open = openingCommands(done.shared, done.secret, { base64: flags.base64 === true, file: flags.output });
  if (flags.json) writeJson(describe(done, open));
  else if (!flags.quiet) for (const line of report(done, open)) say(line);
}

function parseFormat(text: string | undefined): Format {
  const format = FORMATS.find((each) => each === (text ?? "age"));
  if (format !== undefined) return format;
  throw usageError(`--format: expected ${FORMATS.join(", ")}, got ${printable(text ?? "")}`);
}

/** The operand, else a pipe or a file on stdin, else the key of the repository. */
async function readSecret(flags: FlagValues, operand: string | undefined): Promise<Secret> {
  if (operand !== undefined) {
    if (flags["key-name"] !== undefined) throw usageError("--key-name and a file were both given");
    const input = readLarge(operand);
    return operand === "-" ? { kind: "stdin", name: null, input } : { kind: "file", name: basename(operand), input };
  }
  if (flags["key-name"] === undefined && leadsTo(0) === "data" && !flags.to?.includes("-")) {
    const input = readLarge(undefined);
    if (input.data.length > 0) return { kind: "stdin", name: null, input };
    throw new CliError("INPUT_UNREADABLE", "standard input is empty, so there is nothing to seal", {
      hint: "to seal the repository's key in a script, say `--key-name default`; to seal an empty secret, name stdin by `-`",
    });
  }
  const { wipeKeyFile } = await import("@git-vault/git-crypt");
  const name = flags["key-name"] ?? "default";
  const { bytes, keyFile } = (await currentRepository()).readKey(name);
  wipeKeyFile(keyFile);
  return {
    kind: "git-crypt-key",
    name,
    input: { data: bytes, title: name, file: null, descriptor: null, close: () => {} },
  };
}

async function currentRepository(): Promise<Repository> {
  const { openRepository } = await import("@git-vault/git-crypt");
  return openRepository(process.cwd());
}

function describeSecret({ kind, name }: Secret, bytes: number): string {
  const size = `${bytes} bytes`;
  if (kind === "git-crypt-key") return `the git-crypt key ${name ?? ""} (${size})`;
  return kind === "file" ? `${printable(name ?? "")} (${size})` : `standard input (${size})`;
}

function report({ shared, secret, bytes, place, sign }: Done, open: readonly string[]): string[] {
  const keys = shared.sealedTo.map(({ recipient, entry }) => `  ${printable(recipient)}  ${describeKey(entry)}`);
  const lines = [
    `vault: sealed ${describeSecret(secret, bytes)} in the ${shared.format} format to`,
    ...(keys.length > 0 ? keys : ["  a passphrase"]),
  ];
  if (shared.notSealedTo.length > 0) {
    lines.push(
      "vault: not sealed to",
      ...shared.notSealedTo.map(
        ({ recipient, entry, reason }) => `  ${printable(recipient)}  ${describeKey(entry)}  ${reason}`,
      ),
    );
  }
  if (sign !== undefined) {
    const { fingerprint } = sign.signer.publicKey;
    lines.push(`vault: signed${sign.from === undefined ? "" : ` as ${sign.from}`} with ${fingerprint}`);
  }
  if (place !== null) lines.push(`vault: the sealed message is in ${place}`);
  return [...lines, "vault: send it over any channel; it is opened with", ...open.map((line) => `  ${line}`)];
}

function describe(
  { shared, secret: { kind, name }, bytes, place, message, sign }: Done,
  open: readonly string[],
): object {
  return {
    format: shared.format,
    message: place === null ? (message?.toString() ?? null) : null,
    output: place,
    secret: { kind, name, bytes },
    sealedTo: shared.sealedTo.map(({ recipient, source, entry }) => ({ recipient, source, ...keyToJson(entry) })),
    notSealedTo: shared.notSealedTo.map(({ recipient, source, entry, reason }) => ({
      recipient,
      source,
      ...keyToJson(entry),
      reason,
    })),
    signature: sign === undefined ? null : { from: sign.from ?? null, fingerprint: sign.signer.publicKey.fingerprint },
    open,
  };
}
