import { Directory } from "@git-vault/directory";
import { isVaultError, printable } from "@git-vault/core";
import { memberNamed, memberWith, nameOfMember, type Members, type MembersKeys } from "@git-vault/sharing/members";
import { CliError } from "../../errors.ts";
import type { SignerOptions } from "../../cli/flags.ts";
import { memberName } from "../members/member-name.ts";

/**
 * As for a message, whose signer --signed-by demands: the present keys must be made by that member.
 * That a key was made by a member at all, the log proves. The keys are zeroed else.
 *
 * @throws CliError `SIGNER_DENIED`; what `memberNamed` does
 */
export async function demandMaker(
  members: Members,
  { opened }: MembersKeys,
  { signedBy: wanted, offline }: SignerOptions,
): Promise<void> {
  if (wanted === undefined) return;
  const { branch } = members;
  try {
    const directory = offline === true ? null : new Directory();
    const isKey = wanted.startsWith("SHA256:");
    const demanded = isKey
      ? null
      : await memberNamed(members, memberName(wanted), directory).catch((error: unknown) => {
          if (isVaultError(error) && error.code === "NO_SUCH_MEMBER") return null;
          throw error;
        });
    for (const { keyName, isCurrent } of opened) {
      const author = branch.keyNames.find(({ name }) => name === keyName)?.current.author ?? "";
      const maker = memberWith(branch, author);
      const isWanted = isKey ? author === wanted : maker !== null && maker === demanded;
      if (!isCurrent || isWanted) continue;
      throw new CliError("SIGNER_DENIED", `the key ${keyName} was not made by ${printable(wanted)}`, {
        hint: `it was made by ${maker === null ? author : printable(nameOfMember(maker))}`,
      });
    }
  } catch (error) {
    for (const { key } of opened) key.fill(0);
    throw error;
  }
}
