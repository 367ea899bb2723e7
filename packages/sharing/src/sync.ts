import type { Directory, DirectoryEntry } from "@git-vault/directory";
import { commitFiles, wipeKeyFile, type Repository } from "@git-vault/git-crypt";
import { forgeStates, type ForgeState } from "./forge-state.ts";
import { sameKeys, someOf } from "./grant.ts";
import type { GrantKey } from "./grant-file.ts";
import { presentKey, standingOf } from "./grant-standing.ts";
import { byHolder, readGrants, type HolderGrants } from "./grants.ts";
import { grantKeysOf, makeGrant, type GrantedBy, type Grantee } from "./make-grant.ts";

/** A holder whose grants are to be renewed. */
export interface Renewal {
  readonly holder: string;
  /** What the forge calls them now; the same as `holder` where they were not renamed. */
  readonly name: string;
  readonly added: readonly GrantKey[];
  readonly removed: readonly GrantKey[];
}

/** A holder whose grants cannot be renewed, and why. */
export interface NotRenewable {
  readonly holder: string;
  /** As a phrase. */
  readonly reason: string;
}

/** What is to be done so that each holder's grant fits the keys that they have on the forge now. */
export interface SyncPlan {
  readonly keyName: string;
  readonly renewals: readonly Renewal[];
  readonly notRenewable: readonly NotRenewable[];
  /** Whom grants are renewed for, as the forge has them now: to be remembered once that is admitted. */
  readonly entries: readonly DirectoryEntry[];
  /**
   * Renews the grants and commits that, in one commit.
   *
   * @returns the commit's name; null where nothing was to be renewed, or it was left staged
   * @throws what `commitFiles` and signing do
   */
  apply(by: GrantedBy, options?: { readonly stageOnly?: boolean }): Promise<string | null>;
}

interface Step {
  readonly group: HolderGrants;
  readonly grantee: Grantee;
  readonly renewal: Renewal;
  readonly entry: DirectoryEntry | null;
}

/** See `planSync` in granting.ts. */
export async function planSync(repository: Repository, keyName: string, directory: Directory): Promise<SyncPlan> {
  const all = readGrants(repository);
  const key = presentKey(repository, keyName, all);
  key.bytes.fill(0);
  const sound = all.grants.filter(
    (one) => one.statement.keyName === keyName && standingOf(one, key.keyFile, all) === "current",
  );
  wipeKeyFile(key.keyFile);
  const states = await forgeStates(
    sound.map(({ statement }) => statement),
    directory,
  );
  const steps: Step[] = [];
  const notRenewable: NotRenewable[] = [];
  for (const group of byHolder(sound)) {
    const step = stepFor(group, states.get(group.holder) ?? { kind: "not-asked" });
    if (step === null) continue;
    if ("reason" in step) notRenewable.push(step);
    else steps.push(step);
  }
  return {
    keyName,
    renewals: steps.map(({ renewal }) => renewal),
    notRenewable,
    entries: steps.flatMap(({ entry }) => entry ?? []),
    apply: async (by, { stageOnly = false } = {}) => apply(repository, keyName, steps, by, stageOnly),
  };
}

/** Null where the holder's grants are as they should be. */
function stepFor(group: HolderGrants, state: ForgeState): Step | NotRenewable | null {
  const { holder, grants } = group;
  if (state.kind === "not-asked") return null;
  if (state.kind === "gone") return { holder, reason: "there is no such account any more" };
  if (state.kind === "other-account") return { holder, reason: "another account has that name now" };
  const keys = grantKeysOf(state.keys.filter((entry) => entry.unusable === null || isHeld(group, entry.fingerprint)));
  if (keys.length === 0) return { holder, reason: "they have no key left that can be sealed to" };
  if (state.name === holder && grants.every(({ statement }) => sameKeys(statement.keys, keys))) return null;
  const held = [...new Map(grants.flatMap(({ statement }) => statement.keys.map((one) => [one.text, one]))).values()];
  const renewal = { holder, name: state.name, added: without(keys, held), removed: without(held, keys) };
  const [since] = grants.map(({ statement }) => statement.since).toSorted();
  return { group, renewal, entry: state.entry, grantee: { holder: state.name, account: state.account, keys, since } };
}

const without = (some: readonly GrantKey[], others: readonly GrantKey[]): GrantKey[] =>
  some.filter(({ text }) => !others.some((other) => other.text === text));

/** A key that was too weak to be granted to by itself stays granted. */
const isHeld = ({ grants }: HolderGrants, fingerprint: string | null): boolean =>
  grants.some(({ statement }) => statement.keys.some((key) => key.fingerprint === fingerprint));

async function apply(
  repository: Repository,
  keyName: string,
  steps: readonly Step[],
  by: GrantedBy,
  stageOnly: boolean,
): Promise<string | null> {
  if (steps.length === 0) return null;
  const key = presentKey(repository, keyName, readGrants(repository));
  try {
    const changes = new Map<string, Buffer | null>();
    for (const { group, grantee } of steps) {
      for (const { path } of group.grants) changes.set(path, null);
      changes.set(...(await makeGrant(grantee, key, by)));
    }
    const names = steps.map(({ grantee }) => grantee.holder);
    return commitFiles(repository, changes, { message: `Renew the grants of ${someOf(names)}`, stageOnly });
  } finally {
    key.bytes.fill(0);
    wipeKeyFile(key.keyFile);
  }
}
