import { printable } from "@git-vault/core";
import type { Directory } from "@git-vault/directory";
import {
  commitFiles,
  continueRotation,
  keyId,
  rotate,
  unopenedFiles,
  unopenedOf,
  type FilterCommands,
  type Progress,
  type Repository,
  type RotateResult,
  type StoredKey,
} from "@git-vault/git-crypt";
import type { OpenPgpKeyEntry } from "@git-vault/keys";
import {
  memberWith,
  type Identifier,
  type Member,
  type MemberKey,
  type Membership,
  type SealedCopy,
} from "@git-vault/members";
import { SharingError } from "../errors.ts";
import type { GpgOptions } from "../identities/gpg.ts";
import type { PluginDialog } from "../identities/plugin-process.ts";
import type { Pins } from "../trust/pins.ts";
import { attestedCopies } from "./coverage.ts";
import { isKeyHere, keyNotHere } from "./keys-here.ts";
import { nameOfMember, openMembers, type Members } from "./membership.ts";
import { rememberIfPossible } from "./memory.ts";
import { readOpenPgpCopies, strangersAmong } from "./openpgp-copies.ts";
import { openPgpKeysOf } from "./openpgp-keys.ts";
import { someOf } from "./people.ts";
import { review, type Reviewed, type Unasked } from "./review.ts";
import {
  canSealTo,
  sealCopies,
  tryPlugins,
  unsealedAmong,
  type TriedPlugins,
  type UnsealedKey,
} from "./seal-copies.ts";
import { sealedPaths, unsoundKeys } from "./sealed-keys.ts";
import { assertAdmin, LogWriter, type Author, type Change, type NewGeneration } from "./writer.ts";

/** Keys of a member that go, while the member stays. */
export interface LeavingKeys {
  readonly member: Member;
  readonly keys: readonly Identifier[];
}

/** Keys that a member gets. */
export interface ArrivingKeys {
  readonly member: Member;
  readonly keys: readonly MemberKey[];
}

/** What is replaced, and for whom the new keys are not. */
export interface RotationRequest {
  readonly members: Members;
  readonly author: Author;
  readonly pins: Pins;
  /** Asks the forges; null to ask nobody. */
  readonly directory: Directory | null;
  /**
   * The names of the keys. Where it is left out: of all that those who go could open; all of the
   * log's where nobody goes.
   */
  readonly keyNames?: readonly string[] | undefined;
  /** Members who go; where names of keys are given, they lose these alone. */
  readonly remove?: readonly Member[] | undefined;
  /** Members who go altogether, whatever names of keys are given. */
  readonly drop?: readonly Member[] | undefined;
  readonly takeKeys?: readonly LeavingKeys[] | undefined;
  readonly giveKeys?: readonly ArrivingKeys[] | undefined;
  /** Whether files that no key here opens stay as they are; else they stop it. */
  readonly leavesUnopened?: boolean | undefined;
  readonly gpg?: GpgOptions | undefined;
  /** The age plugins that the user named; no other is run. */
  readonly plugins?: PluginDialog | undefined;
  readonly now?: Date | undefined;
}

/** What a rotation will do. Nothing is written yet. */
export interface RotationPlan {
  /** The names of the keys that will be replaced. */
  readonly keyNames: readonly string[];
  /** Names whose keys must be replaced as well, and are not here: somebody who has them must. */
  readonly notHere: readonly string[];
  /** Who goes, and whose keys do. */
  readonly removed: readonly Member[];
  readonly takenKeys: readonly Identifier[];
  /** Everybody who will have a new key, with what is worth a look. */
  readonly recipients: readonly Reviewed[];
  /** Keys of theirs that no copy will be for: see `canSealTo`. */
  readonly notSealedTo: readonly UnsealedKey[];
  /** git-crypt's copies of the keys for OpenPGP keys of no member, which go: by their paths. */
  readonly strangeCopies: readonly string[];
  /** The author, where they will not have each new key; else null. */
  readonly missingSelf: Member | null;
  /** Why the forges could not be asked; empty where they were, or where that was not wanted. */
  readonly unasked: readonly Unasked[];
  /**
   * Writes the log, replaces the keys and seals them to the recipients, in one commit.
   *
   * @throws SharingError `LOG_CHANGED` where the log is not what it was planned for any more; what
   * `rotate` of git-crypt's and signing do
   */
  apply(options: ApplyOptions): Promise<Rotated>;
}

/** How a rotation is carried out. */
export interface ApplyOptions extends FilterCommands {
  /** Is told how many files are encrypted again, of how many. */
  readonly progress?: Progress | undefined;
}

/** What a rotation did. */
export interface Rotated {
  /** What git-crypt did; null where no key had to be replaced, or none that is here. */
  readonly rotation: RotateResult | null;
  readonly commit: string | null;
  readonly recipients: readonly Reviewed[];
}

/**
 * Plans the replacement of keys: for whom the new ones are sealed, what is worth a look about them,
 * and what the log will say. Nothing is written until `apply`.
 *
 * @throws SharingError `NOT_ADMIN`, `NOT_ALLOWED`, `NO_SUCH_KEY_NAME`, `LAST_ADMIN`, `KEY_NOT_HERE`
 * of a key that the author may open, or where there is nothing else to do; `PINS_UNREADABLE`;
 * GitCryptError `UNOPENED`
 */
export async function planRotation(request: RotationRequest): Promise<RotationPlan> {
  const { members, author, now, pins, directory } = request;
  assertAdmin(members.branch, author);
  const wanted = namesFor(request, members.branch);
  const changes = changesFor(request);
  const writer = new LogWriter(members, author, now);
  const after = writer.preview(changes);
  assertSomebodyLeft(after);
  const removed = [...(request.remove ?? []), ...(request.drop ?? [])];
  const keyNames = wanted.filter((name) => isReplaceable(name, request));
  const missing = wanted.filter((name) => !keyNames.includes(name));
  assertTakenAlong(missing, request, keyNames.length + changes.length === 0);
  const own = author.publicKey.fingerprint;
  const { recipients: reviewed, unasked } = await review({
    members,
    after: after.members,
    removed,
    takenKeys: request.takeKeys ?? [],
    keyNames,
    given: new Set((request.giveKeys ?? []).flatMap(({ keys }) => keys.map(({ id }) => id))),
    own,
    pins,
    directory,
  });
  const getting = reviewed.flatMap((one) => (one.keyNames.length === 0 ? [] : one.member));
  const openPgp = await openPgpKeysOf(getting, members.repository, request);
  const all = getting.flatMap(({ keys }) => keys);
  const plugins = await tryPlugins(all, request.plugins);
  const reach = { openPgp: new Set(openPgp.keys()), plugins };
  const isReached = (key: MemberKey): boolean => canSealTo(key, reach);
  const recipients = await Promise.all(reviewed.map((one) => withLostKeys(one, isReached)));
  const self = memberWith(after, own);
  return {
    keyNames,
    notHere: missing,
    removed,
    takenKeys: (request.takeKeys ?? []).flatMap(({ keys }) => keys),
    recipients,
    notSealedTo: unsealedAmong(all, reach),
    strangeCopies: strangersAmong(readOpenPgpCopies(members.repository), members.branch)
      .filter(({ keyName }) => keyNames.includes(keyName))
      .map(({ path }) => path),
    missingSelf: keyNames.every((name) => self?.opens.includes(name)) ? null : memberWith(members.branch, own),
    unasked,
    apply: async (options) => apply(request, { changes, keyNames, recipients, openPgp, plugins }, options),
  };
}

/**
 * Who has no key but OpenPGP's and plugins', and of those none that a copy can be made for, would
 * lose the key.
 */
async function withLostKeys(one: Reviewed, isReached: (key: MemberKey) => boolean): Promise<Reviewed> {
  if (one.keyNames.length === 0) return one;
  const { keys } = one.member;
  const unsound = await unsoundKeys(keys);
  const [first] = keys;
  const lost = keys.some((key) => isReached(key) && !unsound.includes(key)) || first === undefined ? unsound : [first];
  return { ...one, marks: [...one.marks, ...lost.map(({ id }) => ({ kind: "not-openable" as const, about: id }))] };
}

/**
 * Anyone who may open a key takes it along before they replace it: else somebody would be removed,
 * and could read what comes. Who says that files may stay unopened cannot: whatever keys somebody
 * named, they are removed.
 */
function assertTakenAlong(
  missing: readonly string[],
  { members: { branch }, author, leavesUnopened = false }: RotationRequest,
  isAll: boolean,
): void {
  const opens = memberWith(branch, author.publicKey.fingerprint)?.opens ?? [];
  const own = missing.filter((name) => isAll || (!leavesUnopened && opens.includes(name)));
  if (own.length > 0) throw keyNotHere(own);
}

/** The names of keys that must be replaced. */
function namesFor(request: RotationRequest, { keyNames, members }: Membership): string[] {
  const { remove = [], drop = [], takeKeys = [] } = request;
  const all = keyNames.map(({ name }) => name);
  const strange = request.keyNames?.find((name) => !all.includes(name));
  if (strange !== undefined) {
    throw new SharingError("NO_SUCH_KEY_NAME", `the members log names no key ${printable(strange)}`, {
      subject: strange,
      hint: `it names ${all.join(", ")}`,
    });
  }
  if (request.keyNames !== undefined) for (const member of remove) assertHasOne(member, request.keyNames);
  const present = new Set(members.flatMap(({ records }) => records));
  const opened = (some: readonly Member[]): string[] =>
    some.filter(({ records }) => records.some((record) => present.has(record))).flatMap(({ opens }) => opens);
  const isRotation = remove.length + takeKeys.length === 0;
  const narrowed = request.keyNames;
  const first = isRotation
    ? (narrowed ?? all)
    : opened([...remove, ...takeKeys.map(({ member }) => member)]).filter((name) => narrowed?.includes(name) ?? true);
  return [...new Set([...first, ...opened(drop)])].toSorted();
}

/** Somebody whom nothing is taken from stays as they are. */
function assertHasOne(member: Member, keyNames: readonly string[]): void {
  if (keyNames.some((name) => member.opens.includes(name))) return;
  const name = printable(nameOfMember(member));
  throw new SharingError("NO_SUCH_MEMBER", `${name} does not have the ${keysText(keyNames)}`, {
    hint: `nothing was changed; ${member.opens.length === 0 ? "they have none" : `they have the ${keysText(member.opens)}`}`,
  });
}

const keysText = (names: readonly string[]): string => `key${names.length === 1 ? "" : "s"} ${names.join(", ")}`;

/**
 * Whether the keys of a name that are here do for replacing it: they open its files, whichever key
 * the branch names. Nobody may have that one; where nothing was ever encrypted with it, none need
 * be here.
 *
 * @throws GitCryptError UNOPENED where they should, and do not
 */
function isReplaceable(
  keyName: string,
  { members, author, keyNames, leavesUnopened = false }: RotationRequest,
): boolean {
  const { repository, branch } = members;
  const current = branch.keyNames.find(({ name }) => name === keyName)?.current.commitment;
  if (current !== undefined && isKeyHere(repository, keyName, current)) return true;
  if (!repository.keyNames().includes(keyName))
    return leavesUnopened ? keyNames?.includes(keyName) === true : isNobodys(keyName, members);
  const unopened = leavesUnopened ? [] : unopenedOf(repository, keyName);
  if (unopened.length === 0) return true;
  // Who may not open it any more has an old key of it.
  const mayOpen = memberWith(branch, author.publicKey.fingerprint)?.opens.includes(keyName) === true;
  if (mayOpen) throw unopenedFiles(unopened.map(({ bytes }) => bytes.toString("latin1")));
  return false;
}

/** Whether nothing tells that anybody has the key of a name: no file of its, and no copy. */
function isNobodys(keyName: string, { repository, branch, branchLog }: Members): boolean {
  const ids = branch.keyNames.find(({ name }) => name === keyName)?.generations.map((one) => one.commitment) ?? [];
  const hasCopy = attestedCopies(branchLog, branch).some(({ commitment }) => ids.includes(commitment));
  return !hasCopy && unopenedOf(repository, keyName).length === 0;
}

/** So many identifiers one entry names: it may name 1000. */
const MOST_NAMED = 900;

const recordOf = (member: Member): string => member.records[0];

/** What the log is to say, but for the new keys. */
function changesFor({ keyNames, remove = [], drop = [], takeKeys = [], giveKeys = [] }: RotationRequest): Change[] {
  const fields = { role: null, opens: [], label: null, readmits: [] };
  const gives = giveKeys.map(({ member, keys }): Change => ({
    kind: "give",
    member: recordOf(member),
    keys,
    ...fields,
  }));
  // Who gets another key stays without the old ones.
  const isLast = ({ member, keys }: LeavingKeys): boolean =>
    member.keys.every(({ id }) => keys.includes(id)) && !giveKeys.some((one) => one.member === member);
  const narrowed = keyNames === undefined ? [] : remove;
  const leaving = [
    ...(keyNames === undefined ? remove : []),
    ...drop,
    ...takeKeys.filter(isLast).map(({ member }) => member),
  ];
  // One of a member's is enough to remove them whole.
  const most = Math.max(1, Math.floor(MOST_NAMED / Math.max(1, leaving.length)));
  const everything = leaving.flatMap(({ accounts, keys }) => accounts.concat(keys.map(({ id }) => id)).slice(0, most));
  return [
    ...gives,
    ...narrowed.map((member): Change => {
      const opens = (keyNames ?? []).filter((name) => member.opens.includes(name));
      return { kind: "take", member: recordOf(member), keys: [], role: null, opens };
    }),
    // Of whom an account is left, the keys are taken first: so the log tells that they were meant.
    ...takeKeys
      .filter((one) => one.member.accounts.length > 0 || !isLast(one))
      .flatMap(({ member, keys }) =>
        inParts(keys).map((part): Change => ({
          kind: "take",
          member: recordOf(member),
          keys: part,
          role: null,
          opens: [],
        })),
      ),
    ...inParts([...new Set(everything)]).map((part): Change => ({ kind: "remove", members: part })),
  ];
}

/** Some identifiers as entries name them: a member may have any number of keys. */
function inParts(identifiers: readonly string[]): string[][] {
  const count = Math.ceil(identifiers.length / MOST_NAMED);
  return Array.from({ length: count }, (_, at) => identifiers.slice(at * MOST_NAMED, (at + 1) * MOST_NAMED));
}

function assertSomebodyLeft({ members }: Membership): void {
  if (members.some(({ role }) => role === "admin")) return;
  throw new SharingError("LAST_ADMIN", "nobody would be left who may change the members log", {
    hint: "let somebody else in first",
  });
}

interface Planned {
  readonly changes: readonly Change[];
  readonly keyNames: readonly string[];
  readonly recipients: readonly Reviewed[];
  /** The public keys of the recipients' OpenPGP keys, as far as they were found. */
  readonly openPgp: ReadonlyMap<string, OpenPgpKeyEntry>;
  readonly plugins: TriedPlugins | undefined;
}

async function apply(request: RotationRequest, planned: Planned, options: ApplyOptions): Promise<Rotated> {
  const { members, author, now } = request;
  const { repository } = members;
  const { keyNames, recipients } = planned;
  const message = messageFor(request, planned);
  let rotation: RotateResult | null = null;
  let commit: string | null = null;
  if (keyNames.length === 0) {
    const writer = new LogWriter(members, author, now);
    for (const change of planned.changes) await writer.write(change);
    commit = commitFiles(repository, writer.files, { message });
  } else {
    rotation = await rotate(repository, {
      ...options,
      keyNames,
      message,
      leavesUnopened: request.leavesUnopened ?? false,
      filesFor: async (keys) => {
        await assertSame(members);
        return filesFor(new LogWriter(members, author, now), planned, keys, request);
      },
    });
    ({ commit } = rotation);
  }
  rememberIfPossible(repository, { met: recipients.flatMap(({ member }) => member.keys.map(({ id }) => id)) });
  await openMembers(repository);
  return { rotation, commit, recipients };
}

/** Nothing is sealed to whom nobody looked at. */
async function assertSame({ repository, present }: Members): Promise<void> {
  const now = await openMembers(repository);
  if (now.present.size === present.size && [...now.present].every((id) => present.has(id))) return;
  throw new SharingError("LOG_CHANGED", "the members log was changed meanwhile, and nothing was done", {
    hint: "run it again",
  });
}

async function filesFor(
  writer: LogWriter,
  { changes, keyNames, recipients, openPgp, plugins }: Planned,
  keys: ReadonlyMap<string, StoredKey>,
  { members: { repository } }: RotationRequest,
): Promise<Map<string, Buffer | null>> {
  const generations = [...keys].map(([keyName, { keyFile }]): NewGeneration => ({ keyName, id: keyId(keyFile) }));
  const sealed: SealedCopy[] = [];
  const files = new Map<string, Buffer | null>();
  const copies = readOpenPgpCopies(repository);
  for (const keyName of keyNames) {
    const key = keys.get(keyName);
    const generation = generations.find((one) => one.keyName === keyName);
    if (key === undefined || generation === undefined) continue;
    for (const path of sealedPaths(repository, keyName)) files.set(path, null);
    for (const copy of copies) if (copy.keyName === keyName) files.set(copy.path, null);
    const theirs = recipients.filter((one) => one.keyNames.includes(keyName)).flatMap(({ member }) => member.keys);
    const to = { keys: theirs, openPgp: theirs.flatMap(({ id }) => openPgp.get(id) ?? []), plugins };
    const made = await sealCopies(repository, generation, key.bytes, to);
    for (const [path, content] of made.files) files.set(path, content);
    sealed.push(...made.copies);
  }
  await writeChanges(writer, changes, generations, sealed);
  for (const [path, content] of writer.files) files.set(path, content);
  return files;
}

/** The last entry names the new keys, so that it commits to whom all of them leave. */
async function writeChanges(
  writer: LogWriter,
  changes: readonly Change[],
  generations: readonly NewGeneration[],
  copies: readonly SealedCopy[],
): Promise<void> {
  const last = changes.at(-1);
  const isFit = last?.kind === "take" || last?.kind === "remove";
  for (const change of isFit ? changes.slice(0, -1) : changes) await writer.write(change);
  await writer.write(isFit ? { ...last, generations, copies } : { kind: "generation", generations, copies });
}

/** The commit says who was removed, and what was taken from whom. */
function messageFor(request: RotationRequest, { keyNames }: Planned): string {
  const { remove = [], drop = [], takeKeys = [], keyNames: narrowed } = request;
  const gone = [...(narrowed === undefined ? remove : []), ...drop].map(nameOfMember);
  const kept = (narrowed === undefined ? [] : remove).map(nameOfMember);
  const keys = keysText(keyNames);
  const taken = takeKeys.map(({ member, keys: ids }) => `${printable(nameOfMember(member))}: ${ids.join(", ")}`);
  const taking = `Take the ${keysText(narrowed ?? [])} from ${someOf(kept)}`;
  const subject =
    gone.length > 0
      ? `Remove ${someOf(gone)}`
      : kept.length > 0
        ? taking
        : taken.length > 0
          ? `Take out keys of ${someOf(takeKeys.map(({ member }) => nameOfMember(member)))}`
          : `Replace the ${keys}`;
  const body = [
    ...(keyNames.length > 0 && subject !== `Replace the ${keys}`
      ? [`The ${keys} ${keyNames.length === 1 ? "is" : "are"} replaced.`]
      : []),
    ...(kept.length > 0 && subject !== taking ? [`${taking}.`] : []),
    ...(gone.length > 3 ? [`Removed: ${gone.map((name) => printable(name)).join(", ")}`] : []),
    ...taken,
  ];
  return [subject, ...(body.length === 0 ? [] : ["", ...body]), ""].join("\n");
}

/**
 * Finishes a rotation that was interrupted.
 *
 * @throws what `continueRotation` does
 */
export async function resumeRotation(repository: Repository, commands: FilterCommands): Promise<RotateResult> {
  const result = continueRotation(repository, commands);
  await openMembers(repository);
  return result;
}
