import { basename } from "node:path";
import { printable } from "@git-vault/core";
import { isPluginEntry, type DirectoryEntry } from "@git-vault/directory";
import type { Repository } from "@git-vault/git-crypt";
import type { Members } from "@git-vault/sharing/members";
import {
  share,
  startSharing,
  type Chosen,
  type Shared,
  type SharingOptions,
  type SignOptions,
} from "@git-vault/sharing";
import type { Options, Run } from "../../cli/command.ts";
import { CliError, usageError } from "../../errors.ts";
import { openInput, type LargeInput } from "../../io/input.ts";
import { openSink, refuseTwoPlaces, writeOutput, type OutputOptions } from "../../io/output.ts";
import { newPassphrase } from "../../io/passphrase.ts";
import { pluginDialog } from "../../io/plugin-dialog.ts";
import { pump, pumpProgress } from "../../io/pump.ts";
import { isStdinBegun, leadsTo, reportResult, say } from "../../io/streams.ts";
import { trustedRecipients } from "./check-recipients.ts";
import { openingCommands, waysToOpen } from "./opening-commands.ts";
import { describeKey, keyToJson } from "./recipients.ts";
import type { MESSAGE_COMMANDS } from "./specs.ts";

type Share = typeof MESSAGE_COMMANDS.share;
type ShareOptions = Options<Share["flags"]>;

/** What is sealed. */
interface Secret {
  readonly kind: "git-crypt-key" | "file" | "stdin";
  /** The key's name, or the file's; null for stdin. */
  readonly name: string | null;
  readonly input: LargeInput;
}

export const run: Run<Share> = async (options, [operand]) => {
  refuseContradictions(options, operand);
  const secret = await readSecret(options, operand);
  const { input } = secret;
  try {
    const members = secret.kind === "git-crypt-key" ? await membersHere() : null;
    const kind = options.format === "openpgp" ? "openpgp" : "ssh";
    const { entries: found, remember } = await trustedRecipients(options.to, options, kind, members);
    const entries = members === null ? found : await withoutTaken(found, members);
    const sharing = await sharingOptions(entries, options);
    // Who may not note learns so before the key is handed out.
    const note = options.note ? await noteBy(members, secret, entries, options) : null;
    await (input.descriptor === null ? shareWhole(secret, sharing, options) : shareLarge(secret, sharing, options));
    remember();
    if (secret.kind === "git-crypt-key") await noteShared(input.data);
    await note?.();
  } finally {
    input.data.fill(0);
    input.close();
  }
};

/** The one who got the key can give it back. */
async function noteShared(key: Buffer): Promise<void> {
  const { noteCopy } = await import("@git-vault/sharing/members");
  noteCopy(await repositoryHere(), key, "shared");
}

function refuseContradictions(options: ShareOptions, operand: string | undefined): void {
  refuseTwoPlaces(options);
  const { to, withPassphrase, sign, note, signKey, as, format = "age", instructions, binary } = options;
  if (instructions && binary) throw usageError("--instructions and --binary were both given: a page is text");
  if (to.length === 0 && !withPassphrase) throw usageError("expected a recipient: --to R");
  if (to.length > 0 && withPassphrase)
    throw usageError("--to and --with-passphrase were both given: a passphrase stands alone");
  if (!withPassphrase && options.workFactor !== undefined)
    throw usageError("--work-factor goes with --with-passphrase");
  if (!sign && !note && signKey !== undefined) throw usageError("--sign-key goes with --sign");
  if (!sign && as !== undefined) throw usageError("--as goes with --sign");
  if (sign && withPassphrase)
    throw usageError("a message to a passphrase cannot be signed: seal it to the receiver's keys instead");
  if (sign && format !== "age")
    throw usageError("--sign is for the age format: ssh-vault's has no place for a signature");
  if (to.includes("-") && operand === "-") throw usageError("stdin cannot hold both the recipients and the secret");
}

/** Most messages are not signed. */
async function signing(options: ShareOptions): Promise<SignOptions | undefined> {
  if (!options.sign) return undefined;
  const { assertSignersKey, signOptions } = await import("../sign-options.ts");
  const sign = await signOptions(options);
  await assertSignersKey(sign, options);
  return sign;
}

async function sharingOptions(to: readonly DirectoryEntry[], options: ShareOptions): Promise<SharingOptions> {
  const { withPassphrase, format = "age", key, binary, allowWeak, allowMixed, workFactor } = options;
  const passphrase = withPassphrase ? await newPassphrase(options) : undefined;
  // Only for a key in a file or a page does it matter which plugins the user named.
  const isAsked = to.some(({ keys }) => keys.some((entry) => isPluginEntry(entry) && entry.unusable !== null));
  const plugins = isAsked ? (await import("../named-plugins.ts")).namedPlugins(options) : pluginDialog(options);
  return { to, passphrase, format, key, armor: !binary, allowWeak, allowMixed, workFactor, plugins };
}

/** How the message is written. */
const writing = ({ input }: Secret, { to, key, passphraseFile }: ShareOptions): OutputOptions => ({
  input,
  secret: false,
  inUse: [key, passphraseFile, ...to],
});

async function shareWhole(secret: Secret, sharing: SharingOptions, options: ShareOptions): Promise<void> {
  const { data } = secret.input;
  const sign = await signing(options);
  const shared = await share({ ...sharing, secret: data, base64: options.base64, sign });
  sign?.signer.lock();
  const message = options.instructions ? await pageOf(shared, secret, options) : shared.message;
  const place = await writeOutput(message, options, writing(secret, options));
  report({ shared, secret, bytes: data.length, place, message, sign }, options);
}

/** The message in a page for its receiver. */
async function pageOf(shared: Shared, { input }: Secret, { base64 }: ShareOptions): Promise<Buffer> {
  const { withInstructions } = await import("./instructions.ts");
  return withInstructions(shared, waysToOpen(input.data, base64));
}

async function shareLarge(secret: Secret, sharing: SharingOptions, options: ShareOptions): Promise<void> {
  if (options.instructions) throw usageError("--instructions is for secrets of up to 16 MiB");
  if (options.base64) throw usageError("--base64 is for secrets of up to 16 MiB");
  if (sharing.format === "ssh-vault") throw usageError("ssh-vault's format is for secrets of up to 16 MiB");
  if (sharing.format === "openpgp") throw usageError("the openpgp format is for secrets of up to 8 MiB");
  if (options.sign) {
    throw usageError(
      "--sign is for secrets of up to 16 MiB",
      "share it unsigned, or sign the file itself with `ssh-keygen -Y sign`",
    );
  }
  const { sealer, ...shared } = await startSharing(sharing);
  const { input } = secret;
  const sink = openSink(options, writing(secret, options));
  const progress = pumpProgress("sealed", input, sink, options);
  let bytes = 0;
  try {
    if (sharing.armor === false) {
      const { pumpChunks } = await import("../../io/chunk-pool.ts");
      const { ready, ...state } = sealer.handOver();
      sink.write(ready);
      bytes = await pumpChunks("seal", state, input, sink, progress.reached);
    } else {
      const sealPiece = (plaintext: Buffer): Buffer => {
        bytes += plaintext.length;
        return sealer.push(plaintext);
      };
      await pump(input, sealPiece, sink, progress.reached);
      sink.write(sealer.finish());
    }
    progress.end();
    report({ shared, secret, bytes, place: sink.commit(), message: null, sign: undefined }, options);
  } catch (error) {
    progress.end();
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
function report(done: Done, options: ShareOptions): void {
  const { base64, output } = options;
  const commands = openingCommands(done.shared, done.secret.input.data, { base64, file: output });
  // Only vault finds the message in a page; how others open it, the page says.
  const open = options.instructions ? commands.filter((line) => line.startsWith("vault ")) : commands;
  const { isText } = waysToOpen(done.secret.input.data, base64);
  reportResult(options, describe(done, open), linesOf(done, isText, open));
}

/** The operand, else a pipe or a file on stdin, else the key of the repository. */
async function readSecret({ keyName, to }: ShareOptions, operand: string | undefined): Promise<Secret> {
  if (operand !== undefined) {
    if (keyName !== undefined) throw usageError("--key-name and a file were both given");
    const input = openInput(operand);
    return operand === "-" ? { kind: "stdin", name: null, input } : { kind: "file", name: basename(operand), input };
  }
  if (keyName === undefined && leadsTo(0) === "data" && !to.includes("-")) {
    const input = openInput(undefined);
    const isBegun = input.descriptor === null && isStdinBegun(input.data.length);
    if (isBegun || isListOfNames(input.data)) throw listInLoop();
    if (input.data.length > 0) return { kind: "stdin", name: null, input };
    throw new CliError("INPUT_UNREADABLE", "standard input is empty, so there is nothing to seal", {
      hint: "to seal the repository's key in a script, say `--key-name default`; to seal an empty secret, name stdin by `-`",
    });
  }
  const { wipeKeyFile } = await import("@git-vault/git-crypt");
  const name = keyName ?? "default";
  const { presentKey } = await import("../open-here.ts");
  const { bytes, keyFile } = await presentKey(await repositoryHere(), name);
  wipeKeyFile(keyFile);
  return {
    kind: "git-crypt-key",
    name,
    input: { data: bytes, title: name, file: null, descriptor: null, close: () => {} },
  };
}

const NAME = /^(?:[a-z]{2,20}:)?[A-Za-z0-9][\w.-]{0,60}(?:\/[\w.-]{1,60})?$/;

/** Whether a text is several lines of what could be recipients: the rest of a loop's list. */
function isListOfNames(data: Buffer): boolean {
  if (data.length > 64 * 1024) return false;
  const lines = data.toString("latin1").trimEnd().split(/\r?\n/);
  return lines.length > 1 && lines.every((line) => NAME.test(line));
}

const listInLoop = (): CliError =>
  usageError(
    "standard input looks like the list of names that a loop reads, and would be sealed itself",
    "in a loop say `vault share --key-name default … </dev/null`, or give all names to one run with `--to -`; to seal standard input, name it by `-`",
  );

/** Not loaded where another secret is sealed: most are, outside of a repository. */
const repositoryHere = async (): Promise<Repository> => (await import("../open-here.ts")).openHere();

/** The key of the repository is not for a stolen key that is still on its owner's account. */
async function withoutTaken(entries: readonly DirectoryEntry[], members: Members): Promise<DirectoryEntry[]> {
  const { withoutTakenKeys } = await import("@git-vault/sharing/members");
  return withoutTakenKeys(entries, members);
}

async function membersHere(): Promise<Members> {
  const { openMembers } = await import("@git-vault/sharing/members");
  return openMembers(await repositoryHere());
}

/**
 * Gives what writes into the members log to whom the key was sealed.
 *
 * @throws CliError `USAGE` for another secret; SharingError `NOT_ADMIN`
 */
async function noteBy(
  members: Members | null,
  { name }: Secret,
  entries: readonly DirectoryEntry[],
  options: ShareOptions,
): Promise<() => Promise<void>> {
  if (members === null) throw usageError("--note is for a key of the repository");
  const { labelOf, note } = await import("@git-vault/sharing/members");
  const { findAuthor } = await import("../members/author.ts");
  const author = await findAuthor(members, options);
  // A path of this machine is nobody's business.
  const whom = entries.length === 0 ? ["the holders of a passphrase"] : entries.map(labelOf);
  return async () => {
    try {
      const commit = await note(members, author, name ?? "", whom);
      if (commit !== null && !options.quiet) say(`vault: noted in the members log: ${commit.slice(0, 10)}; push it`);
    } finally {
      author.lock();
    }
  };
}

function describeSecret({ kind, name }: Secret, bytes: number): string {
  const size = `${bytes} bytes`;
  if (kind === "git-crypt-key") return `the git-crypt key ${name ?? ""} (${size})`;
  return kind === "file" ? `${printable(name ?? "")} (${size})` : `standard input (${size})`;
}

function linesOf({ shared, secret, bytes, place, sign }: Done, isText: boolean, open: readonly string[]): string[] {
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
  if (shared.format === "ssh-vault" && !isText)
    lines.push("vault: ssh-vault itself cannot print this secret, which is binary: with --base64 it can");
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
