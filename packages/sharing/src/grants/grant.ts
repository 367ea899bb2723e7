import { printable } from "@git-vault/core";
import { forgeUserOf, GITHUB, type Directory, type DirectoryEntry } from "@git-vault/directory";
import { commitFiles, wipeKeyFile, type Repository } from "@git-vault/git-crypt";
import { SharingError } from "../errors.ts";
import type { GrantKey } from "./grant-file.ts";
import { signatureStates, signerOf } from "./grant-signature.ts";
import { presentKey, standingOf } from "./grant-validity.ts";
import { readGrants, type Grant } from "./read-grants.ts";
import { grantKeysOf, holderOf, makeGrant, type GrantedBy, type Grantee } from "./make-grant.ts";
import { chooseRecipients, type PassedOverKey } from "../messages/share.ts";

/** What is granted, to whom and how. */
export interface GrantOptions {
  readonly repository: Repository;
  /** The name of the key; `default` where it is left out. */
  readonly keyName?: string | undefined;
  /** Whom it is granted to. */
  readonly to: readonly DirectoryEntry[];
  /**
   * Native age recipients of holders that are nobody, such as a CI system, by the holder's name.
   */
  readonly machines?: ReadonlyMap<string, string>;
  /** Tells the numbers of accounts. */
  readonly directory: Directory;
  readonly by: GrantedBy;
  /** Grant to RSA keys of 1024 to 2047 bits too, which a state may break. */
  readonly allowWeak?: boolean | undefined;
  /** Leave the grants staged instead of committing them. */
  readonly stageOnly?: boolean;
}

/** Somebody who was granted a key. */
export interface GrantedHolder {
  readonly holder: string;
  readonly keys: readonly GrantKey[];
  /** The grant's file, from the top folder. */
  readonly path: string;
  /** Whether it takes the place of older grants. */
  readonly renewed: boolean;
}

/** What granting did. */
export interface GrantResult {
  readonly keyName: string;
  readonly granted: readonly GrantedHolder[];
  /** The holders that had a valid grant to the same keys already. */
  readonly unchanged: readonly string[];
  readonly passedOver: readonly PassedOverKey[];
  /** The commit's name; null where nothing was committed. */
  readonly commit: string | null;
}

/**
 * Grants the repository's key: seals it to all usable keys of each recipient and commits that, in
 * one commit, in `.git-vault`. An older grant of the same holder is replaced. Where anything fails,
 * nothing is changed.
 *
 * @throws SharingError `NO_RECIPIENTS`, `NO_USABLE_KEY`; GitCryptError RETIRED_KEY; what
 * `Repository.readKey`, `commitFiles`, signing and the directory do
 */
export async function grant(options: GrantOptions): Promise<GrantResult> {
  const { repository, keyName = "default", by, machines = new Map<string, string>() } = options;
  const grants = readGrants(repository);
  const key = presentKey(repository, keyName, grants);
  try {
    const { grantees, passedOver } = await granteesOf(options, machines);
    const changes = new Map<string, Buffer | null>();
    const granted: GrantedHolder[] = [];
    const unchanged: string[] = [];
    for (const grantee of grantees) {
      const { holder, keys } = grantee;
      const older = grants.grants.filter(
        ({ statement }) => statement.holder === holder && statement.keyName === keyName,
      );
      const current = older.filter((one) => standingOf(one, key.keyFile, grants) === "current");
      const strange = current.find((one) => !sharesKey(one.statement.keys, keys));
      if (holder.startsWith("file:") && strange !== undefined) throw nameTaken(holder);
      const valid = current.filter((one) => sameKeys(one.statement.keys, keys));
      if (await isVouchedFor(valid, options)) {
        unchanged.push(holder);
        continue;
      }
      const [since] = older.map(({ statement }) => statement.since).toSorted();
      const [path, content] = await makeGrant({ ...grantee, since }, key, by);
      for (const { path: old } of older) changes.set(old, null);
      changes.set(path, content);
      granted.push({ holder, keys, path, renewed: older.length > 0 });
    }
    const holders = granted.map(({ holder }) => holder);
    const commit =
      granted.length === 0
        ? null
        : commitFiles(repository, changes, {
            message: `Grant the key ${keyName} to ${someOf(holders)}`,
            stageOnly: options.stageOnly ?? false,
          });
    return { keyName, granted, unchanged, passedOver, commit };
  } finally {
    key.bytes.fill(0);
    wipeKeyFile(key.keyFile);
  }
}

/**
 * Whether one of grants is as good as one that is made now: else whoever grants again would vouch
 * for nothing.
 */
export async function isVouchedFor(
  grants: readonly Grant[],
  { by, directory }: Pick<GrantOptions, "by" | "directory">,
): Promise<boolean> {
  if (by.signer === null) return grants.some((one) => one.signature === null || signerOf(one) !== null);
  const own = by.signer.publicKey?.fingerprint;
  if (grants.some((one) => own !== undefined && signerOf(one) === own)) return true;
  return [...(await signatureStates(grants, directory)).values()].some(({ state }) => state === "confirmed");
}

async function granteesOf(
  { to, directory, allowWeak }: GrantOptions,
  machines: ReadonlyMap<string, string>,
): Promise<{ grantees: Grantee[]; passedOver: readonly PassedOverKey[] }> {
  const grantees = new Map<string, Grantee>();
  for (const [holder, recipient] of machines) {
    const key = { text: recipient, type: "age-x25519", fingerprint: recipient };
    grantees.set(holder, { holder, account: null, keys: [key] });
  }
  if (to.length === 0 && machines.size > 0) return { grantees: [...grantees.values()], passedOver: [] };
  const { sealedTo, notSealedTo } = chooseRecipients({ to, allowWeak });
  for (const entry of to) {
    const holder = holderOf(entry);
    const keys = grantKeysOf(sealedTo.flatMap((one) => (one.recipient === entry.name ? one.entry : [])));
    const other = grantees.get(holder);
    if (other !== undefined && !sharesKey(other.keys, keys)) throw nameTaken(holder);
    grantees.set(holder, { holder, account: await accountOf(entry, directory), keys });
  }
  return { grantees: [...grantees.values()], passedOver: notSealedTo };
}

const sharesKey = (a: readonly GrantKey[], b: readonly GrantKey[]): boolean =>
  a.some(({ fingerprint }) => b.some((one) => one.fingerprint === fingerprint));

/** Two files of one name may be of two people, and each would lose the other's grant. */
const nameTaken = (holder: string): SharingError =>
  new SharingError("HOLDER_TAKEN", `${printable(holder)} is the name of another holder already, with other keys`, {
    hint: `nothing was changed; name the file after its owner, such as alice.pub; where it is the same person, first run \`vault revoke --no-rotate ${printable(holder)}\``,
  });

/** The account of a user of GitHub; null of anybody else. */
export async function accountOf(
  { name, account }: Pick<DirectoryEntry, "name" | "account">,
  directory: Directory,
): Promise<string | null> {
  if (account !== undefined) return account;
  const { forge, user: login = "" } = forgeUserOf(name) ?? {};
  return forge === GITHUB ? ((await directory.gitHubAccount({ login }))?.account ?? null) : null;
}

/** Whether two lists name the same keys, in whatever order. */
export function sameKeys(a: readonly { fingerprint: string }[], b: readonly { fingerprint: string }[]): boolean {
  const sorted = [a, b].map((keys) => keys.map(({ fingerprint }) => fingerprint).toSorted());
  return sorted[0]?.join("\n") === sorted[1]?.join("\n");
}

/** `alice, bob and 3 more`, for the first line of a commit's message. */
export function someOf(names: readonly string[]): string {
  const first = names.slice(0, 3);
  const more = names.length - first.length;
  if (more > 0) return `${first.join(", ")} and ${more} more`;
  return first.length === 1 ? (first[0] ?? "") : `${first.slice(0, -1).join(", ")} and ${first.at(-1) ?? ""}`;
}
