import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { plural, printable } from "@git-vault/core";
import { Directory, type DirectoryEntry } from "@git-vault/directory";
import { whyUnusable, type OpenPgpKeyEntry, type SshPublicKey } from "@git-vault/keys";
import {
  knownRecipients,
  openPgpRecipients,
  receive,
  share,
  type KnownRecipients,
  type Received,
  type Shared,
} from "@git-vault/sharing";
import type { Format } from "@git-vault/sealing";
import type { Options, Run } from "../../cli/command.ts";
import { CliError, usageError } from "../../errors.ts";
import { readOperand } from "../../io/input.ts";
import { writeOutput } from "../../io/output.ts";
import { pluginDialog } from "../../io/plugin-dialog.ts";
import { reportResult, say } from "../../io/streams.ts";
import { privateKeys } from "../message/private-keys.ts";
import { describeKey, readRecipients, resolveAll } from "../message/recipients.ts";
import { editSecret } from "./edit-secret.ts";
import { ownPublicKeys, sshKeys } from "./public-key-files.ts";
import type { SSH_VAULT_COMMANDS } from "./specs.ts";

type Edit = typeof SSH_VAULT_COMMANDS.edit;
type EditOptions = Options<Edit["flags"]>;

export const run: Run<Edit> = async (options, [vault]) => {
  if (vault === "-") throw usageError("a vault is edited in place: name a file instead of -");
  const { data: message } = readOperand(vault);
  const { received, passphrase } = await open(message, options);
  let edited: Buffer | undefined;
  try {
    const seal = await sealerLike(message, received, passphrase, options);
    edited = await editSecret(received.plaintext);
    const changed = !edited.equals(received.plaintext);
    const sealed = changed ? await seal(edited) : null;
    if (sealed !== null) await replace(vault, message, sealed.message);
    reportResult(options, { vault, format: received.format, changed }, linesOf(sealed, received));
  } finally {
    for (const secret of [edited, received.plaintext, passphrase]) secret?.fill(0);
  }
};

/** Opens the message; where that took a passphrase of its own, the passphrase too. */
async function open(
  message: Buffer,
  options: EditOptions,
): Promise<{ received: Received; passphrase: Buffer | undefined }> {
  const keys = await privateKeys(options);
  let last: Buffer | undefined;
  const received = await receive(message, {
    ...keys,
    passphrase: async (request) => {
      const passphrase = await keys.passphrase(request);
      if (request.path === null) last = Buffer.from(passphrase);
      return passphrase;
    },
  });
  return { received, passphrase: received.openedWith.path === null ? last : undefined };
}

/** Seals a secret as the message was. A bad recipient throws here, before any writing. */
async function sealerLike(
  message: Buffer,
  { openedWith, format }: Received,
  passphrase: Buffer | undefined,
  options: EditOptions,
): Promise<(secret: Uint8Array) => Promise<Shared>> {
  const own = [
    openedWith.publicKey,
    ...(format === "openpgp"
      ? await openPgpRecipients(message)
      : (await ownPublicKeys()).flatMap(sshKeys).map(({ key }) => key)),
  ];
  const known = knownRecipients(
    message,
    own.filter((key) => key !== null),
  );
  const sealing = { format, armor: known.armor, allowWeak: options.allowWeak, plugins: pluginDialog(options) };
  if (options.to.length === 0 && passphrase !== undefined) {
    return (secret) => share({ secret, to: [], passphrase, ...sealing });
  }
  const to = await recipientsOf(known, format === "openpgp" ? null : openedWith.fingerprint, options, format);
  const seal = (secret: Uint8Array): Promise<Shared> => share({ secret, to, ...sealing });
  await seal(Buffer.alloc(0));
  return seal;
}

/** Those of --to; else those of the message, completed by asking the user. */
async function recipientsOf(
  { keys, others }: KnownRecipients,
  openedWith: string | null,
  options: EditOptions,
  format: Format,
): Promise<DirectoryEntry[]> {
  if (options.to.length > 0) return lookUp(readRecipients(options.to), options, format);
  const known = keys.map(entryOfKey);
  if (others === 0) return known;
  // What opened the only recipient's part is that recipient: a native age key.
  if (others === 1 && keys.length === 0 && openedWith !== null) return lookUp([openedWith], options, format);
  const what = `the message is sealed to ${plural(others, "more key")}, which it does not tell`;
  const hint = "say whom to seal it to: `vault edit --to R… FILE`";
  if (options.noInput) throw usageError(`${what}, and --no-input forbids to ask`, hint);
  const told = known.flatMap((entry) => entry.keys).map((entry) => `  ${describeKey(entry)}`);
  say([`vault: ${what}; it will be sealed to`, ...told].join("\n"));
  const { askLine } = await import("../../io/terminal.ts");
  const answer = await askLine("further recipients, separated by blanks", hint);
  const named = answer.split(/\s+/).filter((word) => word !== "");
  return [...known, ...(await lookUp(named, options, format))];
}

const entryOfKey = (key: SshPublicKey | OpenPgpKeyEntry): DirectoryEntry => {
  const source = "the message itself";
  if (key.type === "openpgp") return { name: key.fingerprint ?? "", source, keys: [key] };
  const { type, fingerprint, comment } = key;
  const entry = { line: 1, type, fingerprint, comment, key, unusable: whyUnusable(key) };
  return { name: fingerprint, source, keys: [entry] };
};

const lookUp = (queries: readonly string[], { insecureHttp }: EditOptions, format: Format): Promise<DirectoryEntry[]> =>
  resolveAll(new Directory({ allowHttp: insecureHttp }), queries, format === "openpgp" ? "openpgp" : "ssh");

/** Replaces the old vault, unless it has changed meanwhile: then writes beside it. */
async function replace(vault: string, before: Buffer, after: Buffer): Promise<void> {
  const isSame = readOperand(vault).data.equals(before);
  const output = isSame ? vault : `${vault}.edited-${randomBytes(4).toString("hex")}`;
  const mode = statSync(vault).mode & 0o777;
  await writeOutput(after, { output }, { input: null, secret: false, mode });
  if (isSame) return;
  throw new CliError("OUTPUT_UNWRITABLE", `${printable(vault)} was changed by somebody else while it was open`, {
    hint: `what you saved is sealed in ${printable(output)}`,
  });
}

function linesOf(sealed: Shared | null, { signature }: Received): string[] {
  if (sealed === null) return ["vault: nothing was changed"];
  const unsigned =
    signature === null ? [] : ["vault: it was signed before, and is not now: `vault share --sign` signs"];
  if (sealed.sealedTo.length === 0) return ["vault: sealed again to the same passphrase", ...unsigned];
  return ["vault: sealed again to", ...sealed.sealedTo.map(({ entry }) => `  ${describeKey(entry)}`), ...unsigned];
}
