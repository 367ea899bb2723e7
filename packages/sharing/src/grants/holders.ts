import type { Directory } from "@git-vault/directory";
import { GitCryptError, wipeKeyFile, type KeyFile, type Repository } from "@git-vault/git-crypt";
import { forgeStates, type ForgeState } from "./account-state.ts";
import type { GrantKey } from "./grant-file.ts";
import { standingOf, type GrantStanding } from "./grant-validity.ts";
import { isVoucher } from "./grant-file.ts";
import { byHolder, readGrants, type BadGrant, type Grant } from "./read-grants.ts";
import { grantKeysOf } from "./make-grant.ts";
import { openPgpHolder, unvouchedGrants, type UnvouchedGrant } from "./openpgp-unvouched.ts";
import { signatureStates, type SignatureState } from "./grant-signature.ts";

/** A key that a holder was granted, and whether it is still theirs. */
export interface HeldKey extends GrantKey {
  /** `unknown` where nobody could be asked. */
  readonly state: "present" | "removed" | "unknown";
}

/** Somebody who holds a key of the repository. */
export interface Holder {
  readonly holder: string;
  readonly account: string | null;
  readonly keyName: string;
  /** Whether it is a grant of git-crypt's own, to an OpenPGP key, that is vouched for. */
  readonly format: "age" | "openpgp";
  /** When they first got it: `2026-11-25T02:45:17Z`. */
  readonly since: string;
  /** When the newest grant was made. */
  readonly granted: string;
  readonly grantedBy: string | null;
  /** Of the newest grant; `invalid` where that of any of them is. */
  readonly signature: SignatureState;
  /** All that they were granted to. */
  readonly keys: readonly HeldKey[];
  /** Keys that they have on the forge and were not granted to, though they could. */
  readonly newKeys: readonly GrantKey[];
  readonly forge: ForgeState["kind"];
  /** What they are called now, where that is another name. */
  readonly renamedTo: string | null;
  /**
   * Whether the grant is proved to be made by somebody who has the key; it cannot be told of a
   * locked repository.
   */
  readonly standing: "current" | "unproven";
  /** Of the grants' files, newest first. */
  readonly paths: readonly string[];
}

/** A grant that hands over another key than the present one, or that nobody made who had it. */
export interface StrayGrant {
  readonly path: string;
  readonly holder: string;
  readonly keyName: string;
  readonly standing: Exclude<GrantStanding, "current" | "unproven">;
}

/** Who has the keys of a repository. */
export interface HolderList {
  readonly holders: readonly Holder[];
  /** git-crypt's own grants, to OpenPGP keys, that no holder vouches for. */
  readonly unvouched: readonly UnvouchedGrant[];
  readonly stray: readonly StrayGrant[];
  readonly bad: readonly BadGrant[];
}

/** The repository's key of a name; null where it does not lie here. */
export function keyIfAny(repository: Repository, keyName: string): KeyFile | null {
  try {
    const { bytes, keyFile } = repository.readKey(keyName);
    bytes.fill(0);
    return keyFile;
  } catch (error) {
    if (error instanceof GitCryptError && ["LOCKED", "NO_SUCH_KEY", "NOT_GIT_CRYPT"].includes(error.code)) return null;
    throw error;
  }
}

/**
 * Tells who has the keys of a repository, from its grants alone, and what became of them since.
 *
 * @param directory asks the forges; null to ask nobody
 * @throws GitCryptError GIT_FAILED, MALFORMED_KEY_FILE; DirectoryError where a forge cannot be
 * asked now
 */
export async function listHolders(repository: Repository, directory: Directory | null): Promise<HolderList> {
  // Where there is no work tree, there is no index to speak of either.
  const all = readGrants(repository, repository.topLevel === null ? "HEAD" : undefined);
  const every: readonly Grant[] = [...all.grants, ...all.vouchers];
  const keyNames = [...new Set(every.map(({ statement }) => statement.keyName))];
  const keys = new Map(keyNames.map((name) => [name, keyIfAny(repository, name)]));
  const standings = new Map(every.map((one) => [one, standingOf(one, keys.get(one.statement.keyName) ?? null, all)]));
  const isSound = (one: Grant): boolean => ["current", "unproven"].includes(standings.get(one) ?? "");
  const unvouched = unvouchedGrants(all, isSound).map(({ keyName, fingerprint, path }) => {
    return { holder: openPgpHolder(fingerprint), keyName, fingerprint, path };
  });
  for (const key of keys.values()) if (key !== null) wipeKeyFile(key);
  const sound = every.filter(isSound);
  const stray = every.flatMap((one): StrayGrant[] => {
    const standing = standings.get(one) ?? "unproven";
    const { holder, keyName } = one.statement;
    return standing === "current" || standing === "unproven" ? [] : [{ path: one.path, holder, keyName, standing }];
  });
  const states = await statesOf(sound, directory);
  const signatures = await signatureStates(sound, directory);
  const holders = byHolder(sound).map((group): Holder => {
    const [newest] = group.grants;
    const standing = standings.get(newest) === "current" ? "current" : "unproven";
    const invalid = group.grants.map((one) => signatures.get(one)).find((one) => one?.state === "invalid");
    const forge = states.get(formatOf(newest))?.get(group.holder) ?? { kind: "not-asked" };
    return describe(group.grants, forge, invalid ?? signatures.get(newest), standing);
  });
  return { holders, unvouched, stray, bad: all.bad };
}

const formatOf = (grant: Grant): Holder["format"] => (isVoucher(grant) ? "openpgp" : "age");

/**
 * What the forges say of holders, by the format of their grants, which are sealed to keys of one
 * kind or the other.
 */
async function statesOf(
  grants: readonly Grant[],
  directory: Directory | null,
): Promise<Map<Holder["format"], Map<string, ForgeState>>> {
  const states = new Map<Holder["format"], Map<string, ForgeState>>();
  for (const format of directory === null ? [] : (["age", "openpgp"] as const)) {
    const asked = grants.filter((one) => formatOf(one) === format).map(({ statement }) => statement);
    if (directory === null || asked.length === 0) continue;
    states.set(format, await forgeStates(asked, directory, format === "age" ? "ssh" : "openpgp"));
  }
  return states;
}

function describe(
  grants: readonly [Grant, ...Grant[]],
  forge: ForgeState,
  signature: SignatureState = { state: "unsigned" },
  standing: Holder["standing"],
): Holder {
  const { holder, account, keyName, granted, grantedBy } = grants[0].statement;
  const keys = heldKeys(grants);
  const present = forge.kind === "found" ? new Set(forge.keys.map(({ fingerprint }) => fingerprint)) : null;
  const held = new Set(keys.map(({ fingerprint }) => fingerprint));
  // An OpenPGP key is granted to by itself, and others of the same account need no grant.
  const theirs = forge.kind === "found" ? grantKeysOf(forge.keys.filter(({ unusable }) => unusable === null)) : [];
  return {
    holder,
    account,
    keyName,
    format: formatOf(grants[0]),
    since: grants.map(({ statement }) => statement.since).toSorted()[0] ?? granted,
    granted,
    grantedBy,
    signature,
    keys: keys.map(({ text, type, fingerprint }) => {
      const state = present === null ? "unknown" : present.has(fingerprint) ? "present" : "removed";
      return { text, type, fingerprint, state };
    }),
    newKeys: theirs.filter(({ fingerprint }) => !held.has(fingerprint)),
    forge: forge.kind,
    renamedTo: renamedTo(holder, forge),
    standing,
    paths: grants.map(({ path }) => path),
  };
}

/** The keys of all grants, each once. */
const heldKeys = (grants: readonly Grant[]): GrantKey[] => [
  ...new Map(grants.flatMap(({ statement }) => statement.keys.map((key) => [key.fingerprint, key] as const))).values(),
];

function renamedTo(holder: string, forge: ForgeState): string | null {
  if (forge.kind === "other-account") return forge.renamedTo;
  return forge.kind === "found" && forge.name !== holder ? forge.name : null;
}
