import { realpathSync } from "node:fs";
import { delimiter, dirname, isAbsolute } from "node:path";
import { findProgram, runProgram } from "@git-vault/git-crypt/programs";
import { writeJson } from "../../io/streams.ts";
import { isStandalone } from "../../own-program.ts";

/** Set by the build: from package.json, and by a release. */
declare const VAULT_VERSION: string;
declare const VAULT_COMMIT: string | null;

/** What runs here, as a bug report needs it: nothing of it is secret. */
export interface Versions {
  readonly vault: string;
  /** The commit that a release was built from; null for a build of somebody's own. */
  readonly commit: string | null;
  /** Whether the program holds Node, or is run by one that is installed. */
  readonly standalone: boolean;
  readonly node: string;
  readonly openssl: string;
  /** Null where there is no git. */
  readonly git: string | null;
  /** The system and the processor, such as `linux-x64`. */
  readonly platform: string;
}

export function versions(): Versions {
  const git = runProgram("git", ["--version"]).stdout?.toString() ?? "";
  return {
    vault: VAULT_VERSION,
    commit: VAULT_COMMIT,
    standalone: isStandalone(),
    node: process.versions.node,
    openssl: process.versions.openssl ?? "",
    git: /\d+(?:\.\d+)+/.exec(git)?.[0] ?? null,
    platform: `${process.platform}-${process.arch}`,
  };
}

/** `vault --version --json`. */
export function showVersions(): void {
  writeJson(versions());
}

/**
 * The program that `vault` runs on the PATH, where that is not ours, such as HashiCorp's; null
 * where it is, or there is none. Ours lies beside a `git-vault` everywhere.
 */
export function otherVault(): string | null {
  const found = findProgram("vault");
  if (found === null || isBesideOurs(found)) return null;
  return realpathSync(found) === realpathSync(process.argv[1] ?? "") ? null : found;
}

function isBesideOurs(path: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  const own = findProgram("git-vault", { PATH: folders.filter((folder) => folder === dirname(path)).join(delimiter) });
  return own !== null;
}
