import { readSmallBlobs, tryGit, type Repository } from "@git-vault/git-crypt";
import {
  isSound,
  MAX_ENTRY_BYTES,
  withAncestors,
  type Dispute,
  type Log,
  type Look,
  type OpenDispute,
} from "@git-vault/members";
import { entryPath } from "../log-places.ts";
import type { SeenBlobs } from "./log-files.ts";
import { readHistory } from "./log-history.ts";
import { rememberedAs, type First } from "./memory.ts";
import { tipsOf } from "./reflog.ts";

/*
 * Members took from each other, on lines of history that were merged since: nothing in the history
 * proves who was first. The one who made the merge chose its first parent.
 */

/** What is disputed, and what may tell who was first. */
interface Disputed {
  readonly repository: Repository;
  readonly log: Log;
  readonly openDisputes: readonly OpenDispute[];
  /** Those, and others of which seniority says the same as the history, which proves nothing. */
  readonly unproven: readonly Dispute[];
  /** The references that the branch follows. */
  readonly followed: readonly string[];
  /** The one of them that is the remote's main branch. */
  readonly trunk: string | null;
  /** What was read; what is read on the way is added. */
  readonly seen: SeenBlobs;
}

/** What tells that an entry came first, and what the clone should remember of that. */
export interface Told {
  readonly entries: Look;
  /** Null for what the log itself tells: anyone who has it is told the same. */
  readonly toRemember: First | null;
}

/**
 * An entry with all that it builds on, which came before the one that it is disputed with: since a
 * person says so, this clone fetched it without the other, or an admin who is no party built on it.
 * Null where nothing tells.
 *
 * @param said an entry that a person says came first, or how its id begins
 */
export function firstOf(disputed: Disputed, said?: string): Told | null {
  for (const dispute of disputed.openDisputes) {
    const meant = saidFirst(dispute, said);
    const seen = meant === null ? seenFirst(dispute, disputed) : null;
    const first = meant ?? seen?.id ?? dispute.witnessed;
    if (first === null) continue;
    const entries = [...withAncestors(disputed.log, [first])];
    const isOwn = meant !== null || seen !== null;
    const seenOn = seen === null ? undefined : rememberedAs(seen.reference, disputed.trunk);
    return { entries, toRemember: isOwn ? { entries, seenOn } : null };
  }
  return seenOtherwise(disputed);
}

/**
 * The same for what nobody would ask about, since seniority says the same as the history: anyone
 * who fetched, or pushed, the entry that fails without the one that stands knows better.
 */
function seenOtherwise(disputed: Disputed): Told | null {
  const seen = onceWithout(disputed).flatMap((dispute) => {
    const first = seenFirst(dispute, disputed);
    return first?.id === dispute.fails ? first : [];
  });
  const [one] = seen;
  if (one === undefined) return null;
  // All that one reference tells at once: the next look remembers the others as they come here.
  const ids = seen.filter(({ reference }) => reference === one.reference).map(({ id }) => id);
  const entries = [...withAncestors(disputed.log, ids)];
  return { entries, toRemember: { entries, seenOn: rememberedAs(one.reference, disputed.trunk) } };
}

/** The disputes in which what is followed once had what fails without what stands. */
function onceWithout({ repository, followed, unproven }: Disputed): Dispute[] {
  if (unproven.length === 0) return [];
  const ids = [...new Set(unproven.flatMap(({ stands, fails }) => [stands, fails]))];
  const tips = [...new Set(followed.flatMap((reference) => tipsOf(repository, reference)))];
  const asked = tips.flatMap((tip) => ids.map((id) => [tip, id] as const));
  const input = Buffer.from(asked.map(([tip, id]) => `${tip}:${entryPath(id)}\n`).join(""));
  const answers = tryGit(repository, ["cat-file", "--batch-check", "--buffer"], input).stdout.toString().split("\n");
  const had = new Map(tips.map((tip) => [tip, new Set<string>()]));
  for (const [at, [tip, id]] of asked.entries()) if (/ blob \d+$/.test(answers[at] ?? "")) had.get(tip)?.add(id);
  return unproven.filter(({ stands, fails }) => [...had.values()].some((its) => its.has(fails) && !its.has(stands)));
}

function saidFirst({ stands, fails }: Dispute, said: string | undefined): string | null {
  const meant = said === undefined ? [] : [stands, fails].filter((id) => id.startsWith(said));
  return meant.length === 1 ? (meant[0] ?? null) : null;
}

/** git's reflog has what a reference was before each fetch and push. */
function seenFirst(
  { stands, fails }: Dispute,
  evidence: Disputed,
): { readonly id: string; readonly reference: string } | null {
  const { repository, followed } = evidence;
  for (const reference of followed) {
    for (const tip of tipsOf(repository, reference).toReversed()) {
      const [first, other] = heldBy(tip, [stands, fails], evidence);
      if (first === undefined) continue;
      // Anyone who pushed may have taken the other one out of the tree.
      if (other === undefined && !everHad(tip, first === stands ? fails : stands, evidence))
        return { id: first, reference };
      break;
    }
  }
  return null;
}

/** Those of some entries of which a commit's tree has a sound copy. */
function heldBy(tip: string, ids: readonly string[], { repository, log, seen }: Disputed): string[] {
  const { stdout } = tryGit(repository, ["ls-tree", "--full-tree", tip, ...ids.map(entryPath)]);
  const oids = new Map(
    stdout
      .toString()
      .split("\n")
      .flatMap((line) => {
        const [, oid, path] = /^100[0-7]{3} blob ([0-9a-f]+)\t(.*)$/.exec(line) ?? [];
        return oid === undefined || path === undefined ? [] : [[path, oid] as const];
      }),
  );
  const unread = [...oids.values()].filter((oid) => !seen.has(oid));
  for (const [oid, content] of readSmallBlobs(repository, unread, MAX_ENTRY_BYTES)) seen.set(oid, content);
  return ids.filter((id) => {
    const bytes = seen.get(oids.get(entryPath(id)) ?? "");
    return bytes !== undefined && isSound(log, { name: id, bytes });
  });
}

/** Whether a commit builds on one that brought an entry in, or nobody can tell. */
function everHad(tip: string, id: string, { repository, log, seen }: Disputed): boolean {
  const history = readHistory(repository, [tip], seen);
  return !history.isWhole || [...history.arrivals(log).commits.values()].some(({ entries }) => entries.includes(id));
}
