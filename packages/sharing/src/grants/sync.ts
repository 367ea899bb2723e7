import type { Directory, DirectoryEntry } from "@git-vault/directory";
import { commitFiles, wipeKeyFile, type Repository } from "@git-vault/git-crypt";
import { forgeStates, type ForgeState } from "./account-state.ts";
import { sameKeys, someOf } from "./grant.ts";
import { doubtsOfSignature } from "./grant-review.ts";
import { isVoucher, type GrantKey } from "./grant-file.ts";
import { signatureStates } from "./grant-signature.ts";
import { presentKey, standingOf } from "./grant-validity.ts";
import { byHolder, readGrants, type Grant, type Grants, type HolderGrants } from "./read-grants.ts";
import { keyIfAny } from "./holders.ts";
import { grantKeysOf, makeGrant, type GrantedBy, type Grantee } from "./make-grant.ts";

/** A holder whose grants are to be renewed. */
export interface Renewal {
  readonly holder: string;
  readonly keyName: string;
  /** What the forge calls them now; the same as `holder` where they were not renamed. */
  readonly name: string;
  readonly added: readonly GrantKey[];
  readonly removed: readonly GrantKey[];
  /**
   * Why somebody must say that they hold the key at all, as phrases; empty where nothing speaks
   * against it.
   */
  readonly doubts: readonly string[];
}

/** A holder whose grants cannot be renewed, and why. */
export interface NotRenewable {
  readonly holder: string;
  readonly keyName: string;
  /** As a phrase. */
  readonly reason: string;
}

/** What is to be done so that each holder's grant fits the keys that they have on the forge now. */
export interface SyncPlan {
  readonly renewals: readonly Renewal[];
  readonly notRenewable: readonly NotRenewable[];
  /**
   * Whom grants are renewed for, as the forge has them now: to be remembered once that is admitted.
   */
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

/**
 * Finds the holders whose grants do not fit the keys that they have on the forge now. Nothing is
 * written until `apply`.
 *
 * @param keyName whose grants; null for all keys of the repository that lie here
 * @throws GitCryptError RETIRED_KEY; what `Repository.readKey` does; DirectoryError where a forge
 * cannot be asked now
 */
export async function planSync(
  repository: Repository,
  keyName: string | null,
  directory: Directory,
): Promise<SyncPlan> {
  const all = readGrants(repository);
  const every: readonly Grant[] = [...all.grants, ...all.vouchers];
  const names = keyName === null ? [...new Set(every.map(({ statement }) => statement.keyName))] : [keyName];
  const sound: Grant[] = [];
  for (const name of names) sound.push(...currentGrants(repository, name, all, keyName === null));
  const signatures = await signatureStates(sound, directory);
  const steps: Step[] = [];
  const notRenewable: NotRenewable[] = [];
  for (const kind of ["ssh", "openpgp"] as const) {
    const grants = sound.filter((one) => isVoucher(one) === (kind === "openpgp"));
    const states = await forgeStates(
      grants.map(({ statement }) => statement),
      directory,
      kind,
    );
    for (const group of byHolder(grants)) {
      const [newest] = group.grants;
      const doubts = doubtsOfSignature(newest, signatures.get(newest) ?? { state: "unsigned" }, NOBODY);
      const isBroken = group.grants.some((one) => signatures.get(one)?.state === "invalid");
      const step = stepFor(group, states.get(group.holder) ?? { kind: "not-asked" }, isBroken, doubts);
      if (step === null) continue;
      if ("reason" in step) notRenewable.push(step);
      else steps.push(step);
    }
  }
  return {
    renewals: steps.map(({ renewal }) => renewal),
    notRenewable,
    entries: steps.flatMap(({ entry }) => entry ?? []),
    apply: async (by, { stageOnly = false } = {}) => apply(repository, steps, by, stageOnly),
  };
}

const NOBODY = { ownKey: null, revoked: { holders: new Set<string>(), fingerprints: new Set<string>() } };

/**
 * @param passes whether a key that does not lie here is passed over: nothing can be renewed of it
 */
function currentGrants(repository: Repository, keyName: string, all: Grants, passes: boolean): Grant[] {
  const here = keyIfAny(repository, keyName);
  if (here === null && passes) return [];
  if (here !== null) wipeKeyFile(here);
  const { bytes, keyFile } = presentKey(repository, keyName, all);
  bytes.fill(0);
  const current = [...all.grants, ...all.vouchers].filter(
    (one) => one.statement.keyName === keyName && standingOf(one, keyFile, all) === "current",
  );
  wipeKeyFile(keyFile);
  return current;
}

/** Null where the holder's grants are as they should be. */
function stepFor(
  group: HolderGrants,
  state: ForgeState,
  isBroken: boolean,
  doubts: readonly string[],
): Step | NotRenewable | null {
  const { holder, keyName, grants } = group;
  const not = (reason: string): NotRenewable => ({ holder, keyName, reason });
  if (isBroken) return not("the signature of their grant does not fit: it was changed since");
  if (state.kind === "not-asked") return null;
  if (state.kind === "gone") return not("there is no such account any more");
  if (state.kind === "other-account") return not("another account has that name now");
  if (isVoucher(grants[0])) {
    const [key] = grants[0].statement.keys;
    if (state.keys.some(({ fingerprint }) => fingerprint === key?.fingerprint)) return null;
    return not(`the OpenPGP key ${key?.fingerprint ?? ""} was removed from their account`);
  }
  const keys = grantKeysOf(state.keys.filter((entry) => entry.unusable === null || isHeld(group, entry.fingerprint)));
  if (keys.length === 0) return not("they have no key left that can be sealed to");
  if (state.name === holder && grants.every(({ statement }) => sameKeys(statement.keys, keys))) return null;
  const held = [...new Map(grants.flatMap(({ statement }) => statement.keys.map((one) => [one.text, one]))).values()];
  const renewal = {
    holder,
    keyName,
    name: state.name,
    added: without(keys, held),
    removed: without(held, keys),
    doubts,
  };
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
  steps: readonly Step[],
  by: GrantedBy,
  stageOnly: boolean,
): Promise<string | null> {
  if (steps.length === 0) return null;
  const all = readGrants(repository);
  const changes = new Map<string, Buffer | null>();
  for (const keyName of new Set(steps.map(({ group }) => group.keyName))) {
    const key = presentKey(repository, keyName, all);
    try {
      for (const { group, grantee } of steps.filter((step) => step.group.keyName === keyName)) {
        for (const { path } of group.grants) changes.set(path, null);
        changes.set(...(await makeGrant(grantee, key, by)));
      }
    } finally {
      key.bytes.fill(0);
      wipeKeyFile(key.keyFile);
    }
  }
  const names = [...new Set(steps.map(({ grantee }) => grantee.holder))];
  return commitFiles(repository, changes, { message: `Renew the grants of ${someOf(names)}`, stageOnly });
}
