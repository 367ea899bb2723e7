import { lstatSync, readFileSync } from "node:fs";
import { isVaultError } from "@git-vault/core";
import { gitSetting, parseKeyFile, wipeKeyFile, type Repository } from "@git-vault/git-crypt";
import { open } from "@git-vault/sealing";
import { SharingError } from "../errors.ts";
import { decryptByGpg, gpgSecretFingerprints } from "../identities/gpg.ts";
import { findOpenPgpGrants, MAX_OPENPGP_GRANT_BYTES, type OpenPgpGrant } from "./openpgp-files.ts";
import { findLocalIdentities, type ReceiveOptions } from "../identities/local-identities.ts";

/*
 * git-crypt's own grants: `.git-crypt/keys/<default or name>/0/<fingerprint>.gpg`, each one OpenPGP
 * message in binary to one key that holds a whole key file.
 */

/**
 * The key files that grants in the work tree hold for the user, at most one for each key name:
 * opened with the OpenPGP private keys among those that are named, or else by the gpg that is
 * installed (the one of git's `gpg.program`), its agent and its cards.
 *
 * @returns secrets: overwrite them with zeros when done. Empty where no grant is to a key of the
 * user's
 * @throws where there are some and none opens: what `receive` throws; SharingError `GPG_FAILED`
 */
export async function openOpenPgpGrants(repository: Repository, options: ReceiveOptions): Promise<Buffer[]> {
  const grants = findOpenPgpGrants(repository);
  if (grants.length === 0) return [];
  const opener = await openerOf(repository, options);
  const keys = new Map<string, Buffer>();
  const failures: unknown[] = [];
  try {
    for (const grant of grants) {
      if (keys.has(grant.keyName) || !opener.fingerprints.has(grant.fingerprint)) continue;
      try {
        keys.set(grant.keyName, checked(await opener.open(readGrant(grant))));
      } catch (error) {
        if (!isVaultError(error)) throw error;
        failures.push(error);
      }
    }
  } finally {
    opener.close();
  }
  if (keys.size === 0 && failures.length > 0) throw failures[0];
  return [...keys.values()];
}

interface GrantOpener {
  /** Of the primary keys that it has. */
  readonly fingerprints: ReadonlySet<string>;
  open(message: Buffer): Promise<Buffer>;
  close(): void;
}

async function openerOf(repository: Repository, options: ReceiveOptions): Promise<GrantOpener> {
  if (options.keyFiles === undefined && options.key === undefined) {
    const gpg = { ...options.gpg, program: options.gpg?.program ?? gitSetting(repository, "gpg.program") };
    return {
      fingerprints: await gpgSecretFingerprints(gpg),
      open: async (message) => (await decryptByGpg(message, gpg)).plaintext,
      close: () => {},
    };
  }
  const local = await findLocalIdentities(options);
  return {
    fingerprints: new Set(local.openPgpFingerprints),
    open: async (message) => (await open(message, local.identities)).plaintext,
    close: () => local.lock(),
  };
}

/** A key file; anything else is not git-crypt's. */
function checked(plaintext: Buffer): Buffer {
  try {
    wipeKeyFile(parseKeyFile(plaintext));
    return plaintext;
  } catch (error) {
    plaintext.fill(0);
    throw error;
  }
}

function readGrant({ path }: OpenPgpGrant): Buffer {
  const stat = lstatSync(path);
  if (stat.isFile() && stat.size <= MAX_OPENPGP_GRANT_BYTES) return readFileSync(path);
  throw new SharingError("GRANT_UNREADABLE", "a grant in .git-crypt is no file, or too large for one");
}
