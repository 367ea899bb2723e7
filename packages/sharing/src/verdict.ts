import { hash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestBelow, digestOf, tryGit, type Generations, type Repository, whileSame } from "@git-vault/git-crypt";
import type { KeyState, Membership } from "@git-vault/members";
import { LOG_FOLDER, memoryPath, reflogPath, shallowText } from "./log-places.ts";
import { changeFile, readText } from "./trust/locked-file.ts";

/*
 * What git's filter asks of the log. It runs each time that git adds a file, and reads neither the
 * log nor the code that verifies it: a verdict is kept for the set of entries that it was made for.
 */

/** What is remembered of one set of entries. */
interface Verdict {
  /** The commits that were checked out when it held. */
  readonly heads: readonly string[];
  /** Names the set of entries, and what the clone remembers of others. */
  readonly of: string;
  /** The references whose history it looked at, and how often somebody had pushed over them. */
  readonly followed: readonly string[];
  readonly forced: number;
  readonly keys: Readonly<
    Record<
      string,
      { readonly current: string | null; readonly known: readonly string[]; readonly problem: string | null }
    >
  >;
}

/** So many are kept: those of the branches that one goes to and fro between. */
const MOST = 16;

const verdictPath = ({ commonDir }: Repository): string => join(commonDir, "git-vault", "members-verdicts");

function isVerdict(value: unknown): value is Verdict {
  return (
    typeof value === "object" && value !== null && ["of", "keys", "heads", "followed"].every((one) => one in value)
  );
}

function readVerdicts(text: string): Verdict[] {
  try {
    const value: unknown = JSON.parse(text === "" ? "[]" : text);
    return Array.isArray(value) ? value.filter(isVerdict) : [];
  } catch {
    return []; // They are made again.
  }
}

const keptVerdicts = (repository: Repository): Verdict[] => {
  const path = verdictPath(repository);
  return verdicts(path, () => readVerdicts(readText(path)));
};

/* The filter asks for each file. */
const verdicts = whileSame<Verdict[]>();
const memories = whileSame<string>();

/**
 * Names what a verdict is about: the entries in the index, the clone's memory, how deep its history
 * is, and which root is demanded.
 */
function subjectOf(repository: Repository, entries: string | null): string {
  const path = memoryPath(repository);
  const memory = memories(path, () => hash("sha256", readText(path), "hex"));
  const depth = hash("sha256", shallowText(repository), "hex");
  const root = demandedRoot(repository.env)?.text ?? "";
  return hash("sha256", `${memory}\n${depth}\n${entries ?? ""}\n${root}`, "hex");
}

/**
 * Names the log's files, whatever they hold; null where there are none. They are those of the
 * index; where it has none, such as one that is made for a single command, of HEAD.
 */
const entriesIn = (repository: Repository): string | null =>
  digestBelow(repository, LOG_FOLDER) ?? (hasSeenLog(repository) ? digestOf(filesInHead(repository)) : null);

/** Each record is `<mode> blob <oid>`, a tab and the path. */
function filesInHead(repository: Repository): Map<string, string> {
  const { stdout } = tryGit(repository, ["ls-tree", "-r", "-z", "--full-tree", "HEAD", `${LOG_FOLDER}/`]);
  const records = stdout.toString("latin1").split("\0").slice(0, -1);
  return new Map(
    records.map((record) => [record.slice(record.indexOf("\t") + 1), record.split(/[ \t]/)[2] ?? ""] as const),
  );
}

/** Whether this clone knows a log. */
const hasSeenLog = (repository: Repository): boolean => existsSync(memoryPath(repository));

/**
 * The commit that is checked out, without starting git where its files tell; an empty text for
 * none. What a log says depends on its history as well.
 */
function headOf(repository: Repository): string {
  const { gitDir, commonDir } = repository;
  const head = readIfAny(join(gitDir, "HEAD")).trim();
  if (isOid(head)) return head;
  const [, ref = ""] = /^ref: (refs\/\S+)$/.exec(head) ?? [];
  const loose = [gitDir, commonDir].map((folder) => readIfAny(join(folder, ref)).trim()).find(isOid);
  return loose ?? tryGit(repository, ["rev-parse", "--verify", "--quiet", "HEAD"]).stdout.toString().trim();
}

const isOid = (text: string): boolean => /^[0-9a-f]{40,64}$/.test(text);

function readIfAny(path: string | Buffer): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/**
 * Whether nothing was done to the log between two commits, the later of which builds on the other.
 */
function isSameHistory(repository: Repository, from: string, to: string): boolean {
  if (from === "" || to === "") return false;
  if (tryGit(repository, ["merge-base", "--is-ancestor", from, to]).status !== 0) return false;
  const walk = ["rev-list", "--full-history", "--max-count=1", `${from}..${to}`, "--", LOG_FOLDER];
  const { status, stdout } = tryGit(repository, walk);
  return status === 0 && stdout.length === 0;
}

/**
 * How often references were fetched that somebody had pushed over, as git's reflogs tell: a removal
 * may have been there before. Where they are not kept in files it is not known.
 */
const forcedUpdates = ({ commonDir }: Repository, references: readonly string[]): number =>
  references.reduce(
    (sum, name) => sum + readIfAny(reflogPath({ commonDir }, name)).split(": forced-update\n").length,
    0,
  );

/** Why nothing may be encrypted; null where something may. */
const problemOf = (state: KeyState): string | null => (state === "stale" ? STALE : null);

/**
 * Why nothing may be encrypted with a key, beside its state:
 * - `cut`: the removal of somebody who could open it was cut off the branch
 * - `order`: it is unknown which of two removals came first
 * - `history`: the log's history is not all here, so that a removal may be missed
 */
export type Refusal = "cut" | "order" | "history";

/** What a membership says of keys, for the filter. */
function keysOf(
  { keyNames }: Membership,
  others: readonly Membership[],
  refused: ReadonlyMap<string, Refusal>,
): Verdict["keys"] {
  return Object.fromEntries(
    keyNames.map(({ name, current, generations, state }) => {
      const refusal = refused.get(name);
      const problem = refusal === undefined ? problemOf(state) : REFUSALS[refusal];
      const elsewhere = others.flatMap((one) => one.keyNames.find((key) => key.name === name)?.generations ?? []);
      const known = [...new Set([...generations, ...elsewhere].map(({ commitment }) => commitment))];
      return [name, { current: problem === null ? current.commitment : null, known, problem }];
    }),
  );
}

/**
 * Keeps what the log of the index says of keys.
 *
 * @param refused the names of keys that nothing may be encrypted with, whatever their state
 * @param others what other branches say as well: their keys may be read with
 */
export function storeVerdict(
  {
    repository,
    branch,
    followed,
  }: { readonly repository: Repository; readonly branch: Membership; readonly followed: readonly string[] },
  refused: ReadonlyMap<string, Refusal>,
  others: readonly Membership[] = [],
): void {
  if (repository.topLevel === null) return;
  const verdict: Verdict = {
    heads: [headOf(repository)],
    of: subjectOf(repository, entriesIn(repository)),
    followed,
    forced: forcedUpdates(repository, followed),
    keys: keysOf(branch, others, refused),
  };
  keepVerdict(repository, verdict);
}

/** The root that an environment demands, as it stands there, and where; null for none. */
export function demandedRoot(env: NodeJS.ProcessEnv): { readonly text: string; readonly variable: string } | null {
  const text = env["GIT_VAULT_ROOT"]?.trim() ?? "";
  if (text !== "") return { text, variable: "GIT_VAULT_ROOT" };
  // What `grant --ci` makes names the log beside the private key.
  const noted = /# members log: (SHA256:\S+)/.exec(env["GIT_VAULT_IDENTITY"] ?? "")?.[1];
  return noted === undefined ? null : { text: noted, variable: "GIT_VAULT_IDENTITY" };
}

/**
 * Tells which keys the branch that is checked out names, for `openRepository`. Where the entries
 * are not those of any verdict, it has them verified.
 *
 * @param verify verifies the log by another process, which keeps its verdict
 */
export const generationsBy =
  (verify: () => void) =>
  (repository: Repository, keyName: string): Generations | null => {
    const entries = entriesIn(repository);
    if (entries === null && !hasSeenLog(repository)) return null;
    if (entries === null) return { current: null, known: knownKeys(repository, keyName), problem: GONE };
    const verdict = findVerdict(repository, entries) ?? (verify(), findVerdict(repository, entries));
    if (verdict === undefined) return { current: null, known: new Set(), problem: UNKNOWN };
    // Another branch's keys are known as well: it may be merged.
    const known = knownKeys(repository, keyName);
    const { current, problem } = keyIn(verdict, keyName) ?? { current: null, problem: UNNAMED };
    return { current, known, problem };
  };

/** The verdict on a set of entries that holds for the commit which is checked out. */
function findVerdict(repository: Repository, entries: string): Verdict | undefined {
  const of = subjectOf(repository, entries);
  const own = keptVerdicts(repository).filter(
    (one) => one.of === of && one.forced === forcedUpdates(repository, one.followed),
  );
  if (own.length === 0) return undefined;
  const head = headOf(repository);
  const found = own.find(({ heads }) => heads.includes(head));
  if (found !== undefined) return found;
  const before = own.find(({ heads: [from = ""] }) => isSameHistory(repository, from, head));
  if (before === undefined) return undefined;
  const verdict = { ...before, heads: [head, ...before.heads].slice(0, MOST) };
  keepVerdict(repository, verdict);
  return verdict;
}

function keepVerdict(repository: Repository, verdict: Verdict): void {
  try {
    changeFile(verdictPath(repository), (text) => {
      const before = readVerdicts(text);
      const others = before.filter((one) => one.of !== verdict.of);
      const own = before.find((one) => one.of === verdict.of);
      return JSON.stringify([withKnown(verdict, own), ...others].slice(0, MOST));
    });
  } catch {
    // A folder that cannot be written: it is verified again each time.
  }
}

/** A verdict with the keys that an earlier one knew: it may have looked at other branches. */
function withKnown(verdict: Verdict, before: Verdict | undefined): Verdict {
  const keys = Object.entries(verdict.keys).map(([name, key]) => {
    return [name, { ...key, known: [...new Set([...key.known, ...(keyIn(before, name)?.known ?? [])])] }];
  });
  return { ...verdict, keys: Object.fromEntries(keys) };
}

/** A key may have any name, such as `valueOf`. */
const keyIn = (verdict: Verdict | undefined, keyName: string): Verdict["keys"][string] | undefined =>
  verdict !== undefined && Object.hasOwn(verdict.keys, keyName) ? verdict.keys[keyName] : undefined;

/** The ids of a name's keys that any verdict names which is kept. */
const knownKeys = (repository: Repository, keyName: string): Set<string> =>
  new Set(keptVerdicts(repository).flatMap((verdict) => keyIn(verdict, keyName)?.known ?? []));

const STALE = "somebody who was removed has it, and it must be replaced first";
const REFUSALS: Readonly<Record<Refusal, string>> = {
  cut: "a removal of somebody who has it was taken off this branch: see `vault status`",
  order: "members removed each other, and nothing here proves who was first: see `vault status`",
  history: "this clone lacks some of the members log, or of its history: see `vault status`",
};
const GONE = "this branch lacks the members log that this clone knows: merge the branch that has it";
const UNKNOWN = "the members log is not confirmed in this clone yet, or it is another one than before";
const UNNAMED = "the members log names no key of that name";
