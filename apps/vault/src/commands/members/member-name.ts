import { isVaultError } from "@git-vault/core";
import { userNameOf } from "@git-vault/directory";

/** The id of a key as the log has it: `vault holders` marks those of OpenPGP. */
export const keyId = (written: string): string => written.replace(/^gpg:/, "");

/** What somebody wrote for a member: a bare word is a GitHub user, as everywhere. */
export function memberName(written: string): string {
  if (/\/[0-9]+$/.test(written)) return written;
  if (/^(?:ci|ci:.*|file:.*|gpg:.*|SHA256:.*|age1.*|.*@.*)$/.test(written)) return written;
  try {
    return userNameOf(written) ?? written;
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return written;
  }
}
