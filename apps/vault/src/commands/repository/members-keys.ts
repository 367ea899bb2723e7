import type { Repository } from "@git-vault/git-crypt";
import { openKeys, openOpenPgpCopies, readOpenPgpCopies } from "@git-vault/sharing/members";
import type { OpeningOptions } from "../../cli/flags.ts";
import { openLog } from "../members/open-log.ts";
import { privateKeys } from "../message/private-keys.ts";

/**
 * The keys that the members log gives to one's private keys, the present ones first; without a log,
 * those of git-crypt's own files to one's OpenPGP keys. Empty where there is none.
 *
 * @throws what `openLog` does, and opening
 */
export async function openMembersKeys(repository: Repository, options: OpeningOptions): Promise<readonly Buffer[]> {
  const members = await openLog(repository, options);
  const identities = await privateKeys(options);
  const opened =
    members.rootState === "none"
      ? await openOpenPgpCopies(repository, readOpenPgpCopies(repository), identities)
      : (await openKeys(members, identities)).opened;
  return opened.map(({ key }) => key);
}
