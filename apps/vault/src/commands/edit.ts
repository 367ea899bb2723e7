import { statSync } from "node:fs";
import { Directory, type DirectoryEntry } from "@git-vault/directory";
import { whyUnusable, type SshPublicKey } from "@git-vault/keys";
import { knownRecipients, receive, share, type Received, type Shared } from "@git-vault/sharing";
import { editSecret } from "../edit-secret.ts";
import { CliError, usageError } from "../errors.ts";
import { readOperand } from "../input.ts";
import { writeOutput } from "../output.ts";
import { ownPublicKeys, sshKeys } from "../own-keys.ts";
import { privateKeys } from "../private-keys.ts";
import { describeKey, readRecipients } from "../recipients.ts";
import { say, writeStdout } from "../streams.ts";
import type { FlagValues, Invocation } from "../table.ts";

export async function run({ flags, args }: Invocation): Promise<void> {
  const [vault] = args;
  if (vault === undefined) throw usageError("expected the vault to edit");
  if (vault === "-") throw usageError("a vault is edited in place: name a file instead of -");
  const { data: message } = readOperand(vault);
  const received = await receive(message, await privateKeys(flags));
  let edited: Buffer | undefined;
  try {
    const { to, armor } = await recipientsOf(message, received, flags);
    const seal = (secret: Uint8Array): Promise<Shared> =>
      share({ secret, to, format: received.format, armor, allowWeak: flags["allow-weak"] === true });
    await seal(Buffer.alloc(0)); // what is wrong with a key is said before anything was written
    edited = await editSecret(received.plaintext);
    const changed = !edited.equals(received.plaintext);
    if (changed) {
      const sealed = await seal(edited);
      const mode = statSync(vault).mode & 0o777;
      await writeOutput(sealed.message, { output: vault }, { input: null, secret: false, mode });
      if (!flags.quiet && !flags.json) for (const line of report(sealed)) say(line);
    } else if (!flags.quiet && !flags.json) say("vault: nothing was changed");
    if (flags.json) writeStdout(`${JSON.stringify({ vault, format: received.format, changed })}\n`);
  } finally {
    edited?.fill(0);
    received.plaintext.fill(0);
  }
}

const report = ({ sealedTo }: Shared): string[] => [
  "vault: sealed anew to",
  ...sealedTo.map(({ entry }) => `  ${describeKey(entry)}`),
];

/** Whom the edited secret is sealed to: those of --to, else those of the message where all are known, else whom the user names. */
async function recipientsOf(
  message: Buffer,
  { openedWith }: Received,
  flags: FlagValues,
): Promise<{ to: DirectoryEntry[]; armor: boolean }> {
  const own = [openedWith.publicKey, ...(await ownPublicKeys()).flatMap(sshKeys).map(({ key }) => key)];
  const { keys, others, armor } = knownRecipients(
    message,
    own.filter((key) => key !== null),
  );
  if (flags.to !== undefined) return { to: await lookUp(readRecipients(flags.to), flags), armor };
  const known = keys.map(entryOfKey);
  if (others === 0) return { to: known, armor };
  // What opened the only recipient's part is that recipient: one of age's own keys.
  const { fingerprint } = openedWith;
  if (others === 1 && keys.length === 0 && fingerprint !== null)
    return { to: await lookUp([fingerprint], flags), armor };
  const what = `the message is sealed to ${others} more ${others === 1 ? "key" : "keys"}, which it does not tell`;
  const hint = `say whom to seal it to: \`vault edit --to R… FILE\``;
  if (flags["no-input"]) throw new CliError("USAGE", `${what}, and --no-input forbids to ask`, { hint });
  const { askLine } = await import("../terminal.ts");
  const told = known.flatMap((entry) => entry.keys).map((entry) => `  ${describeKey(entry)}`);
  say([`vault: ${what}; it will be sealed to`, ...told].join("\n"));
  const answer = await askLine("further recipients, separated by blanks", hint);
  const named = answer.split(/\s+/).filter((word) => word !== "");
  return { to: [...known, ...(await lookUp(named, flags))], armor };
}

const entryOfKey = (key: SshPublicKey): DirectoryEntry => {
  const { type, fingerprint, comment } = key;
  const entry = { line: 1, type, fingerprint, comment, key, unusable: whyUnusable(key) };
  return { name: fingerprint, source: "the message itself", keys: [entry] };
};

async function lookUp(queries: readonly string[], flags: FlagValues): Promise<DirectoryEntry[]> {
  const directory = new Directory({ allowHttp: flags["insecure-http"] === true });
  const entries: DirectoryEntry[] = [];
  for (const query of queries) entries.push(...(await directory.resolve(query)));
  return entries;
}
