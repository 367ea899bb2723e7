import type { Directory } from "@git-vault/directory";
import { commitFiles, wipeKeyFile } from "@git-vault/git-crypt";
import type { Identifier, Member, MemberKey, SealedCopy } from "@git-vault/members";
import type { GpgOptions } from "../identities/gpg.ts";
import type { PluginDialog } from "../identities/plugin-process.ts";
import type { Pins } from "../trust/pins.ts";
import { readCoverage } from "./coverage.ts";
import { accountStates, NOT_ASKED, otherKeysOf, type AccountState } from "./forge-state.ts";
import { requireKey } from "./keys-here.ts";
import { nameOfMember, openMembers, type Members } from "./membership.ts";
import { rememberIfPossible } from "./memory.ts";
import { fitsEntry, someOf } from "./people.ts";
import { openPgpKeysOf } from "./openpgp-keys.ts";
import { planRotation, type ApplyOptions, type Rotated, type RotationPlan } from "./rotation.ts";
import { review, type Review } from "./review.ts";
import { canSealTo, pluginOf, sealCopies, tryPlugins, type TriedPlugins } from "./seal-copies.ts";
import { isPluginKey } from "./sealed-keys.ts";
import { LogWriter, type Author } from "./writer.ts";

/** A member whose keys on the forge are not those of the log, or who lacks a copy of a key. */
export interface OutOfDate {
  readonly member: Member;
  readonly name: string;
  /** Keys that they have on the forge now. */
  readonly added: readonly MemberKey[];
  /** Keys that left their account: anyone who has them can open what is committed. */
  readonly removed: readonly Identifier[];
  /** What the account is called now, where that is another name. */
  readonly renamedTo: string | null;
  /** The names of keys of which no copy is for them. */
  readonly lacks: readonly string[];
}

/** A member that nothing can be done about, and why. */
export interface Unclear {
  readonly name: string;
  readonly reason:
    | "account-gone"
    | "account-taken"
    | "no-keys-left"
    | "no-public-key"
    | "plugin-not-named"
    | "plugin-failed"
    | "unanswered"
    | "too-many-keys";
  /** What the forge did instead of answering, the plugin's name, or what it
   * failed with; else null. */
  readonly problem: string | null;
}

/** What is to be done so that the log and the copies fit the members' accounts. */
export interface SyncPlan {
  readonly outOfDate: readonly OutOfDate[];
  readonly unclear: readonly Unclear[];
  /** What lies among the copies and is none, and is to be removed: by paths from the top folder. */
  readonly strangeCopies: readonly string[];
  /** The names of keys that must be replaced anyway: see `KeyState`. */
  readonly unsettled: readonly { readonly keyName: string; readonly state: "stale" | "two-heads" }[];
}

/** What is compared. */
export interface SyncRequest {
  readonly members: Members;
  readonly directory: Directory;
  readonly gpg?: GpgOptions | undefined;
  /** The age plugins that the user named; no other is run. */
  readonly plugins?: PluginDialog | undefined;
}

/**
 * Compares the log with the members' accounts. Nothing is written.
 *
 * @throws DirectoryError where a forge answers for nobody now
 */
export async function planSync({ members, directory, gpg, plugins }: SyncRequest): Promise<SyncPlan> {
  const { branch, branchLog, repository } = members;
  const states = await accountStates(branch.members, directory);
  const { uncovered: lacking, replaced } = readCoverage(repository, branchLog, branch);
  const openPgp = await openPgpKeysOf(
    lacking.map(({ member }) => member),
    repository,
    { directory, gpg },
  );
  const tried = await tryPlugins(
    lacking.flatMap(({ keys }) => keys),
    plugins,
  );
  const isReached = (key: MemberKey): boolean => canSealTo(key, { openPgp: new Set(openPgp.keys()), plugins: tried });
  const outOfDate: OutOfDate[] = [];
  const unclear: Unclear[] = [];
  for (const member of branch.members) {
    const name = nameOfMember(member);
    const theirs = lacking.filter((one) => one.member === member);
    const lacks = theirs.filter(({ keys }) => keys.some(isReached)).map(({ keyName }) => keyName);
    unclear.push(
      ...unreachable(
        name,
        theirs.flatMap(({ keys }) => keys).filter((key) => !isReached(key)),
        tried,
      ),
    );
    const compared = compare(member, states.get(member) ?? NOT_ASKED, members);
    const { added, removed, renamedTo, reason, problem } = compared;
    if (reason !== null) unclear.push({ name, reason, problem });
    if (added.length + removed.length + lacks.length > 0 || renamedTo !== null) {
      outOfDate.push({ member, name, added, removed, renamedTo, lacks });
    }
  }
  const unsettled = branch.keyNames.flatMap(({ name, state }) =>
    state === "settled" ? [] : [{ keyName: name, state }],
  );
  return { outOfDate, unclear, strangeCopies: replaced, unsettled };
}

/** Why some keys of a member get no copy. */
function unreachable(name: string, keys: readonly MemberKey[], tried: TriedPlugins | undefined): Unclear[] {
  const failures = new Set(keys.flatMap(({ id }) => tried?.failing.get(id)?.message ?? []));
  const unnamed = keys.filter((key) => isPluginKey(key) && tried?.failing.has(key.id) !== true);
  const plugins = new Set(unnamed.map(pluginOf));
  return [
    ...[...failures].map((problem) => ({ name, reason: "plugin-failed" as const, problem })),
    ...(keys.every(isPluginKey) ? [] : [{ name, reason: "no-public-key" as const, problem: null }]),
    ...[...plugins].map((plugin) => ({ name, reason: "plugin-not-named" as const, problem: plugin })),
  ];
}

interface Comparison extends Pick<OutOfDate, "added" | "removed" | "renamedTo"> {
  readonly reason: Unclear["reason"] | null;
  readonly problem: string | null;
}

const SAME: Comparison = { added: [], removed: [], renamedTo: null, reason: null, problem: null };

function compare(member: Member, account: AccountState, members: Members): Comparison {
  const { forge, has } = account;
  if (forge.kind === "not-asked") return SAME;
  if (forge.kind === "unanswered") return { ...SAME, reason: "unanswered", problem: forge.problem };
  if (forge.kind === "gone") return { ...SAME, reason: "account-gone" };
  if (forge.kind === "other-account") return { ...SAME, reason: "account-taken" };
  const removed = member.keys.filter((key) => has(key) === false).map(({ id }) => id);
  const renamedTo = forge.name.toLowerCase() === nameOfMember(member).toLowerCase() ? null : forge.name;
  const { fresh: added } = otherKeysOf(member, account, members);
  if (removed.length === member.keys.length && added.length === 0)
    return { ...SAME, renamedTo, reason: "no-keys-left" };
  if (!fitsEntry(added)) return { ...SAME, renamedTo, reason: "too-many-keys" };
  return { ...SAME, added, removed, renamedTo };
}

/** Who brings the log up to date. */
export interface UpdateRequest extends SyncRequest {
  readonly plan: SyncPlan;
  readonly author: Author;
  readonly pins: Pins;
  /** As in `planRotation`. */
  readonly leavesUnopened?: boolean | undefined;
  readonly now?: Date | undefined;
}

/**
 * What takes keys out, and so needs new keys of the repository; null where nothing does.
 *
 * @throws what `planRotation` does
 */
export async function planSyncRotation(request: UpdateRequest): Promise<RotationPlan | null> {
  const { plan, members, author, pins, directory, leavesUnopened, gpg, plugins, now } = request;
  const leaving = plan.outOfDate.filter(({ removed }) => removed.length > 0);
  if (leaving.length + plan.unsettled.length === 0) return null;
  return planRotation({
    members,
    author,
    pins,
    directory,
    leavesUnopened,
    gpg,
    plugins,
    now,
    keyNames: leaving.length > 0 ? undefined : plan.unsettled.map(({ keyName }) => keyName),
    takeKeys: leaving.map(({ member, removed }) => ({ member, keys: removed })),
    giveKeys: plan.outOfDate.flatMap(({ member, added }) => (added.length === 0 ? [] : [{ member, keys: added }])),
  });
}

/**
 * Looks at those who get copies of keys without a rotation, as at everybody who is to have new
 * keys: an entry that let somebody in may be one that nobody here has seen.
 *
 * @throws SharingError PINS_UNREADABLE
 */
export async function reviewSync({ plan, members, author, pins }: UpdateRequest): Promise<Review> {
  const getting = plan.outOfDate.filter(({ added, lacks }) => added.length + lacks.length > 0);
  const { recipients, unasked } = await review({
    members,
    after: getting.map(({ member }) => member),
    removed: [],
    takenKeys: [],
    keyNames: [...new Set(getting.flatMap(({ member }) => member.opens))].toSorted(),
    given: new Set(getting.flatMap(({ added }) => added.map(({ id }) => id))),
    own: author.publicKey.fingerprint,
    pins,
    // They were asked for the plan.
    directory: null,
  });
  return { recipients: recipients.filter(({ marks }) => marks.length > 0), unasked };
}

/**
 * Brings the log and the copies up to date, in one commit.
 *
 * @param rotation from `planSyncRotation`
 * @returns the commit's name, and what a rotation did
 * @throws SharingError `KEY_NOT_HERE`; what `RotationPlan.apply`, `commitFiles` and signing do
 */
export async function sync(
  request: UpdateRequest,
  rotation: RotationPlan | null,
  options: ApplyOptions & { readonly stageOnly?: boolean },
): Promise<{ readonly commit: string | null; readonly rotated: Rotated | null }> {
  if (rotation !== null) {
    const rotated = await rotation.apply(options);
    return { commit: rotated.commit, rotated };
  }
  const { plan, members, author, now } = request;
  const { repository, branch } = members;
  if (plan.outOfDate.length + plan.strangeCopies.length === 0) return { commit: null, rotated: null };
  const writer = new LogWriter(members, author, now);
  const files = new Map<string, Buffer | null>(plan.strangeCopies.map((path) => [path, null]));
  const openPgp = await openPgpKeysOf(
    plan.outOfDate.map(({ member }) => member),
    repository,
    request,
  );
  const plugins = await tryPlugins(
    plan.outOfDate.flatMap(({ member, added }) => [...member.keys, ...added]),
    request.plugins,
  );
  for (const { member, added, renamedTo, name } of plan.outOfDate) {
    const fields = { keys: added, role: null, opens: [], label: renamedTo ?? name, readmits: [] };
    const copies: SealedCopy[] = [];
    for (const keyName of member.opens) {
      const id = branch.keyNames.find((one) => one.name === keyName)?.current.commitment;
      if (id === undefined || !repository.keyNames().includes(keyName)) continue;
      const { bytes, keyFile } = requireKey(repository, keyName, id);
      const entries = member.keys.flatMap((key) => openPgp.get(key.id) ?? []);
      const to = { keys: [...member.keys, ...added], openPgp: entries, plugins };
      const made = await sealCopies(repository, { keyName, id }, bytes, to);
      for (const [path, content] of made.files) files.set(path, content);
      copies.push(...made.copies);
      bytes.fill(0);
      wipeKeyFile(keyFile);
    }
    await writer.write({ kind: "give", member: member.records[0], ...fields, copies });
  }
  for (const [path, content] of writer.files) files.set(path, content);
  const names = plan.outOfDate.map(({ renamedTo, name }) => renamedTo ?? name);
  const message =
    names.length === 0 ? "Remove copies that nobody sealed" : `Bring the keys of ${someOf(names)} up to date`;
  const commit = commitFiles(repository, files, { message, stageOnly: options.stageOnly ?? false });
  // Anyone who let a key in has looked at it, and at the others of those who have it.
  const met = plan.outOfDate.flatMap(({ member, added }) => [...member.keys, ...added].map(({ id }) => id));
  rememberIfPossible(repository, { met });
  await openMembers(repository);
  return { commit, rotated: null };
}
