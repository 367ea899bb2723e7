import {
  keyId,
  parseKeyFile,
  readKeyRing,
  wipeKeyFile,
  type FilesToCommit,
  type Repository,
} from "@git-vault/git-crypt";
import { standingOf } from "./grant-standing.ts";
import { byHolder, readGrants, type BadGrant, type Grant } from "./grants.ts";
import { makeGrant, type GrantedBy } from "./make-grant.ts";

/** Which grants are renewed, and for which key. */
export interface RenewGrantsOptions {
  readonly repository: Repository;
  /** The key file that takes the place of the repository's. */
  readonly newKey: Uint8Array;
  readonly by: GrantedBy;
  /** Holders that get no new grant. */
  readonly without?: readonly string[];
}

/** The grants under a new key. */
export interface RenewedGrants {
  /** The files to commit along: the new grants, and the old ones that go. */
  readonly changes: FilesToCommit;
  /** Whom the new key is granted to. */
  readonly holders: readonly string[];
  /** Grants that were not renewed, and why; their files go. */
  readonly dropped: readonly BadGrant[];
}

/** See `renewGrants` in granting.ts. */
export async function renewGrants(options: RenewGrantsOptions): Promise<RenewedGrants> {
  const { repository, newKey, by, without = [] } = options;
  const keyFile = parseKeyFile(newKey);
  const keyName = keyFile.name ?? "default";
  const ring = readKeyRing(repository, keyName);
  try {
    const all = readGrants(repository);
    const ours = all.grants.filter(({ statement }) => statement.keyName === keyName);
    const changes = new Map<string, Buffer | null>(ours.map(({ path }) => [path, null]));
    const present = all.rotations.get(keyName)?.present ?? new Set();
    const keys = ring.all.filter((key) => key === ring.current || present.has(keyId(key)));
    const branches = keys.map((key) => ours.filter((one) => standingOf(one, key, all) === "current"));
    const sound = new Set(branches.flat());
    const holders: string[] = [];
    const dropped: BadGrant[] = ours
      .filter((one) => !sound.has(one))
      .map(({ path }) => ({ path, problem: "it was not made with a key that lies here" }));
    for (const { holder, grants } of byHolder([...sound])) {
      if (without.includes(holder)) continue;
      if (!branches.every((branch) => mayHold(branch, holder, grants))) {
        const problem = "it is of one of two branches that were rotated, and may have been revoked on the other";
        dropped.push(...grants.map(({ path }) => ({ path, problem })));
        continue;
      }
      const [since] = grants.map(({ statement }) => statement.since).toSorted();
      const [path, content] = await makeGrant({ ...grants[0].statement, since }, { bytes: newKey, keyFile }, by);
      changes.set(path, content);
      holders.push(holder);
    }
    return { changes, holders, dropped };
  } finally {
    ring.wipe();
    wipeKeyFile(keyFile);
  }
}

/** Whether a holder holds a branch's key, or was first granted one after that branch was rotated, so that it cannot have shut them out. */
function mayHold(branch: readonly Grant[], holder: string, grants: readonly Grant[]): boolean {
  if (branch.some(({ statement }) => statement.holder === holder)) return true;
  const [rotated] = branch.map(({ statement }) => statement.granted).toSorted();
  return rotated !== undefined && grants.every(({ statement }) => statement.since > rotated);
}
