import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { GitCryptError, type Repository } from "@git-vault/git-crypt";

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
export const VERSION: string = "0";

/** The grants that lie in the work tree, by key name and fingerprint; none in a bare repository. Nothing of them was opened. */
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

/** Where git-crypt keeps what it commits. */
export function stateFolder(repository: Repository): string {
  const { topLevel } = repository;
  if (topLevel === null) {
    throw new GitCryptError("NO_WORK_TREE", "expected a work tree to keep grants in, got a bare repository", {
      hint: "run it in a clone with a work tree",
    });
  }
  return join(topLevel, gitConfig(repository, "git-crypt.repoStateDir") ?? ".git-crypt");
}

/** A setting of git's; undefined where it is not set, or empty. */
export function gitConfig({ topLevel, env }: Repository, name: string): string | undefined {
  const { status, stdout } = spawnSync("git", ["config", "--get", name], { cwd: topLevel ?? undefined, env });
  const value = status === 0 ? stdout.toString().replace(/\n$/, "") : "";
  return value === "" ? undefined : value;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}
