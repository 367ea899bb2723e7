/** A grant that a commit removed. */
export interface RemovedGrant {
  readonly holder: string;
  readonly commit: string;
  /** The name of who wrote the commit, of printable characters, and the day of it: `2026-11-28`. */
  readonly by: string;
  readonly day: string;
}

/** How a removed grant is told of. */
export const removalText = ({ holder, commit, by, day }: RemovedGrant): string =>
  `the grant to ${holder} was removed by ${by} on ${day}, in the commit ${commit.slice(0, 12)}`;
