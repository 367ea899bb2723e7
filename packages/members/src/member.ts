import type { Role } from "./entry/entry.ts";
import type { MemberKey } from "./entry/identifiers.ts";

/** Somebody who may open keys of the repository. */
export interface Member {
  /** The entries that added them, by which later entries name them: mostly one. */
  readonly records: readonly [string, ...string[]];
  readonly accounts: readonly string[];
  readonly keys: readonly MemberKey[];
  readonly role: Role;
  /** The names of the keys that they may open. */
  readonly opens: readonly string[];
  /** What they were called last. It is data from outside, and proves nothing. */
  readonly label: string | null;
}
