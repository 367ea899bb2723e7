import { Directory } from "@git-vault/directory";
import type { FlagValues } from "../../cli/command-table.ts";

/** Whether a key is named by its address. */
export const isAddress = (key: string): boolean => /^https?:\/\//i.test(key);

/** The directory as ssh-vault's configuration and the flags want it, and the helper's address. */
export async function openSshVaultDirectory(flags: FlagValues): Promise<{ directory: Directory; helper: string }> {
  const { readSshVaultConfig } = await import("./ssh-vault-config.ts");
  const { helper, headers } = await readSshVaultConfig();
  const options = {
    allowHttp: flags["insecure-http"] === true,
    ...(headers === undefined ? {} : { headers }),
    // The helper's key is another one each time.
    ...(flags.user === "new" ? { cacheFolder: null } : {}),
  };
  return { directory: new Directory(options), helper };
}
