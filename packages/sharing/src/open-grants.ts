import {
  keyFits,
  keyId,
  KeyRing,
  parseKeyFile,
  wipeKeyFile,
  type KeyFile,
  type Repository,
} from "@git-vault/git-crypt";
import { isVaultError } from "@git-vault/errors";
import { open, PassphraseIdentity, SealingError } from "@git-vault/sealing";
import { SharingError } from "./errors.ts";
import { signerOf } from "./grant-signature.ts";
import { isMadeWith } from "./grant-standing.ts";
import { readGrantsToCome, type BadGrant, type Grant, type Grants } from "./grants.ts";
import { findLocalIdentities, type LocalIdentities, type OpenedWith, type ReceiveOptions } from "./local-identities.ts";

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

/** The grants that were found for the private keys of this machine. */
export interface OpenedGrants {
  /** One for each key's name. */
  readonly opened: readonly OpenedGrant[];
  /** Grants for these private keys that are not to be used, and why. */
  readonly refused: readonly BadGrant[];
}

/** See `openGrants` in granting.ts. */
export async function openGrants(repository: Repository, options: ReceiveOptions): Promise<OpenedGrants> {
  const grants = readGrantsToCome(repository);
  if (grants.grants.length === 0) return { opened: [], refused: [] };
  const local = await findLocalIdentities(options);
  const opened = new Map<string, OpenedGrant>();
  const refused: BadGrant[] = [];
  let isRetired = true;
  try {
    for (const grant of await mineFirst(grants.grants, local)) {
      if (opened.has(grant.statement.keyName)) continue;
      try {
        const one = await openGrant(repository, grant, grants, local);
        if (one !== null) opened.set(one.keyName, one);
      } catch (error) {
        if (!(error instanceof SharingError)) throw error;
        isRetired &&= error.code === "RETIRED_GRANT";
        refused.push({ path: grant.path, problem: error.message });
      }
    }
  } catch (error) {
    for (const { key } of opened.values()) key.fill(0);
    throw error;
  } finally {
    local.lock();
  }
  if (opened.size === 0 && refused.length > 0) throw allRefused(refused, isRetired);
  return { opened: [...opened.values()], refused };
}

/** Those that name a key of this machine, newest first, then the others. */
async function mineFirst(grants: readonly Grant[], local: LocalIdentities): Promise<Grant[]> {
  const places = await Promise.all(local.identities.map(async (identity) => local.openedWith(identity)));
  const mine = new Set(places.map(({ fingerprint }) => fingerprint));
  const isMine = ({ statement }: Grant): boolean => statement.keys.some(({ fingerprint }) => mine.has(fingerprint));
  const newest = grants.toSorted((a, b) => (a.statement.granted < b.statement.granted ? 1 : -1));
  return [...newest.filter(isMine), ...newest.filter((grant) => !isMine(grant))];
}

/** Null where no private key here opens it. */
async function openGrant(
  repository: Repository,
  grant: Grant,
  { retired }: Grants,
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
      if (retired.get(keyName)?.has(id) === true) {
        throw new SharingError("RETIRED_GRANT", `it holds a key ${keyName} that was replaced by a rotation`);
      }
      const fits = keyFits(repository, KeyRing.of(repository, keyFile));
      if (fits === false)
        throw mismatch(`it holds another key than the one this repository's files are encrypted with`);
      return { grant, keyName, key: Buffer.from(plaintext), verified: fits === true, openedWith };
    } finally {
      wipeKeyFile(keyFile);
    }
  } finally {
    plaintext.fill(0);
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

function allRefused(refused: readonly BadGrant[], isRetired: boolean): SharingError {
  const reasons = refused.map(({ path, problem }) => `${path}: ${problem}`).join("; ");
  return isRetired
    ? new SharingError("RETIRED_GRANT", `the grant for you is of a key that was replaced: ${reasons}`, {
        hint: "pull the newest commits; where that does not help, ask for the present key with `vault grant`",
      })
    : new SharingError("MISMATCHED_GRANT", `a grant for you cannot be used: ${reasons}`, {
        hint: "see with `git log` who changed it, and ask a holder to grant anew with `vault grant`",
      });
}

/** See `holdsReplacedKey` in granting.ts. */
export function holdsReplacedKey(repository: Repository): boolean {
  const { retired } = readGrantsToCome(repository);
  return repository.keyNames().some((name) => {
    const ids = retired.get(name);
    if (ids === undefined) return false;
    const { bytes, keyFile } = repository.readKey(name);
    const id = keyId(keyFile);
    bytes.fill(0);
    wipeKeyFile(keyFile);
    return ids.has(id);
  });
}
