import { isKeyHere } from "./keys-here.ts";
import { readElsewhere, type Elsewhere } from "./elsewhere.ts";
import { assertOrder } from "./disputes.ts";
import { memberWithKey, nameOfMember, refusedNames, type Members } from "./membership.ts";
import { openOpenPgpCopies, readOpenPgpCopies, strangersAmong, type OpenedCopy } from "./openpgp-copies.ts";
import { fingerprintsOf } from "./own-fingerprints.ts";
import { openSealedKeys, type FalseCopy, type GenerationName } from "./sealed-keys.ts";
import { removalOf, takenOff, type KeyRemoval, type TakenOff } from "./taken-off.ts";
import { storeVerdict } from "../verdict.ts";
import { findLocalIdentities, type ReceiveOptions } from "../identities/local-identities.ts";

/** A key that a private key of this machine opened. */
export interface MembersKey extends GenerationName {
  /** The key file. Secret: overwrite it with zeros when done. */
  readonly key: Buffer;
  /** The file that held it, from the top folder. */
  readonly path: string;
  /** Whether the branch encrypts with it. */
  readonly isCurrent: boolean;
}

/** The keys that the log gives to the private keys of this machine. */
export interface MembersKeys {
  readonly opened: readonly MembersKey[];
  /** Copies that were opened, and are not what their places say. */
  readonly refused: readonly FalseCopy[];
  /** What the member is called whose private keys these are; null where nobody's are here. */
  readonly me: string | null;
  /** The names of keys that the member may open, and of which the present one was not opened. */
  readonly lacking: readonly string[];
  /** The entry that took a key of this machine out, where no other is a member's; else null. */
  readonly removal: KeyRemoval | null;
  /** The keys that lie here in an old state, and were taken from whose private keys these are. */
  readonly takenOff: readonly TakenOff[];
}

/**
 * Opens the keys that the log names with the private keys of this machine: the one that each name
 * has on this branch, and those of other branches, so that they can be merged. Whatever opens is
 * held against the log, which alone says which keys there are.
 *
 * @returns nothing opened where there is no log that was accepted
 * @throws SharingError HISTORY_NEEDED, DISPUTED; SealingError `PLUGIN_FAILED`, `PLUGIN_MISSING`
 * where nothing opened and a plugin failed; what a private key that was named throws, and `receive`
 * for a wrong passphrase
 */
export async function openKeys(members: Members, options: ReceiveOptions): Promise<MembersKeys> {
  if (members.rootState !== "accepted") return NOTHING;
  assertOrder(members);
  const { repository, branch } = members;
  const { memberships, attested, tips } = await learnKeysElsewhere(members);
  const current = new Map(branch.keyNames.map(({ name, current: { commitment } }) => [name, commitment]));
  const keyNames = memberships.flatMap((one) => one.keyNames);
  const wanted = [...new Set(keyNames.map(({ name }) => name))].toSorted().flatMap((keyName) => {
    const first = current.get(keyName);
    const generations = keyNames.flatMap((one) => (one.name === keyName ? one.generations.toReversed() : []));
    const ids = [...(first === undefined ? [] : [first]), ...generations.map(({ commitment }) => commitment)];
    return [...new Set(ids)].map((id) => ({ keyName, id }));
  });
  const isNeeded = ({ keyName, id }: GenerationName): boolean =>
    id === current.get(keyName) || !isKeyHere(repository, keyName, id);
  const needed = wanted.filter(isNeeded);
  const local = await findLocalIdentities(options);
  try {
    const { opened, wrong, failed } = await openSealedKeys(repository, needed, local, { attested, tips });
    const copies = await openCopies(members, wanted, new Set(opened.map(({ id }) => id)), options);
    const mine = new Set([
      ...(await fingerprintsOf(local)),
      ...copies.opened.map(({ fingerprint }) => fingerprint),
      ...opened.flatMap(({ recipient }) => recipient ?? []),
    ]);
    const member = memberWithKey(branch, mine);
    const all = [...opened, ...copies.opened].map(({ keyName, id, key, path }) => {
      return { keyName, id, key, path, isCurrent: current.get(keyName) === id };
    });
    const removal = member === null ? removalOf(members, mine) : null;
    if (failed !== null && all.length + wrong.length === 0 && removal === null) throw failed;
    const got = new Set(all.flatMap(({ keyName, isCurrent }) => (isCurrent ? keyName : [])));
    return {
      opened: all,
      refused: [...wrong, ...copies.refused],
      me: member === null ? null : nameOfMember(member),
      lacking: (member?.opens ?? []).filter((name) => current.has(name) && !got.has(name)),
      removal,
      takenOff: takenOff(members, mine),
    };
  } finally {
    local.lock();
  }
}

/** Lets git's filter know the keys that other references name: what was fetched may be merged. */
export async function learnKeysElsewhere(members: Members): Promise<Elsewhere> {
  const elsewhere = await readElsewhere(members);
  if (members.rootState === "accepted") storeVerdict(members, refusedNames(members), elsewhere.memberships);
  return elsewhere;
}

const NOTHING: MembersKeys = { opened: [], refused: [], me: null, lacking: [], removal: null, takenOff: [] };

/** git-crypt's own files, of members alone: what they hold must be a key that the log names. */
async function openCopies(
  { repository, branch }: Members,
  wanted: readonly GenerationName[],
  opened: ReadonlySet<string>,
  options: ReceiveOptions,
): Promise<{ opened: OpenedCopy[]; refused: FalseCopy[] }> {
  const all = readOpenPgpCopies(repository);
  const strangers = new Set(strangersAmong(all, branch).map(({ path }) => path));
  const isOpen = (keyName: string): boolean => wanted.some((one) => one.keyName === keyName && opened.has(one.id));
  const copies = all.filter(({ path, keyName }) => !strangers.has(path) && !isOpen(keyName));
  const result: { opened: OpenedCopy[]; refused: FalseCopy[] } = {
    opened: [],
    refused: [],
  };
  for (const copy of await openOpenPgpCopies(repository, copies, options)) {
    if (wanted.some(({ keyName, id }) => keyName === copy.keyName && id === copy.id)) result.opened.push(copy);
    else {
      copy.key.fill(0);
      result.refused.push({ path: copy.path, problem: "it holds another key than the members log names" });
    }
  }
  return result;
}

/**
 * Whether the branch, or what was fetched for it, names a key that is not here, of those names
 * whose keys are.
 */
export async function lacksKeys(members: Members): Promise<boolean> {
  if (members.rootState !== "accepted") return false;
  const { repository } = members;
  const { memberships } = await readElsewhere(members);
  const names = new Set(repository.keyNames());
  const keyNames = [members.branch, ...memberships].flatMap((one) => one.keyNames);
  return keyNames.some(
    ({ name, heads }) => names.has(name) && heads.some(({ commitment }) => !isKeyHere(repository, name, commitment)),
  );
}
