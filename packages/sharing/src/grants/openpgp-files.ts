import { readdirSync } from "node:fs";
import { join } from "node:path";
import { GitCryptError, grantFolderOf, readTracked, type Repository } from "@git-vault/git-crypt";

/** A grant that lies in a work tree, as git-crypt writes it. */
export interface OpenPgpGrant {
  /** `default`, or the key's name. */
  readonly keyName: string;
  /** Of the holder's primary key: 40 upper-case hexadecimal digits. */
  readonly fingerprint: string;
  /** The whole path of its file. */
  readonly path: string;
}

const GRANT_FILE = /^([0-9A-F]{40})\.gpg$/;
/** Of the key in the file; more than one version was never written by a released git-crypt. */
const VERSION: string = "0";
/** So many bytes a grant may have. */
export const MAX_OPENPGP_GRANT_BYTES: number = 1024 * 1024;

/**
 * The grants that lie in the work tree, by key name and fingerprint; none in a bare repository.
 * Nothing of them was opened.
 */
export function findOpenPgpGrants(repository: Repository): OpenPgpGrant[] {
  if (repository.topLevel === null) return [];
  const folder = join(stateFolder(repository), "keys");
  return namesIn(folder).flatMap((keyName) => {
    const grants = join(folder, keyName, VERSION);
    return namesIn(grants).flatMap((name) => {
      const fingerprint = GRANT_FILE.exec(name)?.[1];
      return fingerprint === undefined ? [] : [{ keyName, fingerprint, path: join(grants, name) }];
    });
  });
}

/** A grant that is tracked, as git-crypt writes it. */
export interface TrackedOpenPgpGrant extends OpenPgpGrant {
  /** From the top folder, with `/` between its parts. */
  readonly path: string;
  /** Null for what is no file, or is too large for a grant. */
  readonly content: Buffer | null;
}

/**
 * The grants that the index, or a commit, holds.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function readOpenPgpGrants(repository: Repository, commit?: string): TrackedOpenPgpGrant[] {
  const folder = `${grantFolderOf(repository)}/keys`;
  return readTracked(repository, folder, MAX_OPENPGP_GRANT_BYTES, commit).flatMap(({ path, content }) => {
    const [keyName = "", version, name = "", ...rest] = path.slice(folder.length + 1).split("/");
    const fingerprint = GRANT_FILE.exec(name)?.[1];
    const isGrant = version === VERSION && fingerprint !== undefined && rest.length === 0;
    return isGrant ? [{ keyName, fingerprint, path, content }] : [];
  });
}

/** The path of a grant, from the top folder. */
export const openPgpGrantPath = (repository: Repository, keyName: string, fingerprint: string): string =>
  `${grantFolderOf(repository)}/keys/${keyName}/${VERSION}/${fingerprint}.gpg`;

/** Where git-crypt keeps what it commits. */
function stateFolder(repository: Repository): string {
  const { topLevel } = repository;
  if (topLevel === null) {
    throw new GitCryptError("NO_WORK_TREE", "expected a work tree to keep grants in, got a bare repository", {
      hint: "run it in a clone with a work tree",
    });
  }
  return join(topLevel, grantFolderOf(repository));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}
