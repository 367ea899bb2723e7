import { identityOfEnvironment, type ReceiveOptions } from "@git-vault/sharing";
import { homeFolder } from "../../io/home.ts";
import { passphraseSource } from "../../io/passphrase.ts";
import { isAddress, openSshVaultDirectory } from "../ssh-vault/ssh-vault-directory.ts";
import type { FlagValues } from "../../cli/command-table.ts";

/**
 * With which private keys a message is opened, as the flags say. A key at an address is kept
 * nowhere.
 */
export async function privateKeys(flags: FlagValues): Promise<ReceiveOptions> {
  const { key } = flags;
  const common = {
    home: homeFolder(),
    passphrase: passphraseSource(flags),
    gpg: { ask: flags["no-input"] !== true },
  };
  if (key === undefined) return { ...common, ...identityOfEnvironment(process.env) };
  if (!isAddress(key)) return { ...common, keyFiles: [key] };
  const { directory } = await openSshVaultDirectory(flags);
  return { ...common, key: { name: key, bytes: await directory.download(key) } };
}
