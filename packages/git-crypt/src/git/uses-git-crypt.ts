import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isEncryptedBlob } from "../format/blob.ts";
import { GitCryptError } from "../errors.ts";
import { git, tryGit } from "./git.ts";
import type { WorkTreePlace } from "./protected-files.ts";

/**
 * A line of attributes, not a comment, that gives a path to git-crypt's filter or to that of a
 * named key.
 */
const FILTER_LINE = "^[^#].*filter=git-crypt";

const STATE_FOLDER = ".git-crypt";

/** A repository, as far as its traces of git-crypt go. */
export interface Traced {
  /** Where git runs: where it found the repository. */
  readonly cwd: string;
  readonly topLevel: string | null;
  readonly commonDir: string;
}

function isInPrivateAttributes(commonDir: string): boolean {
  try {
    return new RegExp(FILTER_LINE, "m").test(readFileSync(join(commonDir, "info", "attributes"), "utf8"));
  } catch {
    return false;
  }
}

/**
 * Tells whether anything in a repository speaks of git-crypt: its own configuration, the folder of
 * its GPG grants, or the attributes in HEAD, the index, the work tree and `info/attributes`. HEAD
 * matters in a bare repository and in a clone that was not checked out, the work tree before the
 * first commit.
 */
export function hasTraces({ cwd, topLevel, commonDir }: Traced, env: NodeJS.ProcessEnv): boolean {
  const succeeds = (...args: string[]): boolean => git(cwd, env, args).status === 0;
  const attributesSay = (...where: string[]): boolean =>
    succeeds(
      "grep",
      "--no-recurse-submodules",
      "--quiet",
      "-e",
      FILTER_LINE,
      ...where,
      "--",
      ":(top,glob)**/.gitattributes",
    );
  return (
    succeeds("config", "--local", "--get-regexp", "^(filter\\.git-crypt|git-crypt\\.)") ||
    (topLevel !== null && existsSync(join(topLevel, STATE_FOLDER))) ||
    succeeds("cat-file", "-e", `HEAD:${STATE_FOLDER}`) ||
    attributesSay("HEAD") ||
    (topLevel !== null && (attributesSay("--cached") || attributesSay("--untracked"))) ||
    isInPrivateAttributes(commonDir)
  );
}

/**
 * Refuses a repository whose commits and settings do not speak of git-crypt: a key protects nothing
 * there, and may be another's. One without a commit may be about to use it.
 *
 * @throws GitCryptError NOT_GIT_CRYPT
 */
export function assertUsesGitCrypt(place: WorkTreePlace & { readonly commonDir: string }): void {
  const { status, stdout } = tryGit(place, ["cat-file", "blob", "HEAD:.gitattributes"]);
  if (status === 0 && isEncryptedBlob(stdout)) {
    const message = "the repository's .gitattributes is encrypted, so that nothing says which files are protected";
    throw new GitCryptError("NOT_GIT_CRYPT", message, {
      hint: "nothing was changed; first `vault decrypt --key-file KEY -o .gitattributes HEAD:.gitattributes`, then unlock again",
    });
  }
  const isBegun = tryGit(place, ["rev-parse", "--quiet", "--verify", "HEAD"]).status === 0;
  if (!isBegun || hasTraces({ cwd: place.topLevel, ...place }, place.env)) return;
  const message = "the repository does not use git-crypt, so that a key would protect nothing in it";
  throw new GitCryptError("NOT_GIT_CRYPT", message, {
    hint: "nothing was changed; change to the repository whose key it is, such as a submodule, or write .gitattributes first",
  });
}
