import { rotate, type FileName, type Repository, type RotateResult } from "@git-vault/git-crypt";
import { listHolders, renewGrants, renewOpenPgpGrants, type BadGrant } from "@git-vault/sharing";
import { findGranter } from "./granter.ts";
import { filterCommands } from "./own-command.ts";
import { progressLine } from "./progress.ts";
import { printable } from "./streams.ts";
import type { FlagValues } from "./table.ts";

/** Who gets the new key, and who does not. */
export interface RotateWithout {
  /** The holders that get no grant of it. */
  readonly holders: readonly string[];
  /** The grants that are not renewed, from the top folder. */
  readonly paths: readonly string[];
}

/** What rotating did, and which grants it did not renew, and why. */
export interface Rotated extends RotateResult {
  readonly notRenewed: readonly BadGrant[];
}

/** Replaces the repository's key, and grants the new one to all holders, in one commit. */
export async function rotateKey(
  repository: Repository,
  flags: FlagValues,
  { holders, paths }: RotateWithout = { holders: [], paths: [] },
): Promise<Rotated> {
  const keyName = flags["key-name"] ?? "default";
  const grants = (await listHolders(repository, null)).holders.filter((holder) => holder.keyName === keyName);
  // What asks for a passphrase comes before anything is encrypted anew.
  const by = grants.length === 0 ? { name: null, signer: null, lock: () => {} } : await findGranter(flags);
  const progress = progressLine("encrypted anew", flags);
  let notRenewed: readonly BadGrant[] = [];
  try {
    const result = await rotate(repository, {
      ...filterCommands(),
      keyName,
      progress: progress.step,
      filesFor: async ({ bytes }) => {
        const { changes, dropped } = await renewGrants({ repository, newKey: bytes, by, without: holders });
        notRenewed = dropped.filter(({ path }) => !paths.includes(path));
        const files = new Map([...changes, ...(await renewOpenPgpGrants(repository, keyName, bytes))]);
        for (const path of paths) files.set(path, null);
        return files;
      },
    });
    return { ...result, notRenewed };
  } finally {
    progress.end();
    by.lock();
  }
}

const list = (title: string, files: readonly FileName[], mark = ""): string[] =>
  files.length === 0 ? [] : [`vault: ${title}:`, ...files.map(({ path }) => `  ${mark}${path}`)];

/** What is to be known of a rotation. */
export function reportRotation(result: RotateResult, notRenewed: readonly BadGrant[] = []): string[] {
  const { keyName, branch, commit, files, clear, droppedGrants } = result;
  const many = `${files.length} file${files.length === 1 ? "" : "s"}`;
  return [
    `vault: the key ${keyName} is replaced: ${many} encrypted anew in the commit ${commit.slice(0, 12)} on ${branch}`,
    ...list("grants that held the old key and could not be renewed, removed", droppedGrants),
    ...notRenewed.map(({ path, problem }) => `vault: not renewed, removed: ${printable(path)}: ${problem}`),
    ...list("not encrypted before nor now, see `vault status`", clear),
    "vault: push the commit; holders of a grant then run `git pull` and `vault unlock`; others need `vault share`",
    "vault: whoever had the old key can still read what was encrypted with it, in every clone that exists",
    ...list("so change the secrets in these files", files, "[ ] "),
  ];
}
