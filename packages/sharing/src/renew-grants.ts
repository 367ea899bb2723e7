import { parseKeyFile, wipeKeyFile, type FilesToCommit, type Repository } from "@git-vault/git-crypt";
import { standingOf } from "./grant-standing.ts";
import { byHolder, readGrants, type BadGrant } from "./grants.ts";
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
  /** Grants that were not renewed, since nobody who has the key made them as they are; their files go. */
  readonly dropped: readonly BadGrant[];
}

/** See `renewGrants` in granting.ts. */
export async function renewGrants(options: RenewGrantsOptions): Promise<RenewedGrants> {
  const { repository, newKey, by, without = [] } = options;
  const keyFile = parseKeyFile(newKey);
  const keyName = keyFile.name ?? "default";
  const old = repository.readKey(keyName);
  old.bytes.fill(0);
  try {
    const all = readGrants(repository);
    const ours = all.grants.filter(({ statement }) => statement.keyName === keyName);
    const changes = new Map<string, Buffer | null>(ours.map(({ path }) => [path, null]));
    const sound = ours.filter((one) => standingOf(one, old.keyFile, all) === "current");
    const holders: string[] = [];
    for (const { holder, grants } of byHolder(sound)) {
      if (without.includes(holder)) continue;
      const [since] = grants.map(({ statement }) => statement.since).toSorted();
      const [path, content] = await makeGrant({ ...grants[0].statement, since }, { bytes: newKey, keyFile }, by);
      changes.set(path, content);
      holders.push(holder);
    }
    const dropped = ours.filter((one) => !sound.includes(one)).map(({ path }) => ({ path, problem: whyDropped }));
    return { changes, holders, dropped };
  } finally {
    wipeKeyFile(old.keyFile);
    wipeKeyFile(keyFile);
  }
}

const whyDropped = "it was not made with the key that lies here";
