import type { RecipientKey } from "./recipient-key.ts";

/** Somebody that a message can be sealed to, as the directory knows them. */
export interface DirectoryEntry {
  /**
   * `github:choldgraf`, `gitlab:x` and so on, the URL, the path as it was written, or the
   * fingerprint of a literal key; `age1…` is its own.
   */
  readonly name: string;
  /** Where the keys came from, for people to read: the URL, the whole path, or `the key itself`. */
  readonly source: string;
  /** Every key, with why not for the unusable ones. Empty only for a member of a team. */
  readonly keys: readonly RecipientKey[];
  /**
   * The account's server and number, as `GitHubAccount` has them, where the answer told: of the
   * members of a team.
   */
  readonly account?: string;
}
