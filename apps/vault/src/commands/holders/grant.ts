import { openRepository } from "@git-vault/git-crypt";
import { grant, grantOpenPgp, type GrantResult, type OpenPgpGrantResult, type PassedOverKey } from "@git-vault/sharing";
import { usageError } from "../../cli/errors.ts";
import { findGranter } from "./granter.ts";
import { assertNewFile, writeOutput } from "../../io/output.ts";
import { describeKey, keyToJson } from "../message/recipients.ts";
import { jsonLine, printable, say, writeJson, writeStdout } from "../../io/streams.ts";
import { trustedRecipients } from "../message/check-recipients.ts";
import type { FlagValues, Invocation } from "../../cli/command-table.ts";

export async function run({ flags, args }: Invocation): Promise<void> {
  const { ci, output, "key-name": keyName } = flags;
  if (args.length === 0 && ci === undefined) throw usageError("expected a recipient, or --ci");
  if (output !== undefined && ci === undefined) throw usageError("--output is for the private key that --ci makes");
  if (flags.gpg) return grantGpg(flags, args);
  const machine = ci === undefined ? null : await newMachine(ci);
  if (output !== undefined) assertNewFile(output);
  const repository = openRepository(process.cwd());
  const { directory, entries, remember } = await trustedRecipients(args, flags, "ssh", repository);
  const by = await findGranter(flags);
  let result;
  try {
    const machines = new Map(machine === null ? [] : [[machine.holder, machine.recipient]]);
    result = await grant({
      repository,
      keyName,
      to: entries,
      machines,
      directory,
      by,
      allowWeak: flags["allow-weak"],
      stageOnly: flags["no-commit"] === true,
    });
  } finally {
    by.lock();
  }
  remember();
  await tell(result, machine, flags);
}

async function grantGpg(flags: FlagValues, args: readonly string[]): Promise<void> {
  if (flags.ci !== undefined) throw usageError("--gpg and --ci were both given: a CI system's key is one of age's");
  const repository = openRepository(process.cwd());
  const { directory, entries, remember } = await trustedRecipients(args, flags, "openpgp", repository);
  const { "key-name": keyName, "no-commit": noCommit } = flags;
  const by = await findGranter(flags);
  let result;
  try {
    result = await grantOpenPgp({ repository, keyName, to: entries, directory, by, stageOnly: noCommit === true });
  } finally {
    by.lock();
  }
  remember();
  if (flags.json) return writeJson(describeGpg(result));
  if (flags.quiet) return;
  for (const { holder, fingerprint } of result.unchanged) {
    say(`vault: ${printable(holder)} has a grant for ${fingerprint} already`);
  }
  for (const { holder, fingerprint } of result.granted) {
    say(`vault: granted the key ${result.keyName} to ${printable(holder)}, OpenPGP ${fingerprint}`);
  }
  for (const line of reportCommit(result.granted.length, result.commit)) say(line);
}

const describeGpg = ({ keyName, granted, unchanged, passedOver, commit }: OpenPgpGrantResult): object => ({
  keyName,
  commit,
  granted,
  unchanged,
  notSealedTo: passedOver.map(passedOverToJson),
});

function reportCommit(granted: number, commit: string | null): string[] {
  if (granted === 0) return [];
  if (commit === null) return ["vault: the grants are staged; commit and push them"];
  return [`vault: committed as ${commit.slice(0, 10)}; push it, and they can run \`vault unlock\` in a clone`];
}

const passedOverToJson = ({ recipient, source, entry, reason }: PassedOverKey): object =>
  Object.assign({ recipient, source, reason }, keyToJson(entry));

/** A CI system that a key was made for. */
interface Machine {
  readonly holder: string;
  readonly identity: string;
  readonly recipient: string;
}

async function newMachine(name: string | true): Promise<Machine> {
  const { generateIdentity } = await import("@git-vault/sealing");
  if (name !== true && !/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw usageError("--ci: expected a name of up to 64 letters, digits, dots, - and _");
  }
  return { holder: name === true ? "ci" : `ci:${name}`, ...(await generateIdentity()) };
}

async function tell(result: GrantResult, machine: Machine | null, flags: FlagValues): Promise<void> {
  const { output = "-" } = flags;
  if (!flags.json && !flags.quiet) for (const line of report(result, flags)) say(line);
  let identity = machine?.identity ?? null;
  if (machine !== null && !(flags.json && output === "-")) {
    await writeOutput(Buffer.from(`${machine.identity}\n`), { output }, { input: null, secret: true });
    identity = null;
    if (!flags.quiet) say("vault: keep that private key in a secret named GIT_VAULT_IDENTITY: it is kept nowhere else");
  }
  if (flags.json) writeStdout(jsonLine({ ...describe(result), identity }));
}

function report({ keyName, granted, unchanged, passedOver, commit }: GrantResult, flags: FlagValues): string[] {
  return [
    ...unchanged.map((holder) => `vault: ${printable(holder)} has a grant for the same keys already`),
    ...granted.flatMap(({ holder, keys, renewed }) => [
      `vault: granted the key ${keyName} to ${printable(holder)}${renewed ? ", in the place of an older grant" : ""}`,
      ...keys.map(({ type, fingerprint }) => `  ${type.padEnd(12)}  ${fingerprint}`),
    ]),
    ...passedOver.map(
      ({ recipient, entry, reason }) =>
        `vault: not to a key of ${printable(recipient)}: ${describeKey(entry)}: ${reason}`,
    ),
    ...reportCommit(granted.length, commit),
    ...(granted.length > 0 && flags["no-sign"] ? ["vault: not signed"] : []),
  ];
}

const describe = ({ keyName, granted, unchanged, passedOver, commit }: GrantResult): object => ({
  keyName,
  commit,
  granted: granted.map(({ holder, path, renewed, keys }) => ({
    holder,
    path,
    renewed,
    keys: keys.map(({ type, fingerprint }) => ({ type, fingerprint })),
  })),
  unchanged,
  notSealedTo: passedOver.map(passedOverToJson),
});
