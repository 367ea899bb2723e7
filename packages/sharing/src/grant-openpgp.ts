import { readFileSync, rmSync } from "node:fs";
import { relative, sep } from "node:path";
import { commitFiles, wipeKeyFile } from "@git-vault/git-crypt";
import type { OpenPgpPublicKey } from "@git-vault/keys";
import { someOf, type GrantOptions } from "./grant.ts";
import { presentKey } from "./grant-standing.ts";
import { readGrants } from "./grants.ts";
import { writeOpenPgpGrant } from "./openpgp-grants.ts";
import { chooseRecipients, type PassedOverKey } from "./share.ts";

/** What granting to OpenPGP keys did. */
export interface OpenPgpGrantResult {
  readonly keyName: string;
  /** The grants that were made, and those that were there already. */
  readonly granted: readonly OpenPgpGranted[];
  readonly unchanged: readonly OpenPgpGranted[];
  readonly passedOver: readonly PassedOverKey[];
  /** The commit's name; null where nothing was committed. */
  readonly commit: string | null;
}

/** An OpenPGP key that was granted to, and whose it is. */
export interface OpenPgpGranted {
  readonly recipient: string;
  /** Of the primary key, in upper-case hexadecimal. */
  readonly fingerprint: string;
}

/** See `grantOpenPgp` in granting.ts. */
export async function grantOpenPgp(options: Omit<GrantOptions, "by" | "machines">): Promise<OpenPgpGrantResult> {
  const { repository, keyName = "default", to, stageOnly = false } = options;
  const { sealedTo, notSealedTo } = chooseRecipients({ to, format: "openpgp" });
  const key = presentKey(repository, keyName, readGrants(repository));
  const granted: OpenPgpGranted[] = [];
  const unchanged: OpenPgpGranted[] = [];
  const written: string[] = [];
  try {
    for (const { recipient, entry } of sealedTo) {
      if (!isOpenPgp(entry.key)) continue;
      const grant = await writeOpenPgpGrant(repository, key.bytes, entry.key);
      written.push(...grant.written);
      (grant.written.length > 0 ? granted : unchanged).push({ recipient, fingerprint: grant.fingerprint });
    }
    const names = [...new Set(granted.map(({ recipient }) => recipient))];
    const message = `Grant the key ${keyName} to the OpenPGP keys of ${someOf(names)}`;
    const top = repository.topLevel ?? "";
    const changes = new Map(
      written.map((path) => [relative(top, path).split(sep).join("/"), readFileSync(path)] as const),
    );
    const commit = granted.length === 0 ? null : commitFiles(repository, changes, { message, stageOnly });
    return { keyName, granted, unchanged, passedOver: notSealedTo, commit };
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    throw error;
  } finally {
    key.bytes.fill(0);
    wipeKeyFile(key.keyFile);
  }
}

const isOpenPgp = (key: object | null): key is OpenPgpPublicKey => key !== null && "encryptionKey" in key;
