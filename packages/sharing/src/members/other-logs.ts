import { isPartialClone, readSmallBlobs, sizesOf, tryGit, type Repository } from "@git-vault/git-crypt";
import { isEntryId, MAX_ENTRY_BYTES, type LogFile } from "@git-vault/members";
import { LOG_FOLDER } from "../log-places.ts";
import type { SeenBlobs } from "./log-files.ts";
import { emptyTreeFor } from "./log-walk.ts";

/*
 * What other references hold of the log. Anybody who may push can make any number of them, each
 * with entries that are none, under any date: so their number is no limit, what is cheap to read
 * comes first, and what was too much is named.
 */

/** A reference whose tip holds entries which are not known yet. */
export interface OtherLog {
  /** Such as `refs/remotes/origin/rotate`; its characters are bytes. */
  readonly reference: string;
  /** git's name for its commit. */
  readonly tip: string;
  readonly files: readonly LogFile[];
}

/** What other references hold. */
export interface OtherLogs {
  readonly others: readonly OtherLog[];
  /** References with entries that were not read: too much, or not here. */
  readonly unread: readonly string[];
}

/** How references are looked at. */
export interface OtherLogsOptions {
  /** Ids of entries that are not told again. */
  readonly known: ReadonlySet<string>;
  /** References that are looked at before others. */
  readonly first?: readonly string[] | undefined;
  /** Blobs that were read before; what is read is added. */
  readonly seen?: SeenBlobs | undefined;
  /** So much is read, in bytes of entries; 32 MiB where it is left out. */
  readonly most?: number | undefined;
}

const MOST_BYTES = 32 * 1024 * 1024;

/** What an entry costs at least, in bytes: its signature may have to be verified. */
const LEAST_COST = 2048;

/** So much git may print of the names of entries. */
const MOST_LISTED = 128 * 1024 * 1024;

/** An entry that a reference has and that is not known: its id, and git's name for its file. */
type Found = readonly [id: string, oid: string];

/** A reference that may hold a log. */
type Reference = Pick<OtherLog, "reference" | "tip">;

/** What one reference holds that is not known; null where git did not come to it. */
interface Candidate extends Reference {
  readonly found: readonly Found[] | null;
}

/**
 * Reads the entries that other references hold: what was fetched, and other branches. What the
 * branch follows comes first, then one's own branches, then what costs the least.
 */
export function readOtherLogs(repository: Repository, options: OtherLogsOptions): OtherLogs {
  const { known, first = [], seen = new Map<string, Buffer>(), most = MOST_BYTES } = options;
  const candidates = candidatesIn(repository, first, known);
  const oids = candidates.flatMap(({ found }) => (found ?? []).map(([, oid]) => oid));
  const sizes = sizesOf(
    repository,
    oids.filter((oid) => !seen.has(oid)),
  );
  const { read, wanted, unread } = chosenFrom(inOrder(candidates, first, sizes), { sizes, seen, most });
  for (const [oid, content] of readSmallBlobs(repository, [...wanted], MAX_ENTRY_BYTES)) seen.set(oid, content);
  const others = read.map(({ reference, tip, found }) => ({
    reference,
    tip,
    files: (found ?? []).flatMap(fileOf(seen)),
  }));
  return { others: others.filter(({ files }) => files.length > 0), unread };
}

const costOf = (sizes: ReadonlyMap<string, number>, oid: string): number => Math.max(LEAST_COST, sizes.get(oid) ?? 0);

function inOrder(
  candidates: readonly Candidate[],
  first: readonly string[],
  sizes: ReadonlyMap<string, number>,
): Candidate[] {
  const costs = new Map(
    candidates.map(({ reference, found }) => [
      reference,
      (found ?? []).reduce((sum, [, oid]) => sum + costOf(sizes, oid), 0),
    ]),
  );
  const cost = ({ reference }: Candidate): number => costs.get(reference) ?? 0;
  return candidates.toSorted((a, b) => rankOf(a.reference, first) - rankOf(b.reference, first) || cost(a) - cost(b));
}

interface Chosen {
  readonly read: readonly Candidate[];
  /** git's names for the files that are read. */
  readonly wanted: ReadonlySet<string>;
  readonly unread: readonly string[];
}

/** Takes of the candidates, in their order, what `most` allows. */
function chosenFrom(
  candidates: readonly Candidate[],
  {
    sizes,
    seen,
    most,
  }: { readonly sizes: ReadonlyMap<string, number>; readonly seen: SeenBlobs; readonly most: number },
): Chosen {
  const wanted = new Set<string>();
  const unread: string[] = [];
  const read: Candidate[] = [];
  let left = most;
  for (const { reference, tip, found } of candidates) {
    // What is too large for an entry is none.
    const files = (found ?? []).filter(([, oid]) => (sizes.get(oid) ?? 0) <= MAX_ENTRY_BYTES);
    const fresh = [...new Set(files.flatMap(([, oid]) => (seen.has(oid) || wanted.has(oid) ? [] : oid)))];
    const cost = fresh.reduce((sum, oid) => sum + costOf(sizes, oid), 0);
    const isAffordable = found !== null && cost <= left;
    if (!isAffordable || fresh.some((oid) => !sizes.has(oid))) unread.push(reference);
    if (!isAffordable) continue;
    left -= cost;
    for (const oid of fresh) wanted.add(oid);
    read.push({ reference, tip, found: files });
  }
  return { read, wanted, unread };
}

const fileOf =
  (seen: SeenBlobs) =>
  ([name, oid]: Found): LogFile[] => {
    const bytes = seen.get(oid);
    return bytes === undefined ? [] : [{ name, bytes }];
  };

/** Nobody else can make a reference that comes before one's own branches. */
function rankOf(reference: string, first: readonly string[]): number {
  if (first.includes(reference)) return first.indexOf(reference);
  return reference.startsWith("refs/heads/") ? first.length : first.length + 1;
}

/** The references whose log is another than that of HEAD, each log once, with what is not known. */
function candidatesIn(repository: Repository, first: readonly string[], known: ReadonlySet<string>): Candidate[] {
  const { ofHead, trees, lacking } = treesIn(repository, first);
  const unseen = lacking.map(({ reference, tip }): Candidate => ({ reference, tip, found: null }));
  const [one] = trees.keys();
  if (one === undefined) return unseen;
  const empty = emptyTreeFor(one);
  const base = ofHead ?? empty;
  // Entries of HEAD's may be unknown as well: what is staged may lack some.
  const pairs = [...trees.keys()].map((tree) => `${tree === base ? empty : base} ${tree}\n`).join("");
  // Without folders in it: they may have any number of names below.
  const args = ["diff-tree", "--stdin", "--raw", "--no-abbrev", "--no-renames", "--diff-filter=AMT"];
  const { stdout } = tryGit(repository, args, Buffer.from(pairs), MOST_LISTED);
  const lines = stdout.toString("latin1").split("\n");
  const found = new Map<string, Found[]>();
  let current: Found[] = [];
  for (const line of lines) {
    const header = /^[0-9a-f]{40,64} ([0-9a-f]{40,64})$/.exec(line)?.[1];
    if (header !== undefined) found.set(header, (current = []));
    const [, oid = "", id = ""] = /^:[0-7]+ 100[0-7]{3} [0-9a-f]+ ([0-9a-f]+) [AMT]\t(.*)$/.exec(line) ?? [];
    if (isEntryId(id) && !known.has(id)) current.push([id, oid]);
  }
  // git was stopped, or an object is not here: the last one may lack some.
  const isWhole = found.size === trees.size && stdout.length < MOST_LISTED;
  const last = isWhole ? undefined : [...found.keys()].at(-1);
  const candidates = [...trees].map(([tree, { reference, tip }]) => ({
    reference,
    tip,
    found: tree === last ? null : (found.get(tree) ?? null),
  }));
  return [...candidates, ...unseen];
}

/** What references hold, as far as it is here. */
interface Trees {
  /** The entries' tree that is checked out; null where there is none. */
  readonly ofHead: string | null;
  /** A reference for each tree of entries that any has, those that count most first. */
  readonly trees: ReadonlyMap<string, Reference>;
  /** References that may hold entries in a tree which a partial clone lacks. */
  readonly lacking: readonly Reference[];
}

function treesIn(repository: Repository, first: readonly string[]): Trees {
  const references = referencesIn(repository).toSorted(
    (a, b) => rankOf(a.reference, first) - rankOf(b.reference, first),
  );
  const asked = ["HEAD", ...references.map(({ tip }) => tip)];
  const [head, ...answers] = askForTrees(repository, asked).map((answer) => /^([0-9a-f]+) tree /.exec(answer)?.[1]);
  const trees = new Map<string, Reference>();
  const lacking: Reference[] = [];
  let count = 0;
  for (const [at, one] of references.entries()) {
    const tree = answers[at];
    if (tree !== undefined && !trees.has(tree)) trees.set(tree, one);
    if (tree !== undefined || !isPartialClone(repository)) continue;
    if (++count > MOST_ASKED || !isWithoutLog(repository, one.tip)) lacking.push(one);
  }
  return { ofHead: head ?? null, trees, lacking };
}

/** The branches and what was fetched, the newest first: their names are anybody's choice. */
function referencesIn(repository: Repository): Reference[] {
  const format = ["--format=%(objectname) %(symref) %(refname)", "refs/heads/", "refs/remotes/"];
  const sorted = tryGit(repository, ["for-each-ref", "--sort=-creatordate", ...format]);
  // Where a commit is not here, git knows no date, and ends.
  const { stdout } = sorted.status === 0 ? sorted : tryGit(repository, ["for-each-ref", ...format]);
  // A branch by its own name, not by another that leads to it, such as `origin/HEAD`.
  const lines = stdout.toString("latin1").split("\n");
  return lines.flatMap((line) => {
    const [, tip, reference] = /^([0-9a-f]+)  (.*)$/.exec(line) ?? [];
    return tip === undefined || reference === undefined ? [] : [{ reference, tip }];
  });
}

/** git is started so many times for what a partial clone lacks; anybody can push more branches. */
const MOST_ASKED = 100;

/** git's answers for the trees of commits: an older one ends at what a partial clone lacks. */
function askForTrees(repository: Repository, names: readonly string[]): string[] {
  const answers: string[] = [];
  for (let turn = 0; answers.length < names.length && turn < MOST_ASKED; turn += 1) {
    const asked = names.slice(answers.length).map((name) => `${name}:${LOG_FOLDER}\n`);
    const args = ["cat-file", "--batch-check", "--buffer"];
    const lines = tryGit(repository, args, Buffer.from(asked.join("")))
      .stdout.toString()
      .split("\n");
    answers.push(...lines.slice(0, -1));
    if (lines.length <= asked.length) answers.push("");
  }
  return answers;
}

/** Whether a commit of a partial clone surely has no entries: the trees here say so. */
function isWithoutLog(repository: Repository, tip: string): boolean {
  const { status, stdout } = tryGit(repository, ["ls-tree", "--full-tree", tip, LOG_FOLDER]);
  return status === 0 && stdout.length === 0;
}
