import { existsSync } from "node:fs";
import { CliError } from "./errors.ts";
import { homeFolder } from "./home.ts";
import type { ReceiveOptions } from "@git-vault/sharing";
import { passphraseSource } from "./passphrase.ts";
import { isAddress, openSshVaultDirectory } from "./ssh-vault-directory.ts";
import type { FlagValues } from "./table.ts";

/** With which private keys a message is opened, as the flags say. A key at an address is kept nowhere. */
export async function privateKeys(flags: FlagValues): Promise<ReceiveOptions> {
  const { key } = flags;
  const common = {
    home: homeFolder(),
    passphrase: passphraseSource(flags),
    gpg: { ask: flags["no-input"] !== true },
  };
  if (key === undefined) return { ...common, ...identityOfEnvironment() };
  if (!isAddress(key)) return { ...common, keyFiles: [key] };
  const { directory } = await openSshVaultDirectory(flags);
  return { ...common, key: { name: key, bytes: await directory.download(key) } };
}

const VARIABLE = "GIT_VAULT_IDENTITY";

/** The private key of $GIT_VAULT_IDENTITY: the text of an identity file of age's, or the path of a private key. */
function identityOfEnvironment(): Pick<ReceiveOptions, "key" | "keyFiles"> {
  const value = process.env[VARIABLE]?.trim() ?? "";
  if (value === "") return {};
  if (/^AGE-SECRET-KEY-/m.test(value)) return { key: { name: `$${VARIABLE}`, bytes: Buffer.from(value) } };
  // It is never shown: what is no path may be a key that was damaged on the way.
  if (value.includes("\0") || !existsSync(value)) {
    throw new CliError("NOT_A_KEY", `$${VARIABLE} is neither the text AGE-SECRET-KEY-… nor the path of a private key`, {
      hint: "set it to what `vault grant --ci` printed",
    });
  }
  return { keyFiles: [value] };
}
