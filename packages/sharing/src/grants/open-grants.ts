import {
  keyId,
  KeyRing,
  parseKeyFile,
  readKeyRing,
  readRemoved,
  shareAncestor,
  tryKey,
  wipeKeyFile,
  type KeyFile,
  type Repository,
} from "@git-vault/git-crypt";
import { isVaultError, printable } from "@git-vault/core";
import { open, PassphraseIdentity, SealingError } from "@git-vault/sealing";
import { SharingError } from "../errors.ts";
import { signerOf } from "./grant-signature.ts";
import { isMadeWith } from "./grant-validity.ts";
import { MAX_GRANT_BYTES, parseGrant } from "./grant-file.ts";
import { GRANTS_FOLDER, readGrantsToCome, type BadGrant, type Grant, type Grants } from "./read-grants.ts";
import {
  findLocalIdentities,
  type LocalIdentities,
  type OpenedWith,
  type ReceiveOptions,
} from "../identities/local-identities.ts";

/** A grant that was opened, and proved to hold a key of the repository. */
export interface OpenedGrant {
  readonly grant: Grant;
  readonly keyName: string;
  /** The key file. Secret: overwrite it with zeros when done. */
  readonly key: Buffer;
  /** Whether the key was tried on an encrypted file; false where there is none. */
  readonly verified: boolean;
  readonly openedWith: OpenedWith;
}

/** A grant that a commit removed. */
export interface RemovedGrant {
  readonly holder: string;
  readonly commit: string;
  /** The name of who wrote the commit, of printable characters, and the day of it: `2026-11-28`. */
  readonly by: string;
  readonly day: string;
}

/** How a removed grant is told of. */
export const removalText = ({ holder, commit, by, day }: RemovedGrant): string =>
  `the grant to ${holder} was removed by ${by} on ${day}, in the commit ${commit.slice(0, 12)}`;

/** The grants that were found for the private keys of this machine. */
export interface OpenedGrants {
  /** One for each key's name. */
  readonly opened: readonly OpenedGrant[];
  /** Grants for these private keys that are not to be used, and why. */
  readonly refused: readonly BadGrant[];
  /**
   * Files among the grants that are none, where none was opened: one of them may have been meant
   * for these private keys.
   */
  readonly bad: readonly BadGrant[];
  /** The last grant for these private keys that was removed, where there is none now; else null. */
  readonly removed: RemovedGrant | null;
}

/**
 * Finds grants in a repository, and in what was fetched for its branch, that the private keys of
 * this machine open, and opens the newest sound one for each key's name; more, where branches that
 * were rotated each have a key of their own.
 *
 * A grant is refused that holds another key than it says, or another one than the repository's
 * files are encrypted with; that holds a key which a rotation replaced; whose signature does not
 * fit; or that was not made, or was changed since, by somebody who had the key.
 *
 * @returns nothing opened where no grant is for these private keys
 * @throws SharingError `RETIRED_GRANT` or `MISMATCHED_GRANT` where there are grants for them, and
 * each is refused; what a private key that was named throws, and `receive` for a wrong passphrase
 */
export async function openGrants(repository: Repository, options: ReceiveOptions): Promise<OpenedGrants> {
  const grants = readGrantsToCome(repository);
  if (grants.grants.length + grants.rotations.size === 0)
    return { opened: [], refused: [], bad: grants.bad, removed: null };
  const local = await findLocalIdentities(options);
  const opened = new Map<string, OpenedGrant>();
  const refused: BadGrant[] = [];
  let isRetired = true;
  let removed: RemovedGrant | null = null;
  try {
    const mine = await fingerprintsOf(local);
    for (const grant of mineFirst(grants.grants, mine)) {
      if (!isWanted(grant, grants, [...opened.values()])) continue;
      try {
        const one = await openGrant(repository, grant, grants, local);
        if (one !== null) opened.set(`${one.keyName} ${grant.statement.keyId}`, one);
      } catch (error) {
        if (!(error instanceof SharingError)) throw error;
        isRetired &&= error.code === "RETIRED_GRANT";
        refused.push({ path: grant.path, problem: error.message });
      }
    }
    if (opened.size === 0 && isRetired) removed = findRemoved(repository, mine);
  } catch (error) {
    for (const { key } of opened.values()) key.fill(0);
    throw error;
  } finally {
    local.lock();
  }
  if (opened.size === 0 && refused.length > 0) throw allRefused(refused, isRetired, removed);
  return { opened: [...opened.values()], refused, bad: opened.size === 0 ? grants.bad : [], removed };
}

/** The last grant for keys of these fingerprints that a commit removed. */
function findRemoved(repository: Repository, mine: ReadonlySet<string | null>): RemovedGrant | null {
  for (const { content, commit, author, day } of readRemoved(repository, GRANTS_FOLDER, MAX_GRANT_BYTES)) {
    try {
      const { holder, keys } = parseGrant(content).statement;
      const isMine = keys.some(({ fingerprint }) => mine.has(fingerprint));
      if (isMine) return { holder, commit, by: printable(author), day };
    } catch (error) {
      if (!(error instanceof SharingError)) throw error;
    }
  }
  return null;
}

async function fingerprintsOf(local: LocalIdentities): Promise<Set<string | null>> {
  const places = await Promise.all(local.identities.map(async (identity) => local.openedWith(identity)));
  return new Set(places.map(({ fingerprint }) => fingerprint));
}

/** One for each key's name; more where branches that were rotated each have a key of their own. */
function isWanted({ statement }: Grant, { rotations }: Grants, opened: readonly OpenedGrant[]): boolean {
  const same = opened.filter(({ keyName }) => keyName === statement.keyName);
  if (same.length === 0) return true;
  const isPresent = rotations.get(statement.keyName)?.present.has(statement.keyId) === true;
  return isPresent && same.every(({ grant }) => grant.statement.keyId !== statement.keyId);
}

/** Those that name a key of this machine, newest first, then the others. */
function mineFirst(grants: readonly Grant[], mine: ReadonlySet<string | null>): Grant[] {
  const isMine = ({ statement }: Grant): boolean => statement.keys.some(({ fingerprint }) => mine.has(fingerprint));
  const newest = grants.toSorted((a, b) => (a.statement.granted < b.statement.granted ? 1 : -1));
  return [...newest.filter(isMine), ...newest.filter((grant) => !isMine(grant))];
}

/** Null where no private key here opens it. */
async function openGrant(
  repository: Repository,
  grant: Grant,
  { rotations }: Grants,
  local: LocalIdentities,
): Promise<OpenedGrant | null> {
  const { keyName, keyId: id, keys } = grant.statement;
  const isSignatureSound = grant.signature === null || signerOf(grant) !== null;
  const identities = local.identities.filter((identity) => !(identity instanceof PassphraseIdentity));
  let plaintext;
  let identity;
  try {
    ({ plaintext, identity } = await open(Buffer.from(grant.message), identities));
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    if (error.code === "NO_IDENTITY_MATCHED") return null;
    throw mismatch(`its message does not open: ${error.message}`, error);
  }
  try {
    const openedWith = await local.openedWith(identity);
    const { fingerprint } = openedWith;
    if (fingerprint !== null && !keys.some((key) => key.fingerprint === fingerprint)) {
      throw mismatch("it does not name the key that opens it: it was swapped or changed");
    }
    const keyFile = parse(plaintext);
    try {
      const name = keyFile.name ?? "default";
      if (name !== keyName) throw mismatch(`it says that it holds the key ${keyName}, and holds another`);
      if (keyId(keyFile) !== id) throw mismatch("it holds another key than it says");
      if (!isMadeWith(keyFile, grant)) throw mismatch("it was changed by somebody who had not the key");
      if (!isSignatureSound) throw mismatch("its signature does not fit");
      if (rotations.get(keyName)?.retires(keyFile) === true) {
        throw new SharingError("RETIRED_GRANT", `it holds a key ${keyName} that was replaced by a rotation`);
      }
      const ring = KeyRing.of(repository, keyFile);
      const fit = tryKey(repository, ring);
      if (fit === "wrong" && !isOfOtherBranch(repository, ring))
        throw mismatch(`it holds another key than the one this repository's files are encrypted with`);
      return { grant, keyName, key: Buffer.from(plaintext), verified: fit === "fits", openedWith };
    } finally {
      wipeKeyFile(keyFile);
    }
  } finally {
    plaintext.fill(0);
  }
}

/** Whether a key, and the one that lies here, replaced one and the same on two branches. */
function isOfOtherBranch(repository: Repository, ring: KeyRing): boolean {
  if (!repository.keyNames().includes(ring.name)) return false;
  const here = readKeyRing(repository, ring.name);
  try {
    return shareAncestor(here, ring);
  } finally {
    here.wipe();
  }
}

function parse(plaintext: Buffer): KeyFile {
  try {
    return parseKeyFile(plaintext);
  } catch (error) {
    if (!isVaultError(error)) throw error;
    throw mismatch("it holds no git-crypt key", error);
  }
}

const mismatch = (problem: string, cause?: unknown): SharingError =>
  new SharingError("MISMATCHED_GRANT", problem, { cause });

function allRefused(refused: readonly BadGrant[], isRetired: boolean, removed: RemovedGrant | null): SharingError {
  if (isRetired && removed !== null) {
    return new SharingError("RETIRED_GRANT", `${removalText(removed)}, and the key was replaced`, {
      hint: "ask one of `vault holders` for the present key: they run `vault grant`",
    });
  }
  const reasons = refused.map(({ path, problem }) => `${path}: ${problem}`).join("; ");
  return isRetired
    ? new SharingError("RETIRED_GRANT", `the grant for you is of a key that was replaced: ${reasons}`, {
        hint: "run `git fetch`, which may bring a newer one; else ask one of `vault holders` for the present key: they run `vault grant`",
      })
    : new SharingError("MISMATCHED_GRANT", `a grant for you cannot be used: ${reasons}`, {
        hint: "see with `git log` who changed it, and ask a holder to grant anew with `vault grant`",
      });
}

/**
 * Tells whether a rotation made a key that is not here, of those names whose keys are: in what is
 * checked out, or was fetched for the branch.
 *
 * @throws GitCryptError GIT_FAILED, KEY_FILE_UNREADABLE, MALFORMED_KEY_FILE
 */
export function lacksPresentKey(repository: Repository): boolean {
  const { rotations } = readGrantsToCome(repository);
  return repository.keyNames().some((name) => {
    const ring = readKeyRing(repository, name);
    try {
      const { retired, present } = rotations.get(name) ?? { retired: new Set(), present: new Set<string>() };
      const here = new Set(ring.all.map(keyId));
      return retired.has(keyId(ring.current)) || [...present].some((id) => !here.has(id));
    } finally {
      ring.wipe();
    }
  });
}
