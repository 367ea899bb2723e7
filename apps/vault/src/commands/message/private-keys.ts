import { identityOfEnvironment, type ReceiveOptions } from "@git-vault/sharing";
import type { OpeningOptions } from "../../cli/flags.ts";
import { homeFolder } from "../../io/input.ts";
import { passphraseSource } from "../../io/passphrase.ts";
import { pluginDialog } from "../../io/plugin-dialog.ts";

/** With which private keys a message is opened. A key at an address is kept nowhere. */
export async function privateKeys(options: OpeningOptions): Promise<ReceiveOptions> {
  const { key, noInput } = options;
  const common = {
    home: homeFolder(),
    passphrase: passphraseSource(options),
    gpg: { ask: !noInput },
    plugins: pluginDialog(options),
    maxWorkFactor: options.maxWorkFactor,
  };
  if (key === undefined) return { ...common, ...identityOfEnvironment(process.env) };
  if (/^AGE-PLUGIN-/i.test(key)) return { ...common, key: { name: "the plugin's identity", bytes: Buffer.from(key) } };
  if (!/^https?:\/\//i.test(key)) return { ...common, keyFiles: [key] };
  const { openSshVaultDirectory } = await import("./ssh-vault-config.ts");
  const { directory } = await openSshVaultDirectory(options);
  return { ...common, key: { name: key, bytes: await directory.download(key) } };
}
