/** Variables of the environment that hold a secret, and that no program that is started needs. */
const OWN_SECRETS = ["GIT_CRYPT_KEY", "GIT_VAULT_IDENTITY", "SOPS_AGE_KEY", "SSH_VAULT_PASSPHRASE"];

/** Where GitHub's tokens are read from, as by gh. Programs that reach a network may need them. */
export const FORGE_TOKENS = {
  cloud: ["GH_TOKEN", "GITHUB_TOKEN"],
  enterprise: ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"],
} as const;

/**
 * The names among `names` of variables whose value another program must not see, in any case: that
 * of names means nothing on Windows.
 *
 * @param tokens whether the tokens of forges are left to it
 */
export function secretVariables(names: readonly string[], tokens: boolean = false): string[] {
  const secret = new Set<string>(
    tokens ? OWN_SECRETS : [...OWN_SECRETS, ...FORGE_TOKENS.cloud, ...FORGE_TOKENS.enterprise],
  );
  // The keys of other names than the default one have variables of theirs.
  return names.filter((name) => secret.has(name.toUpperCase()) || /^GIT_CRYPT_KEY_/i.test(name));
}
