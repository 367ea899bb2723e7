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
  /** The entries in its tree that are in none of its parents' trees. */
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
    for (const id of look) {
      const part = parts.get(historyLook(id));
      if (part === undefined) parts.set(historyLook(id), [id]);
      else part.push(id);
    }
    return [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
  });
  return [...inOrder, ...history];
}
