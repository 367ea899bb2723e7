export { Directory, type DirectoryOptions } from "./directory.ts";
export type { DirectoryEntry } from "./entry.ts";
export { DirectoryError, type DirectoryErrorCode } from "./errors.ts";
export { FORGES, forgeUserOf, GITHUB, isKeysAddress, nameAt, type Forge, type ForgeUser } from "./forges.ts";
export type { GitHubAccount } from "./github.ts";
export { parseQuery, readRecipientLines, userNameOf, type RecipientQuery } from "./query.ts";
export type { Environment } from "./settings.ts";
export { isPluginEntry, type AgeKeyEntry, type KeyKind, type RecipientKey } from "./recipient-key.ts";
