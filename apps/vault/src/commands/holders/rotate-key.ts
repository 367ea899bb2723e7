import { plural, printable } from "@git-vault/core";
import type { FileName, Repository } from "@git-vault/git-crypt";
import { Directory } from "@git-vault/directory";
import { defaultPinFile, Pins, SharingError } from "@git-vault/sharing";
import { listHolders } from "@git-vault/sharing/grants";
import { planRotation, type PlannedGrant, type RotatedKey, type RotationPlan } from "@git-vault/sharing/rotation";
import { findGranter, type Granter, type GranterOptions } from "./granter.ts";
import { signatureText } from "../message/signature-text.ts";
import { filterCommands } from "../repository/filter-command.ts";
import { progressLine } from "../../io/progress.ts";
import { say } from "../../io/streams.ts";
import { canAsk, confirm } from "../../io/confirm.ts";

/** Which key is replaced, and how. */
interface RotationOptions extends GranterOptions {
  readonly keyName: string | undefined;
  readonly yes: boolean;
}

/** A key that was replaced, and who was taken out. */
export interface Rotated extends RotatedKey {
  readonly revoked: RotationPlan["revoked"];
}

/** Replaces the key and grants the new one to the remaining holders, in one commit. */
export async function rotateKey(
  repository: Repository,
  options: RotationOptions,
  revoke: readonly string[] = [],
): Promise<Rotated> {
  const directory = new Directory();
  const keyName = options.keyName ?? "default";
  // What asks for a passphrase comes before anything is encrypted anew.
  const by = (await hasGrants(repository, keyName)) ? await findGranter(options) : NOBODY;
  const progress = progressLine("encrypted anew", options);
  try {
    const pins = new Pins(defaultPinFile());
    const plan = await planRotation({ repository, keyName, revoke, directory, pins, by });
    await admitRenewals(plan, options);
    const result = await plan.apply({ ...filterCommands(), progress: progress.step });
    return { ...result, revoked: plan.revoked };
  } finally {
    progress.end();
    by.lock();
  }
}

const NOBODY: Granter = { name: null, signer: null, lock: () => {} };

/** Whether anything is to be signed. */
async function hasGrants(repository: Repository, keyName: string): Promise<boolean> {
  const { holders, unvouched } = await listHolders(repository, null);
  return [...holders, ...unvouched].some((holder) => holder.keyName === keyName);
}

/** Whoever can write a grant would else get each new key. */
async function admitRenewals({ renewals, dropped, unasked }: RotationPlan, options: RotationOptions): Promise<void> {
  const doubtful = renewals.filter(({ doubts }) => doubts.length > 0);
  if (unasked !== null && renewals.length > 0 && !options.quiet)
    say(`vault: the holders' keys are not compared: ${unasked}`);
  if (doubtful.length === 0) return;
  for (const line of ["vault: the new key would be sealed to these, too:", ...doubtful.flatMap(lookedAt)]) say(line);
  for (const { path, problem } of dropped) say(`vault: not renewed: ${printable(path)}: ${printable(problem)}`);
  if (options.yes) return;
  if (canAsk(options)) return confirm("are these the right keys of the right people");
  const holders = [...new Set(doubtful.map(({ holder }) => printable(holder)))];
  throw new SharingError("UNCONFIRMED_GRANTS", `nobody confirmed the grants of ${holders.join(", ")}`, {
    hint: "nothing was changed; take out who should not have it with `vault revoke`, or vouch with `vault grant`; else say --yes",
  });
}

const lookedAt = ({ holder, keys, userId, grantedBy, signature, doubts }: PlannedGrant): string[] => [
  `  ${printable(holder)}${signature === null ? "" : `, granted by ${printable(grantedBy ?? "somebody")} (${signatureText(signature)})`}`,
  ...keys.map(
    ({ type, fingerprint }) =>
      `    ${type.padEnd(12)}  ${fingerprint}${userId === null ? "" : `  ${printable(userId)}`}`,
  ),
  ...doubts.map((doubt) => `    ! ${printable(doubt)}`),
];

const list = (title: string, files: readonly FileName[], mark = ""): string[] =>
  files.length === 0 ? [] : [`vault: ${title}:`, ...files.map(({ path }) => `  ${mark}${path}`)];

/** What is to be known of a rotation. */
export function reportRotation({ keyName, branch, commit, files, clear, granted, dropped }: RotatedKey): string[] {
  return [
    `vault: the key ${keyName} is replaced: ${plural(files.length, "file")} encrypted anew in the commit ${commit.slice(0, 12)} on ${branch}`,
    ...(granted.length === 0 ? [] : ["vault: the new key is granted to"]),
    ...granted.flatMap(({ holder, keys }) => [
      `  ${printable(holder)}`,
      ...keys.map(({ type, fingerprint }) => `    ${type.padEnd(12)}  ${fingerprint}`),
    ]),
    ...dropped.map(({ path, problem }) => `vault: not renewed, and removed: ${printable(path)}: ${printable(problem)}`),
    ...list("not encrypted before nor now, see `vault status`", clear),
    "vault: push the commit; holders of a grant then run `git pull` and `vault unlock`; others need `vault share`",
    "vault: keep a copy of the new key with `vault export-key`: older copies no longer open what is encrypted now",
    "vault: whoever had the old key can still read what was encrypted with it, in every clone that exists",
    ...list("so change the secrets in these files", files, "[ ] "),
  ];
}

/** For --json. */
export const describeRotation = (result: RotatedKey): object => ({
  keyName: result.keyName,
  keyId: result.keyId,
  retiredKeyId: result.retiredKeyId,
  branch: result.branch,
  commit: result.commit,
  files: result.files.map(({ path }) => path),
  clear: result.clear.map(({ path }) => path),
  granted: result.granted.map(({ holder, keys }) => ({
    holder,
    keys: keys.map(({ type, fingerprint }) => ({ type, fingerprint })),
  })),
  droppedGrants: result.dropped,
});
