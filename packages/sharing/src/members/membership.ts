import { commitOf, hasSettings, shieldOwnFolders, tryGit, type Repository } from "@git-vault/git-crypt";
import {
  allLooks,
  fold,
  isVainReason,
  memberWith,
  openDisputes,
  readLog,
  type Dispute,
  type Entry,
  type FoldOptions,
  type Log,
  type LogFile,
  type Member,
  type Membership,
} from "@git-vault/members";
import { SharingError } from "../errors.ts";
import { withAncestors } from "./coverage.ts";
import { namesCut } from "./cut.ts";
import { NO_HISTORY, readHistory, readLogFiles, type SeenBlobs } from "./log-files.ts";
import { knownRoot, readMemory, rememberIfPossible, rememberRoot, type Memory } from "./memory.ts";
import { demandedRoot, storeVerdict, type Refusal } from "../verdict.ts";

/** How a log is looked at. */
export interface OpenMembersOptions {
  /** The root that is demanded, such as by `--root`; `$GIT_VAULT_ROOT` where it is left out. */
  readonly root?: string | undefined;
  /** A commit whose log is read instead of the index's: such a look is not remembered. */
  readonly commit?: string | undefined;
}

/**
 * Whether a person, or a demand, said that this log is the repository's:
 * - `accepted`: yes
 * - `new`: nobody was asked yet
 * - `other`: another one was accepted here before, or is demanded
 * - `none`: there is no log
 */
export type RootState = "accepted" | "new" | "other" | "none";

/** The members of a repository, as a branch has them. */
export interface Members {
  readonly repository: Repository;
  readonly rootState: RootState;
  /** The root that was accepted or demanded, else the log's own; null where there is none. */
  readonly root: string | null;
  /** All entries that are known: the branch's, its history's, and remembered ones. */
  readonly log: Log;
  /** What they say. */
  readonly whole: Membership;
  /** Those that the branch's own entries build on, and that count: the next one joins them. */
  readonly branchLog: Log;
  /**
   * What the branch itself says: as `whole`, but for what other entries say that it lacks. Its keys
   * are what the branch encrypts with.
   */
  readonly branch: Membership;
  /** Entries that count, that the branch had, and that its files lack now. */
  readonly cut: readonly Entry[];
  /** The ids of entries that what it follows has, and that were not merged yet. */
  readonly ahead: ReadonlySet<string>;
  /** The ids of the entries in the branch's files. */
  readonly present: ReadonlySet<string>;
  /**
   * Removals of each other, and the like, of which this shallow clone does not know which came
   * first: what the log says depends on it.
   */
  readonly openDisputes: readonly Dispute[];
  /** What lies among the entries and is none. */
  readonly bad: readonly { readonly name: string; readonly problem: string }[];
  readonly memory: Memory;
  /** The references whose looks count: the remote's main branch, and what the branch follows. */
  readonly followed: readonly string[];
  /** The files that the log was read from. */
  readonly files: readonly LogFile[];
  /** Their blobs, and others that were read on the way. */
  readonly seen: SeenBlobs;
  /** How the log is folded, with further entries as without. */
  readonly options: FoldOptions;
}

/**
 * Reads and verifies the members log of a repository, and remembers what the branch that it follows
 * holds of it.
 *
 * A root is accepted here once; where it never was, `rootState` is `new`, and nobody may trust what
 * the log says until `acceptRoot`.
 *
 * @throws SharingError MEMORY_DAMAGED, MALFORMED_ROOT; GitCryptError GIT_FAILED
 */
export async function openMembers(repository: Repository, options: OpenMembersOptions = {}): Promise<Members> {
  const trunk = trunkName(repository);
  const upstream = options.commit === undefined ? upstreamName(repository) : null;
  const upstreams = [...new Set([trunk, upstream])].filter((name) => name !== null);
  const memory = readMemory(repository, upstreams);
  const demanded = options.root ?? rootOfEnvironment(repository.env);
  const isBare = repository.topLevel === null;
  const commit = options.commit ?? (isBare ? "HEAD" : undefined);
  const seen: SeenBlobs = new Map();
  const inTree = readLogOf(repository, commit, seen);
  const looked = new Map(
    options.commit === undefined ? upstreams.map((name) => [name, readUpstream(repository, name, seen)] as const) : [],
  );
  const followed = [...looked.values()].flat();
  const remembered = [...memory.files, ...followed];
  const names = new Set([...inTree, ...remembered].map(({ name }) => name));
  const known = demanded ?? memory.root ?? knownRoot(repository);
  const verified = new Set(memory.files.map(({ name }) => name));
  const inFiles = await readLog([...inTree, ...remembered], { root: known ?? undefined, verified });
  // What was made of an entry since does not hide what it was.
  const spoilt = new Set([...inFiles.bad.map(({ name }) => name), ...inFiles.forged]);
  const sound = new Set([...names].filter((name) => !spoilt.has(name)));
  const isAsked = names.size > 0 || known !== null;
  const history = isAsked ? readHistory(repository, commit ?? "HEAD", sound, seen) : NO_HISTORY;
  const files = [...inTree, ...remembered, ...history.files];
  const hasLog = files.length > 0;
  const log =
    history.files.length === 0
      ? inFiles
      : await readLog(files, { root: known ?? undefined, verified: new Set([...verified, ...inFiles.signed]) });
  const present = new Set(inTree.map(({ name }) => name));
  const had = new Set(history.looks.flat());
  const ahead = new Set(followed.map(({ name }) => name).filter((name) => !present.has(name) && !had.has(name)));
  const further = ahead.size === 0 ? [] : upstreams.map((name) => readHistory(repository, name, names));
  const foldOptions = {
    root: known ?? undefined,
    remembered: memory.looks,
    history: [history, ...further].flatMap(({ looks }) => looks),
  };
  const whole = fold(log, foldOptions);
  const unordered = new Set([history, ...further].flatMap((one) => one.unordered));
  const branchLog = logOfBranch(log, present, whole);
  const branch = branchLog === log ? whole : fold(branchLog, foldOptions);
  // No log is another than the one that is known: whoever takes it away gets nothing by it.
  const isForeign = whole.root === null || (present.size > 0 && branch.root === null);
  const isOther = isForeign && (known !== null || whole.roots.length > 0);
  const rootState = isOther ? "other" : !hasLog ? "none" : known === null ? "new" : "accepted";
  const result: Members = {
    repository,
    rootState,
    root: known ?? whole.root,
    log,
    whole,
    branchLog,
    branch,
    cut: [...log.entries.values()].filter(
      ({ id }) => !present.has(id) && !ahead.has(id) && whole.verdicts.get(id)?.counts === true,
    ),
    ahead,
    present,
    openDisputes: openDisputes(log, foldOptions, whole, unordered),
    bad: [...new Map(log.bad.map((one) => [one.name, one])).values()],
    memory,
    followed: upstreams,
    files,
    seen,
    options: foldOptions,
  };
  if (rootState === "accepted" && options.commit === undefined) keep(result, looked);
  return result;
}

/** The log in the index; where that has none, such as an index for one command, that of HEAD. */
function readLogOf(repository: Repository, commit: string | undefined, seen: SeenBlobs): LogFile[] {
  const files = readLogFiles(repository, commit, seen);
  return files.length > 0 || commit !== undefined || commitOf(repository, "HEAD") === null
    ? files
    : readLogFiles(repository, "HEAD", seen);
}

/** The branch's own entries and those that they build on, as far as the whole log counts them. */
function logOfBranch(log: Log, present: ReadonlySet<string>, whole: Membership): Log {
  const within = withAncestors(log, present);
  const isLeft = (id: string): boolean => {
    const verdict = whole.verdicts.get(id);
    return verdict?.counts === true || (verdict?.counts === false && isVainReason(verdict.reason));
  };
  if ([...log.entries.keys()].every((id) => within.has(id) || !isLeft(id))) return log;
  const entries = new Map([...log.entries].filter(([id]) => within.has(id) && isLeft(id)));
  return { ...log, entries, signed: new Set([...log.signed].filter((id) => entries.has(id))) };
}

/** The full name of the reference that the branch follows; null for none. */
function upstreamName(repository: Repository): string | null {
  if (!hasSettings(repository, "branch.")) return null;
  const { status, stdout } = tryGit(repository, ["rev-parse", "--symbolic-full-name", "@{upstream}"]);
  const name = status === 0 ? stdout.toString().trim() : "";
  return name === "" ? null : name;
}

/**
 * The full name of the remote's main branch: what was seen there arrived, whatever branch is
 * checked out. Null where there is none.
 */
function trunkName(repository: Repository): string | null {
  if (!hasSettings(repository, "remote.")) return null;
  const { status, stdout } = tryGit(repository, ["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"]);
  const name = status === 0 ? stdout.toString().trim() : "";
  return name === "" ? null : name;
}

function readUpstream(repository: Repository, upstream: string, seen: SeenBlobs): LogFile[] {
  return commitOf(repository, upstream) === null ? [] : readLogFiles(repository, upstream, seen);
}

function keep(members: Members, followed: ReadonlyMap<string, readonly LogFile[]>): void {
  const { repository, root, log, options } = members;
  if (root === null) return;
  // Who accepted a log in another clone has met who started it.
  const met = members.memory.root === null ? keysOfStarter(members) : [];
  const seen = new Map(
    [...followed].map(([name, files]) => {
      const known = new Map(files.filter((file) => log.signed.has(file.name)).map((file) => [file.name, file]));
      // As the history has them now: whoever turns it around later changes nothing here.
      const looks = allLooks([[...known.keys()]], options.history ?? []);
      return [name, looks.map((look) => look.flatMap((id) => known.get(id) ?? []))];
    }),
  );
  rememberIfPossible(repository, { root, met, seen });
  rememberRoot(repository, root);
  storeVerdict(members, refusedNames(members));
  shieldOwnFolders(repository);
}

/** The names of keys that nothing may be encrypted with, whatever state they are in. */
export function refusedNames(members: Members): Map<string, Refusal> {
  const { branch, openDisputes: open } = members;
  const isOpen = open.length > 0;
  const names = isOpen ? branch.keyNames.map(({ name }) => name) : namesCut(members);
  return new Map([...names].map((name) => [name, isOpen ? "order" : "cut"]));
}

/**
 * Asserts that the order is known in which entries arrived, as far as anything depends on it.
 *
 * @throws SharingError HISTORY_NEEDED
 */
export function assertOrder({ openDisputes: [first] }: Members): void {
  if (first === undefined) return;
  throw new SharingError(
    "HISTORY_NEEDED",
    `this shallow clone lacks the history that says which entry of the members log came first: ${first.stands.slice(0, 10)} or ${first.fails.slice(0, 10)}`,
    { hint: "fetch the whole history" },
  );
}

/**
 * Accepts a log for this clone, and for all of the user's clones from the same address.
 *
 * @returns the members as they are then
 */
export async function acceptRoot({ repository, root, whole }: Members): Promise<Members> {
  if (root === null) throw new RangeError("expected a log to accept");
  rememberIfPossible(repository, { root, met: keysOfStarter({ root, whole }) });
  return openMembers(repository, { root });
}

const keysOfStarter = ({ root, whole }: Pick<Members, "root" | "whole">): string[] =>
  whole.members.filter(({ records }) => records.includes(root ?? "")).flatMap(({ keys }) => keys.map(({ id }) => id));

/** The root that an environment demands; undefined where it demands none. */
export function rootOfEnvironment(env: NodeJS.ProcessEnv): string | undefined {
  const demanded = demandedRoot(env);
  return demanded === null ? undefined : parseRoot(demanded.text, `$${demanded.variable}`);
}

/**
 * Reads a root as people write it: `SHA256:` and base64, or 64 hexadecimal digits.
 *
 * @throws SharingError MALFORMED_ROOT
 */
export function parseRoot(text: string, title: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  const [, base64 = ""] = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(text) ?? [];
  const root = Buffer.from(base64, "base64").toString("hex");
  if (base64 !== "" && rootText(root) === `SHA256:${base64}`) return root;
  throw new SharingError("MALFORMED_ROOT", `${title}: expected the root of a members log, such as SHA256:…`);
}

/** A root as people compare it. */
export const rootText = (root: string): string =>
  `SHA256:${Buffer.from(root, "hex").toString("base64").replaceAll("=", "")}`;

/** The member who holds one of some keys; null where nobody does. */
export function memberWithKey(membership: Membership, ids: Iterable<string>): Member | null {
  for (const id of ids) {
    const member = memberWith(membership, id);
    if (member !== null) return member;
  }
  return null;
}

/** What a member is called: as they were called last, else by an account or a key of theirs. */
export const nameOfMember = ({ label, accounts, keys }: Member): string =>
  label ?? accounts[0] ?? keys[0]?.id ?? "nobody";
