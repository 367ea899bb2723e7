import { userNameOf } from "@git-vault/directory";
import { printable } from "@git-vault/core";
import { memberWith, nameOfMember, type Members, type MembersKeys } from "@git-vault/sharing/members";
import { CliError } from "../../errors.ts";
import type { SignerOptions } from "../../cli/flags.ts";

/**
 * As for a message, whose signer --signed-by demands: the present keys must be made by that member.
 * That a key was made by a member at all, the log proves. The keys are zeroed else.
 *
 * @throws CliError `SIGNER_DENIED`
 */
export function demandMaker({ branch }: Members, { opened }: MembersKeys, { signedBy: wanted }: SignerOptions): void {
  if (wanted === undefined) return;
  for (const { keyName, isCurrent } of opened) {
    const author = branch.keyNames.find(({ name }) => name === keyName)?.current.author ?? "";
    const maker = memberWith(branch, author);
    const name = maker === null ? null : nameOfMember(maker);
    const isWanted = wanted.startsWith("SHA256:") ? author === wanted : name !== null && name === userNameOf(wanted);
    if (!isCurrent || isWanted) continue;
    for (const { key } of opened) key.fill(0);
    throw new CliError("SIGNER_DENIED", `the key ${keyName} was not made by ${printable(wanted)}`, {
      hint: `it was made by ${name === null ? author : printable(name)}`,
    });
  }
}
