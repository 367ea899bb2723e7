import { Directory } from "@git-vault/directory";
import { openRepository, type Repository } from "@git-vault/git-crypt";
import { listHolders, planSync, SharingError, type SyncPlan } from "@git-vault/sharing";
import { findGranter } from "../granter.ts";
import { printable, say, writeJson } from "../streams.ts";
import { canAsk, confirm, rememberRecipients } from "../trust.ts";
import type { FlagValues, Invocation } from "../table.ts";

export async function run({ flags }: Invocation): Promise<void> {
  const repository = openRepository(process.cwd());
  const directory = new Directory();
  const plan = await planSync(repository, flags["key-name"] ?? "default", directory);
  if (!flags.json && !flags.quiet) for (const line of report(plan)) say(line);
  await tellUnsound(repository, flags);
  if (flags.check) {
    if (flags.json) writeJson(describe(plan, null));
    if (plan.renewals.length + plan.notRenewable.length > 0) process.exitCode = 7;
    return;
  }
  if (plan.renewals.some(({ added }) => added.length > 0)) await admit(flags);
  let commit = null;
  if (plan.renewals.length > 0) {
    const by = await findGranter(flags);
    try {
      commit = await plan.apply(by, { stageOnly: flags["no-commit"] === true });
    } finally {
      by.lock();
    }
    rememberRecipients(plan.entries, flags);
  }
  if (flags.json) writeJson(describe(plan, commit));
  else if (commit !== null && !flags.quiet) say(`vault: committed as ${commit.slice(0, 10)}; push it`);
  if (plan.notRenewable.length > 0) process.exitCode = 7;
}

/** Grants that nobody can use, or should, are nothing to renew: they are to be looked at. */
async function tellUnsound(repository: Repository, flags: FlagValues): Promise<void> {
  const { stray, bad } = await listHolders(repository, null);
  const unsound = [...stray, ...bad];
  if (unsound.length === 0) return;
  process.exitCode = 7;
  if (flags.json || flags.quiet) return;
  say("vault: these grants are not sound, see `vault holders`:");
  for (const { path } of unsound) say(`  ${printable(path)}`);
}

/** Whoever can put a key on an account would else get the repository's. */
async function admit(flags: FlagValues): Promise<void> {
  if (flags.yes) return;
  if (canAsk(flags)) return confirm("seal to the keys that were added");
  throw new SharingError("RECIPIENT_CHANGED", "holders have keys that were not granted to", {
    hint: "look at them with --check, and say --yes",
  });
}

function report({ renewals, notRenewable }: SyncPlan): string[] {
  if (renewals.length + notRenewable.length === 0) return ["vault: every grant fits the keys that its holder has now"];
  return [
    ...renewals.flatMap(({ holder, name, added, removed }) => [
      `vault: ${printable(holder)}${name === holder ? "" : `, now named ${printable(name)}`}`,
      ...added.map(({ type, fingerprint }) => `  added    ${type.padEnd(12)}  ${fingerprint}`),
      ...removed.map(({ type, fingerprint }) => `  removed  ${type.padEnd(12)}  ${fingerprint}`),
    ]),
    ...notRenewable.map(({ holder, reason }) => `vault: ${printable(holder)} is left as they are: ${reason}`),
  ];
}

const describe = ({ keyName, renewals, notRenewable }: SyncPlan, commit: string | null): object => ({
  keyName,
  commit,
  renewals: renewals.map(({ holder, name, added, removed }) => ({
    holder,
    name,
    added: added.map(({ fingerprint }) => fingerprint),
    removed: removed.map(({ fingerprint }) => fingerprint),
  })),
  notRenewable,
});
