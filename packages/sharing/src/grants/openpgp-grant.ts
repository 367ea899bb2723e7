import { commitFiles, wipeKeyFile } from "@git-vault/git-crypt";
import type { OpenPgpPublicKey } from "@git-vault/keys";
import { accountOf, isVouchedFor, someOf, type GrantOptions } from "./grant.ts";
import { presentKey, standingOf } from "./grant-validity.ts";
import { isVoucherPath, readGrants } from "./read-grants.ts";
import { holderOf } from "./make-grant.ts";
import { sealToOpenPgp } from "./openpgp-seal.ts";
import { chooseRecipients, type PassedOverKey } from "../messages/share.ts";

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
  /**
   * As `listHolders` names them: a user of a forge, a URL, or `gpg:` and the fingerprint for the
   * key of a file.
   */
  readonly holder: string;
  /** Of the primary key, in upper-case hexadecimal. */
  readonly fingerprint: string;
}

/**
 * Grants the repository's key to all usable OpenPGP keys of each recipient, in git-crypt's own way
 * and without gpg, with a statement in `.git-vault` that vouches for it, and commits that in one
 * commit: git-crypt's `unlock` opens it. A grant that nobody vouches for is made anew. Where
 * anything fails, nothing is changed.
 *
 * @param options whose recipients were looked up with their OpenPGP keys
 * @throws SharingError `NO_USABLE_KEY`, also for a key of version 6; SealingError
 * `UNUSABLE_RECIPIENT`; GitCryptError RETIRED_KEY; what `Repository.readKey`, `commitFiles`,
 * signing and the directory do
 */
export async function grantOpenPgp(options: Omit<GrantOptions, "machines">): Promise<OpenPgpGrantResult> {
  const { repository, keyName = "default", to, directory, by, stageOnly = false } = options;
  const { sealedTo, notSealedTo } = chooseRecipients({ to, format: "openpgp" });
  const all = readGrants(repository);
  const key = presentKey(repository, keyName, all);
  const granted: OpenPgpGranted[] = [];
  const unchanged: OpenPgpGranted[] = [];
  const changes = new Map<string, Buffer | null>();
  try {
    for (const entry of to) {
      const account = await accountOf(entry, directory);
      for (const { entry: chosen } of sealedTo.filter(({ recipient }) => recipient === entry.name)) {
        if (!isOpenPgp(chosen.key)) continue;
        const { fingerprint } = chosen.key;
        const name = holderOf(entry);
        const holder = name.startsWith("file:") ? `gpg:${fingerprint}` : name;
        const older = all.vouchers.filter(
          (one) => one.statement.keyName === keyName && one.file.fingerprint === fingerprint,
        );
        const current = older.filter((one) => standingOf(one, key.keyFile, all) === "current");
        const theirs = current.filter(({ statement }) => statement.holder === holder);
        if (await isVouchedFor(theirs, options)) {
          unchanged.push({ holder, fingerprint });
          continue;
        }
        const [since] = current.map(({ statement }) => statement.since).toSorted();
        const broken = all.bad.filter(({ path }) => isVoucherPath(path, keyName, holder));
        for (const { path } of [...older, ...broken]) changes.set(path, null);
        const files = await sealToOpenPgp(repository, { holder, account, since }, chosen.key, key, by);
        for (const [path, content] of files) changes.set(path, content);
        granted.push({ holder, fingerprint });
      }
    }
    const message = `Grant the key ${keyName} to the OpenPGP keys of ${someOf([...new Set(granted.map(({ holder }) => holder))])}`;
    const commit = granted.length === 0 ? null : commitFiles(repository, changes, { message, stageOnly });
    return { keyName, granted, unchanged, passedOver: notSealedTo, commit };
  } finally {
    key.bytes.fill(0);
    wipeKeyFile(key.keyFile);
  }
}

const isOpenPgp = (key: object | null): key is OpenPgpPublicKey => key !== null && "encryptionKey" in key;
