import { printable } from "@git-vault/core";
import { Directory } from "@git-vault/directory";
import { openRepository, type Repository } from "@git-vault/git-crypt";
import { SharingError } from "@git-vault/sharing";
import { listHolders, planSync, type SyncPlan } from "@git-vault/sharing/grants";
import { findGranter } from "./granter.ts";
import type { Options, Run } from "../../cli/command.ts";
import { canAsk, confirm } from "../../io/confirm.ts";
import { say, writeJson } from "../../io/streams.ts";
import { rememberRecipients } from "../message/check-recipients.ts";
import type { HOLDER_COMMANDS } from "./specs.ts";

type Sync = typeof HOLDER_COMMANDS.sync;
type SyncOptions = Options<Sync["flags"]>;

export const run: Run<Sync> = async (options) => {
  const { keyName = null, json, quiet, check, noCommit } = options;
  const repository = openRepository(process.cwd());
  const directory = new Directory();
  const plan = await planSync(repository, keyName, directory);
  if (!json && !quiet) for (const line of report(plan)) say(line);
  await reportUnsound(repository, options);
  if (check) {
    if (json) writeJson(describe(plan, null));
    if (plan.renewals.length + plan.notRenewable.length > 0) process.exitCode = 7;
    return;
  }
  if (plan.renewals.some(({ added, doubts }) => added.length + doubts.length > 0)) await admit(options);
  let commit = null;
  if (plan.renewals.length > 0) {
    const by = await findGranter(options);
    try {
      commit = await plan.apply(by, { stageOnly: noCommit });
    } finally {
      by.lock();
    }
    rememberRecipients(plan.entries, options);
  }
  if (json) writeJson(describe(plan, commit));
  else if (commit !== null && !quiet) say(`vault: committed as ${commit.slice(0, 10)}; push it`);
  if (plan.notRenewable.length > 0) process.exitCode = 7;
};

/** Grants that nobody can use, or should, are nothing to renew: they are to be looked at. */
async function reportUnsound(repository: Repository, { json, quiet }: SyncOptions): Promise<void> {
  const { holders, unvouched, stray, bad } = await listHolders(repository, null);
  const broken = holders.filter(({ signature }) => signature.state === "invalid").flatMap(({ paths }) => paths);
  const unsound = [...stray, ...bad, ...unvouched].map(({ path }) => path).concat(broken);
  const unsigned = holders.filter(({ signature }) => signature.state === "unsigned");
  if (unsound.length > 0) process.exitCode = 7;
  if (json || quiet) return;
  for (const { holder } of unsigned) say(`vault: the grant of ${printable(holder)} is not signed`);
  if (unsound.length > 0) say("vault: these grants are not sound, see `vault holders`:");
  for (const path of unsound) say(`  ${printable(path)}`);
}

/** Whoever can put a key on an account would else get the repository's. */
async function admit(options: SyncOptions): Promise<void> {
  if (options.yes) return;
  if (canAsk(options)) return confirm("seal to the keys that they have now");
  throw new SharingError(
    "RECIPIENT_CHANGED",
    "holders have keys that were not granted to, or nobody signed their grants",
    {
      hint: "look at them with --check, and say --yes",
    },
  );
}

function report({ renewals, notRenewable }: SyncPlan): string[] {
  if (renewals.length + notRenewable.length === 0) return ["vault: every grant fits the keys that its holder has now"];
  return [
    ...renewals.flatMap(({ holder, keyName, name, added, removed, doubts }) => [
      `vault: ${printable(holder)}${keySuffix(keyName)}${name === holder ? "" : `, now named ${printable(name)}`}`,
      ...added.map(({ type, fingerprint }) => `  added    ${type.padEnd(12)}  ${fingerprint}`),
      ...removed.map(({ type, fingerprint }) => `  removed  ${type.padEnd(12)}  ${fingerprint}`),
      ...doubts.map((doubt) => `  ! ${printable(doubt)}`),
    ]),
    ...notRenewable.map(
      ({ holder, keyName, reason }) =>
        `vault: ${printable(holder)}${keySuffix(keyName)} is left as they are: ${printable(reason)}`,
    ),
  ];
}

const keySuffix = (keyName: string): string => (keyName === "default" ? "" : `, key ${printable(keyName)}`);

const describe = ({ renewals, notRenewable }: SyncPlan, commit: string | null): object => ({
  commit,
  renewals: renewals.map(({ holder, keyName, name, added, removed, doubts }) => ({
    holder,
    keyName,
    name,
    added: added.map(({ fingerprint }) => fingerprint),
    removed: removed.map(({ fingerprint }) => fingerprint),
    doubts,
  })),
  notRenewable,
});
