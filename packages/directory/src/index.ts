export { Directory, type DirectoryEntry, type DirectoryOptions } from "./directory.ts";
export { DirectoryError, type DirectoryErrorCode } from "./errors.ts";
export type { GitHubAccount } from "./github.ts";
export { parseQuery, readRecipientLines, type RecipientQuery } from "./query.ts";
export type { Environment } from "./settings.ts";
export type { AgeKeyEntry, KeyKind, RecipientKey } from "./recipient-key.ts";
