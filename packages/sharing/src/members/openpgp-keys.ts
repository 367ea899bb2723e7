import { isVaultError } from "@git-vault/core";
import { forgeUserOf, type Directory, type RecipientKey } from "@git-vault/directory";
import type { Repository } from "@git-vault/git-crypt";
import type { OpenPgpKeyEntry } from "@git-vault/keys";
import type { Member } from "@git-vault/members";
import type { GpgOptions } from "../identities/gpg.ts";
import { nameOfMember } from "./membership.ts";
import { publicKeysOfGpg } from "./openpgp-copies.ts";
import { isOpenPgpEntry } from "./people.ts";

/** Where public keys are looked for, beside gpg. */
export interface OpenPgpKeyPlaces {
  /** Asks the forges; null to ask nobody. */
  readonly directory: Directory | null;
  readonly gpg?: GpgOptions | undefined;
}

/**
 * The public keys of members' OpenPGP keys, of which the log has the fingerprints alone: those that
 * gpg has, and those on their accounts. What is found nowhere is left out.
 */
export async function openPgpKeysOf(
  members: readonly Member[],
  repository: Repository,
  { directory, gpg }: OpenPgpKeyPlaces,
): Promise<Map<string, OpenPgpKeyEntry>> {
  const wanted = new Set(
    members.flatMap(({ keys }) => keys.filter(({ type }) => type === "openpgp").map(({ id }) => id)),
  );
  const found = await publicKeysOfGpg(repository, [...wanted], gpg);
  for (const member of directory === null ? [] : members) {
    if (member.keys.every(({ type, id }) => type !== "openpgp" || found.has(id))) continue;
    for (const entry of await onForge(nameOfMember(member), directory)) {
      if (!isOpenPgpEntry(entry) || entry.fingerprint === null || !wanted.has(entry.fingerprint)) continue;
      found.set(entry.fingerprint, entry);
    }
  }
  return found;
}

async function onForge(name: string, directory: Directory | null): Promise<readonly RecipientKey[]> {
  if (directory === null || forgeUserOf(name) === null) return [];
  try {
    return (await directory.resolve(name, "openpgp")).flatMap(({ keys }) => keys);
  } catch (error) {
    if (isVaultError(error)) return []; // They have none, or nobody tells.
    throw error;
  }
}
