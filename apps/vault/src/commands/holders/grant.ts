import { printable } from "@git-vault/core";
import { openRepository } from "@git-vault/git-crypt";
import type { PassedOverKey } from "@git-vault/sharing";
import { grant, grantOpenPgp, type GrantResult, type OpenPgpGrantResult } from "@git-vault/sharing/grants";
import { usageError } from "../../errors.ts";
import { findGranter } from "./granter.ts";
import { assertNewFile, writeOutput } from "../../io/output.ts";
import { describeKey, keyToJson } from "../message/recipients.ts";
import type { Options, Run } from "../../cli/command.ts";
import { reportResult, say, writeJson } from "../../io/streams.ts";
import { trustedRecipients } from "../message/check-recipients.ts";
import type { HOLDER_COMMANDS } from "./specs.ts";

type Grant = typeof HOLDER_COMMANDS.grant;
type GrantOptions = Options<Grant["flags"]>;

export const run: Run<Grant> = async (options, queries) => {
  const { ci, output, keyName, gpg, allowWeak, noCommit } = options;
  if (queries.length === 0 && ci === undefined) throw usageError("expected a recipient, or --ci");
  if (output !== undefined && ci === undefined) throw usageError("--output is for the private key that --ci makes");
  if (gpg) return grantGpg(options, queries);
  const machine = ci === undefined ? null : await newMachine(ci);
  if (output !== undefined) assertNewFile(output);
  const repository = openRepository(process.cwd());
  const { directory, entries, remember } = await trustedRecipients(queries, options, "ssh", repository);
  const by = await findGranter(options);
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
      allowWeak,
      stageOnly: noCommit,
    });
  } finally {
    by.lock();
  }
  remember();
  await report(result, machine, options);
};

async function grantGpg(options: GrantOptions, queries: readonly string[]): Promise<void> {
  const { ci, keyName, noCommit } = options;
  if (ci !== undefined) throw usageError("--gpg and --ci were both given: a CI system's key is one of age's");
  const repository = openRepository(process.cwd());
  const { directory, entries, remember } = await trustedRecipients(queries, options, "openpgp", repository);
  const by = await findGranter(options);
  let result;
  try {
    result = await grantOpenPgp({ repository, keyName, to: entries, directory, by, stageOnly: noCommit });
  } finally {
    by.lock();
  }
  remember();
  reportResult(options, describeGpg(result), [
    ...result.unchanged.map(
      ({ holder, fingerprint }) => `vault: ${printable(holder)} has a grant for ${fingerprint} already`,
    ),
    ...result.granted.map(
      ({ holder, fingerprint }) =>
        `vault: granted the key ${result.keyName} to ${printable(holder)}, OpenPGP ${fingerprint}`,
    ),
    ...reportCommit(result.granted.length, result.commit),
  ]);
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

async function report(result: GrantResult, machine: Machine | null, options: GrantOptions): Promise<void> {
  const { output = "-", passphraseFile, noSign, json, quiet } = options;
  if (!json && !quiet) for (const line of linesOf(result, noSign)) say(line);
  let identity = machine?.identity ?? null;
  if (machine !== null && !(json && output === "-")) {
    const inUse = [passphraseFile];
    await writeOutput(Buffer.from(`${machine.identity}\n`), { output }, { input: null, secret: true, inUse });
    identity = null;
    if (!quiet) say("vault: keep that private key in a secret named GIT_VAULT_IDENTITY: it is kept nowhere else");
  }
  if (json) writeJson({ ...describe(result), identity });
}

function linesOf({ keyName, granted, unchanged, passedOver, commit }: GrantResult, noSign: boolean): string[] {
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
    ...(granted.length > 0 && noSign ? ["vault: not signed"] : []),
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
