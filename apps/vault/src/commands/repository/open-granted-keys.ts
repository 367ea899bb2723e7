import type { Repository } from "@git-vault/git-crypt";
import { openGrants, openOpenPgpGrants } from "@git-vault/sharing/grants";
import { demandSignatures } from "../message/demand-signatures.ts";
import { privateKeys } from "../message/private-keys.ts";
import { wantsSignature, type OpeningOptions, type SignerOptions } from "../../cli/flags.ts";

/**
 * The keys that grants in the repository hold for one's private keys: those in .git-vault, else
 * those to OpenPGP keys. Empty where there is none.
 *
 * @throws what opening grants throws, and demanding signatures
 */
export async function openGrantedKeys(
  repository: Repository,
  options: OpeningOptions & SignerOptions,
): Promise<readonly Buffer[]> {
  const grants = await openGrants(repository, await privateKeys(options));
  if (grants.opened.length === 0) return openOpenPgpGrants(repository, await privateKeys(options));
  if (wantsSignature(options)) await demandSignatures(grants, options);
  return grants.opened.map(({ key }) => key);
}
