import { Directory } from "@git-vault/directory";

/** Whether a key is named by its address. */
export const isAddress = (key: string): boolean => /^https?:\/\//i.test(key);

/** The directory as ssh-vault's configuration and the flags want it, and the helper's address. */
export async function openSshVaultDirectory({
  insecureHttp = false,
  user,
}: {
  readonly insecureHttp?: boolean;
  readonly user?: string | undefined;
}): Promise<{ directory: Directory; helper: string }> {
  const { readSshVaultConfig } = await import("./ssh-vault-config.ts");
  const { helper, headers } = await readSshVaultConfig();
  const options = {
    allowHttp: insecureHttp,
    ...(headers === undefined ? {} : { headers }),
    // The helper's key is another one each time.
    ...(user === "new" ? { cacheFolder: null } : {}),
  };
  return { directory: new Directory(options), helper };
}
