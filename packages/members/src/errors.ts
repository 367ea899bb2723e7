import { VaultError } from "@git-vault/core";

/**
 * - `MALFORMED_ENTRY`: the bytes are not an entry of the members log, or a draft is none that could
 *   be written
 * - `MALFORMED_KEY`: the text is not a public key in the one form that entries hold it
 * - `FOREIGN_SIGNATURE`: the signature was not made by the entry's author over the entry
 */
export type MembersErrorCode = "MALFORMED_ENTRY" | "MALFORMED_KEY" | "FOREIGN_SIGNATURE";

/** What `@git-vault/members` throws. */
export class MembersError extends VaultError<MembersErrorCode> {}
