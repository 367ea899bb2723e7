import type { Repository } from "@git-vault/git-crypt";
import { openGrants, openOpenPgpGrants } from "@git-vault/sharing";
import { demandSignatures } from "../message/demand-signatures.ts";
import { privateKeys } from "../message/private-keys.ts";
import { wantsSignature, type FlagValues } from "../../cli/command-table.ts";

/**
 * The keys that grants in the repository hold for one's private keys: those in .git-vault, else
 * those to OpenPGP keys. Empty where there is none.
 *
 * @throws what opening grants throws, and demanding signatures
 */
export async function grantedKeys(repository: Repository, flags: FlagValues): Promise<readonly Buffer[]> {
  const grants = await openGrants(repository, await privateKeys(flags));
  if (grants.opened.length === 0) return openOpenPgpGrants(repository, await privateKeys(flags));
  if (wantsSignature(flags)) await demandSignatures(grants, flags);
  return grants.opened.map(({ key }) => key);
}
