import type { FoldOptions, Membership } from "../src/index.ts";

/** A file of test/vectors: a log, and what it says. */
export interface Vector {
  readonly description: string;
  /** The texts of the files. */
  readonly entries: readonly string[];
  readonly cases: readonly {
    readonly title: string;
    readonly options: FoldOptions;
    readonly expected: PlainMembership;
  }[];
}

/** A membership as JSON holds it. */
export type PlainMembership = Omit<Membership, "verdicts"> & {
  readonly verdicts: Readonly<Record<string, unknown>>;
};

export const plainMembership = (membership: Membership): PlainMembership => ({
  ...membership,
  verdicts: Object.fromEntries(membership.verdicts),
});
