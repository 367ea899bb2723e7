import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isEncryptedBlob } from "../format/blob.ts";
import { GitCryptError } from "../errors.ts";
import { commitOf, type CommonPlace, gitSucceeds, localSettings, tryGit } from "./git.ts";
import { GRANT_FOLDER } from "./own-folders.ts";

/** An attributes line that assigns git-crypt's filter, or a named key's. */
const FILTER_LINE = "^[^#].*filter=git-crypt";

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
export function usesGitCrypt(place: CommonPlace): boolean {
  const { topLevel, commonDir } = place;
  const attributesSay = (...where: string[]): boolean => {
    const files = ["--", ":(top,glob)**/.gitattributes"];
    return gitSucceeds(place, "grep", "--no-recurse-submodules", "--quiet", "-e", FILTER_LINE, ...where, ...files);
  };
  return (
    localSettings(place).some(([name]) => /^(?:filter\.git-crypt|git-crypt\.)/.test(name)) ||
    (topLevel !== null && existsSync(join(topLevel, GRANT_FOLDER))) ||
    gitSucceeds(place, "cat-file", "-e", `HEAD:${GRANT_FOLDER}`) ||
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
export function assertUsesGitCrypt(place: CommonPlace): void {
  const { status, stdout } = tryGit(place, ["cat-file", "blob", "HEAD:.gitattributes"]);
  if (status === 0 && isEncryptedBlob(stdout)) {
    const message = "the repository's .gitattributes is encrypted, so nothing says which files are protected";
    throw new GitCryptError("NOT_GIT_CRYPT", message, {
      subject: ".gitattributes",
      hint: "nothing was changed; first decrypt that file of HEAD with the key, then unlock again",
    });
  }
  if (commitOf(place, "HEAD") === null || usesGitCrypt(place)) return;
  const message = "the repository does not use git-crypt, so a key would protect nothing in it";
  throw new GitCryptError("NOT_GIT_CRYPT", message, {
    hint: "nothing was changed; change to the repository that the key belongs to, such as a submodule, or write .gitattributes first",
  });
}
