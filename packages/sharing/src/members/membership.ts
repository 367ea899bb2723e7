import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { push } from "@git-vault/core";
import {
  bytesOf,
  commitsOf,
  hasSettings,
  remoteNames,
  shieldOwnFolders,
  symbolicOf,
  tryGit,
  type Repository,
} from "@git-vault/git-crypt";
import {
  allLooks,
  digestsOf,
  fold,
  isVainReason,
  memberWith,
  onlyOf,
  openDisputes,
  provenOrder,
  readLog,
  unprovenDisputes,
  withAncestors,
  type BadFile,
  type Dispute,
  type Entry,
  type FoldOptions,
  type Log,
  type LogFile,
  type Look,
  type Member,
  type MemberKey,
  type Membership,
  type OpenDispute,
} from "@git-vault/members";
import { SharingError } from "../errors.ts";
import { namesCut } from "./cut.ts";
import { readLogFiles, readLogFolder, type LogFolder, type SeenBlobs } from "./log-files.ts";
import { NO_HISTORY, readHistory } from "./log-history.ts";
import {
  knownRoot,
  readHeld,
  readMemory,
  rememberedAs,
  rememberHeld,
  rememberIfPossible,
  rememberRoot,
  type Memory,
} from "./memory.ts";
import { firstOf } from "./order.ts";
import { pushedOver } from "./reflog.ts";
import { demandedRoot, storeVerdict, type Refusal } from "../verdict.ts";

/** How a log is looked at. */
export interface OpenMembersOptions {
  /** The root that is demanded, such as by `--root`; `$GIT_VAULT_ROOT` where it is left out. */
  readonly root?: string | undefined;
  /**
   * Of two entries of which nothing proves which came first, the one that did, as a person says:
   * its id, or how it begins.
   */
  readonly first?: string | undefined;
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
   * Removals of each other, and the like, of which nothing proves here which came first: what the
   * log says depends on it.
   */
  readonly openDisputes: readonly OpenDispute[];
  /** Those, and others of which seniority says the same as the history, which proves nothing. */
  readonly unproven: readonly Dispute[];
  /**
   * Whether all is here that the branch's log, and its history, ever held. Where it is not, such as
   * in a partial clone, nobody can tell who was removed: nothing is encrypted or opened.
   */
  readonly isWhole: boolean;
  /** Whether the clone remembers less than it saw: somebody wrote very much. */
  readonly isMemoryFull: boolean;
  /** What lies among the entries and is none. */
  readonly bad: readonly { readonly name: string; readonly problem: string }[];
  readonly memory: Memory;
  /**
   * The references whose looks count: the remote's main branch, and what the branch follows. The
   * characters of their names are bytes.
   */
  readonly followed: readonly string[];
  /** The one of them that is the remote's main branch; null for none. */
  readonly trunk: string | null;
  /** The files that the log was read from. */
  readonly files: readonly LogFile[];
  /** Their blobs, and others that were read on the way. */
  readonly seen: SeenBlobs;
  /** Digests of entries whose signatures held, which are not verified again: see `readLog`. */
  readonly held: Set<string>;
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
 * @throws SharingError MEMORY_DAMAGED, MEMORY_FULL, MALFORMED_ROOT; GitCryptError GIT_FAILED
 */
export async function openMembers(repository: Repository, options: OpenMembersOptions = {}): Promise<Members> {
  const looks: Look[] = [];
  for (;;) {
    const members = await openAfter(looks, repository, options);
    const first = firstOf(members, options.first);
    if (first === null || first.entries.every((id) => looks.some((look) => look.includes(id)))) return members;
    looks.push(first.entries);
    if (first.toRemember !== null && members.rootState === "accepted" && options.commit === undefined)
      rememberIfPossible(repository, { first: first.toRemember });
  }
}

/** Opens the log, where it is known that some entries came before all others. */
async function openAfter(
  looks: readonly Look[],
  repository: Repository,
  options: OpenMembersOptions,
): Promise<Members> {
  const trunk = trunkName(repository);
  const upstream = options.commit === undefined ? upstreamName(repository) : null;
  const upstreams = [...new Set([trunk, upstream])].filter((name) => name !== null);
  const before = readMemory(repository, upstreams);
  const memory = { ...before, looks: [...looks, ...before.looks] };
  const demanded = options.root ?? rootOfEnvironment(repository.env);
  const isBare = repository.topLevel === null;
  const commit = options.commit ?? (isBare ? "HEAD" : undefined);
  const seen: SeenBlobs = new Map();
  const [head = null, ...tips] = commitsOf(repository, [bytesOf(commit ?? "HEAD"), ...upstreams]);
  const tree = readTree(repository, { commit, head }, seen);
  const isLooking = options.commit === undefined;
  const looked = (isLooking ? upstreams : []).map((name, at) => {
    const tip = tips[at] ?? null;
    return { name, tip, files: tip === null ? [] : readLogFiles(repository, tip, seen) };
  });
  const followed = looked.flatMap(({ files }) => files);
  const inTrees = [...tree.files, ...followed];
  const remotes = followedRemotes(repository, upstreams);
  // By the address first: a person's word on it was for all clones from there.
  const known = demanded ?? knownRoot(repository, remotes) ?? memory.root ?? knownRoot(repository);
  const isNamed = inTrees.length + tree.bad.length + memory.files.length > 0 || !tree.isWhole;
  const held = isNamed ? readHeld(repository) : new Set<string>();
  const heldBefore = held.size;
  const isAsked = isNamed || known !== null;
  const starts = [head, ...looked.map(({ tip }) => tip)];
  const followedNow = starts.filter((tip) => tip !== null);
  const over = isAsked ? looked.map(({ name }) => pushedOver(repository, name, followedNow)) : [];
  const history = isAsked ? readHistory(repository, starts, seen, over) : NO_HISTORY;
  const files = [...inTrees, ...memory.files, ...history.files];
  const hasLog = files.length > 0;
  const log = await readLog(files, { root: known ?? undefined, held });
  const {
    looks: [ofHead = [], ...ofTips],
    beside: ofOver,
    commits,
    unordered,
  } = history.arrivals(log);
  const present = new Set(tree.files.map(({ name }) => name));
  const had = new Set(ofHead.flat());
  const ahead = new Set(followed.map(({ name }) => name).filter((name) => !present.has(name) && !had.has(name)));
  const order = provenOrder(commits);
  const foldOptions = {
    root: known ?? undefined,
    // As if this program had run when it was there.
    remembered: [...memory.looks, ...ofOver],
    history: [ofHead, ...ofTips].flat(),
    isEarlierRoot: order.isWhollyBefore,
  };
  const whole = fold(log, foldOptions);
  const branchLog = logOfBranch(log, present, whole);
  const branch = branchLog === log ? whole : fold(branchLog, foldOptions);
  // No log is another than the one that is known: anyone who takes it away gets nothing by it.
  const isForeign = whole.root === null || (present.size > 0 && branch.root === null);
  const isOther = isForeign && (known !== null || whole.roots.length > 0);
  const rootState = isOther ? "other" : !hasLog ? "none" : known === null ? "new" : "accepted";
  let isMemoryFull = false;
  const result: Members = {
    repository,
    rootState,
    root: known ?? whole.root,
    log,
    whole,
    branchLog,
    branch,
    // Nothing depends on a note, and a reader may write any number of them.
    cut: [...log.entries.values()].filter(
      ({ id, action }) =>
        action.kind !== "note" && !present.has(id) && !ahead.has(id) && whole.verdicts.get(id)?.counts === true,
    ),
    ahead,
    present,
    openDisputes: openDisputes(log, foldOptions, whole, { unordered, isBefore: order.isBefore }),
    unproven: unprovenDisputes(log, foldOptions, whole, order),
    isWhole: tree.isWhole && history.isWhole,
    isMemoryFull,
    bad: badOf(log, tree, inTrees),
    memory,
    followed: upstreams,
    trunk,
    files,
    seen,
    held,
    options: foldOptions,
  };
  if (rootState === "accepted" && isLooking) {
    const seenOn = looked.map(({ name, files: inTip }, at) => {
      const ids = [...inTip.map((file) => file.name), ...(ofTips[at] ?? []).flat()];
      return [rememberedAs(name, trunk), [ofOver[at] ?? [], ids]] as const;
    });
    isMemoryFull = !keep(result, new Map(seenOn));
    const isSaid = demanded !== undefined;
    const plain = looked.filter(({ files: inTip }) => isOnlyLog(log, known, inTip)).map(({ name }) => name);
    const named = isSaid ? remotes : remotes.filter((remote) => plain.some((name) => isOfRemote(name, remote)));
    if (known !== null) rememberRoot(repository, known, { remotes: named, isSaid });
  }
  if (rootState === "accepted" && held.size > heldBefore) rememberHeld(repository, held, () => digestsOf(log));
  return { ...result, isMemoryFull };
}

/** The log in the index; where that has none, such as an index for one command, that of HEAD. */
function readTree(
  repository: Repository,
  { commit, head }: { readonly commit: string | undefined; readonly head: string | null },
  seen: SeenBlobs,
): LogFolder {
  const inIndex = readLogFolder(repository, commit, seen);
  const isThere = inIndex.files.length + inIndex.bad.length > 0 || !inIndex.isWhole;
  return isThere || commit !== undefined || head === null ? inIndex : readLogFolder(repository, head, seen);
}

/** What is no entry. Junk that lies there no more is of no interest, whatever its history has. */
function badOf(log: Log, tree: LogFolder, inTrees: readonly LogFile[]): BadFile[] {
  const lying = new Map<string, LogFile[]>();
  for (const file of inTrees) push(lying, file.name, file);
  const isLying = ({ name, bytes }: LogFile): boolean =>
    lying.get(name)?.some((one) => one.bytes === bytes || Buffer.compare(one.bytes, bytes) === 0) === true;
  const bad: BadFile[] = [...tree.bad, ...log.bad.filter(isLying)];
  return [...new Map(bad.map((one) => [one.name, one])).values()];
}

/** The branch's own entries and those that they build on, as far as the whole log counts them. */
function logOfBranch(log: Log, present: ReadonlySet<string>, whole: Membership): Log {
  const within = withAncestors(log, present);
  if ([...log.entries.keys()].every((id) => within.has(id) || !isLeft(id, whole))) return log;
  return onlyOf(log, new Set([...within].filter((id) => isLeft(id, whole))));
}

/** Whether an entry counts, or is by somebody who may write and only does nothing. */
function isLeft(id: string, { verdicts }: Membership): boolean {
  const verdict = verdicts.get(id);
  return verdict?.counts === true || (verdict?.counts === false && isVainReason(verdict.reason));
}

/**
 * Whether some files hold a log that was accepted, and the start of no other: what else lies at an
 * address may be somebody's who is to be taken for its people.
 */
function isOnlyLog(log: Log, root: string | null, files: readonly LogFile[]): boolean {
  const starts = files.filter(({ name }) => log.entries.get(name)?.root === null).map(({ name }) => name);
  return root !== null && starts.length > 0 && starts.every((id) => id === root);
}

const isOfRemote = (reference: string, remote: string): boolean => reference.startsWith(`refs/remotes/${remote}/`);

/** The remotes of what a clone follows: where it follows nothing yet, `origin`, or the only one. */
export function followedRemotes(repository: Repository, followed: readonly string[]): string[] {
  const names = remoteNames(repository);
  const own = names.filter((remote) => followed.some((name) => isOfRemote(name, remote)));
  return own.length > 0 ? own : names.filter((name, _, all) => name === "origin" || all.length === 1);
}

/**
 * The full name of the reference that the branch follows, whose characters are bytes; null for
 * none.
 */
function upstreamName(repository: Repository): string | null {
  if (!hasSettings(repository, "branch.")) return null;
  const { status, stdout } = tryGit(repository, ["rev-parse", "--symbolic-full-name", "@{upstream}"]);
  return (status === 0 && stdout.toString("latin1").trim()) || null;
}

/**
 * The full name of the remote's main branch, whose characters are bytes: what was seen there
 * arrived, whatever branch is checked out. The remote is `origin`, or the only one. Null where
 * there is none.
 */
function trunkName(repository: Repository): string | null {
  const names = remoteNames(repository);
  const remote = names.includes("origin") || names.length !== 1 ? "origin" : names[0];
  if (names.length === 0) return null;
  const trunk = `refs/remotes/${remote}/HEAD`;
  // A reference to another one is a file of its own, where references are kept in files.
  if (!hasSettings(repository, "extensions.refstorage")) {
    const path = join(repository.commonDir, trunk);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    const [, plain] = (stat.isFile() && /^ref: (refs\/\S+)\n$/.exec(readFileSync(path, "latin1"))) || [];
    if (plain !== undefined) return plain;
  }
  return symbolicOf(repository, trunk);
}

/**
 * @param followed the ids of what was pushed over, and of what is there, and ever was, by what it
 * is remembered as
 * @returns whether there was room for all that is worth it
 */
function keep(members: Members, followed: ReadonlyMap<string, readonly Look[]>): boolean {
  const { repository, root, log, options, openDisputes: open } = members;
  if (root === null) return true;
  // Who accepted a log in another clone has met who started it.
  const met = members.memory.root === null ? keysOfStarter(members) : [];
  const fileOf = (name: string): LogFile[] => (log.sound.get(name) ?? []).slice(0, 1).map((bytes) => ({ name, bytes }));
  const worth = worthRemembering(members);
  const seen = new Map(
    [...followed].map(([name, all]) => {
      const parts = all.map((ids) => [...new Set(ids.filter((id) => worth.has(id)))]);
      // As the history has them now: anyone who turns it around later changes nothing here. Where
      // that proves nothing, they came together.
      const looks = allLooks(parts, open.length === 0 ? (options.history ?? []) : []);
      const there = new Set(parts.flat());
      return [name, looks.map((look) => look.filter((id) => there.has(id)).flatMap(fileOf))];
    }),
  );
  // Who was removed stays out, whatever else there is no room for.
  const takings = [...worth].filter((id) => ["remove", "take"].includes(log.entries.get(id)?.action.kind ?? ""));
  const foremost = withAncestors(log, takings);
  const isAll = rememberIfPossible(repository, { root, met, seen, foremost });
  storeVerdict(members, refusedNames(members));
  shieldOwnFolders(repository);
  return isAll;
}

/**
 * What matters of the signed entries, with all that it builds on: who was removed can write any
 * number of others, and a reader any number of notes, on which nothing depends.
 */
function worthRemembering({ log, whole, openDisputes: open }: Members): Set<string> {
  // Both sides of what is open: neither came first.
  const matters = new Set(open.map(({ fails }) => fails));
  for (const id of log.signed) if (log.entries.get(id)?.action.kind !== "note" && isLeft(id, whole)) matters.add(id);
  return new Set([...withAncestors(log, matters)].filter((id) => log.signed.has(id)));
}

/** The names of keys that nothing may be encrypted with, whatever state they are in. */
export function refusedNames(members: Members): Map<string, Refusal> {
  const { branch, openDisputes: open, isWhole } = members;
  const refusal = !isWhole ? "history" : open.length > 0 ? "order" : "cut";
  const names = refusal === "cut" ? namesCut(members) : branch.keyNames.map(({ name }) => name);
  return new Map([...names].map((name) => [name, refusal]));
}

/**
 * Accepts a log for this clone, and for all of the user's clones from the same address.
 *
 * @returns the members as they are then
 */
export async function acceptRoot(
  { repository, root, log }: Members,
  options: Pick<OpenMembersOptions, "first"> = {},
): Promise<Members> {
  if (root === null) throw new RangeError("expected a log to accept");
  rememberIfPossible(repository, { root, met: keysOfStarter({ root, log }) });
  return openMembers(repository, { ...options, root });
}

/** Who started a log, as the first entry itself says. */
export interface Starter {
  readonly name: string;
  readonly keys: readonly MemberKey[];
  /** When they say that it was. */
  readonly time: string;
}

/**
 * Who started a log: not the member that they are now, whom any admin may have given another key or
 * name. Null where the first entry is not here.
 */
export function starterOf({ log, root }: Pick<Members, "log" | "root">): Starter | null {
  const entry = log.entries.get(root ?? "");
  if (entry?.action.kind !== "start") return null;
  const { label, account, keys } = entry.action;
  return { name: label ?? account ?? entry.author, keys, time: entry.time };
}

const keysOfStarter = (members: Pick<Members, "log" | "root">): string[] =>
  (starterOf(members)?.keys ?? []).map(({ id }) => id);

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

/** The first entries of other logs that lie among the branch's entries. */
export const otherRoots = ({ log, root, present }: Pick<Members, "log" | "root" | "present">): string[] =>
  [...log.entries.values()].flatMap((entry) =>
    entry.root === null && entry.id !== root && present.has(entry.id) ? entry.id : [],
  );

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
