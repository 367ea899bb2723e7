import { push } from "@git-vault/core";

/*
 * In which order entries arrived on a branch. An entry's parents say only what its author admits to
 * have seen, and its time is anybody's invention; git's history knows more.
 */

/**
 * Ids of entries that came together, after those of the looks before. An id counts where it comes
 * first.
 */
export type Look = readonly string[];

/** A commit, as far as the log is concerned. */
export interface LogCommit {
  /**
   * The ids of commits, in git's order. One that is not known, as in a shallow clone, is passed
   * over.
   */
  readonly parents: readonly string[];
  /**
   * The entries in its tree that are in none of its parents' trees. A tree has an entry where a
   * file by its name holds a sound copy.
   */
  readonly entries: readonly string[];
}

/**
 * The order in which entries arrived on a branch: that of its first-parent line, from the oldest
 * commit. What a merge brings in came after all that the branch had, in the order of the branch
 * that it came from. A squashed or rebased branch arrives where its commits stand now; what a
 * shallow clone has below its depth arrived together.
 *
 * @param head the id of the branch's last commit
 * @param commits all commits of the history that are known, by their ids
 */
export function arrivalOf(head: string, commits: ReadonlyMap<string, LogCommit>): Look[] {
  const looks: Look[] = [];
  const seen = new Set<string>();
  /** First-parent lines that are being told, each from its oldest commit that was not seen. */
  const lines: { readonly commits: string[]; parent: number }[] = [];
  const begin = (tip: string): void => {
    const line: string[] = [];
    for (let id: string | undefined = tip; id !== undefined && commits.has(id) && !seen.has(id);) {
      seen.add(id);
      line.push(id);
      id = commits.get(id)?.parents[0];
    }
    lines.push({ commits: line, parent: 1 });
  };
  begin(head);
  for (let line = lines.at(-1); line !== undefined; line = lines.at(-1)) {
    const commit = commits.get(line.commits.at(-1) ?? "");
    if (commit === undefined) lines.pop();
    else if (line.parent < commit.parents.length) {
      line.parent += 1;
      begin(commit.parents[line.parent - 1] ?? "");
    } else {
      if (commit.entries.length > 0) looks.push(commit.entries);
      line.commits.pop();
      line.parent = 1;
    }
  }
  return looks;
}

/** What a history proves of the order in which entries came. */
export interface ProvenOrder {
  /**
   * Whether one was there before another came: each commit that brought the other in builds on one
   * that had it. Where two came on lines that were merged, neither was: which line the merge calls
   * its first is up to the one who made it.
   */
  readonly isBefore: (one: string, other: string) => boolean;
  /** The same, and that it was not brought in once more after the other. */
  readonly isWhollyBefore: (one: string, other: string) => boolean;
}

/**
 * What a history proves of the order in which entries came.
 *
 * @param commits as for `arrivalOf`
 */
export function provenOrder(commits: ReadonlyMap<string, LogCommit>): ProvenOrder {
  const bringers = new Map<string, string[]>();
  const children = new Map<string, string[]>();
  for (const [id, { entries, parents }] of commits) {
    for (const entry of entries) push(bringers, entry, id);
    for (const parent of parents) push(children, parent, id);
  }
  const bringersOf = (entry: string): readonly string[] => bringers.get(entry) ?? [];
  /** Of each entry that was asked for: the commits that build on one that brought it in. */
  const later = new Map<string, ReadonlySet<string>>();
  const laterThan = (entry: string): ReadonlySet<string> => {
    const known = later.get(entry);
    if (known !== undefined) return known;
    const found = new Set(bringersOf(entry).flatMap((id) => children.get(id) ?? []));
    // A set's iterator goes on to what is added meanwhile.
    for (const id of found) for (const child of children.get(id) ?? []) found.add(child);
    later.set(entry, found);
    return found;
  };
  const isBefore = (one: string, other: string): boolean =>
    bringers.has(one) && bringersOf(other).every((commit) => laterThan(one).has(commit));
  return {
    isBefore,
    isWhollyBefore: (one, other) =>
      isBefore(one, other) && bringersOf(one).every((commit) => !laterThan(other).has(commit)),
  };
}

/** Gives each id the first look that it is in; those in none came last, together. */
export function looksOf(looks: Iterable<Look>): (id: string) => number {
  const first = new Map<string, number>();
  let count = 0;
  for (const look of looks) {
    for (const id of look) if (!first.has(id)) first.set(id, count);
    count += 1;
  }
  return (id) => first.get(id) ?? count;
}

/**
 * The looks of what a clone remembers, and then those of the branch's history. A clone that saw
 * several entries at once, as on its first day, does not know which came first: that, too, the
 * history tells.
 */
export function allLooks(remembered: readonly Look[], history: readonly Look[]): Look[] {
  const historyLook = looksOf(history);
  const inOrder = remembered.flatMap((look) => {
    const parts = new Map<number, string[]>();
    for (const id of look) push(parts, historyLook(id), id);
    return [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
  });
  return [...inOrder, ...history];
}
