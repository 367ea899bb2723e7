import { plural, printable, type Finding, push } from "@git-vault/core";
import { foreignAttributes, hasOwnFiles } from "@git-vault/git-crypt";
import type { Entry, Member, Membership } from "@git-vault/members";
import { readCoverage } from "./coverage.ts";
import { missedEntries } from "./cut.ts";
import { disputeText, LACKING_TEXT, orderText } from "./disputes.ts";
import { branchName, readElsewhere, unreadText, type Waiting } from "./elsewhere.ts";
import { nameOfMember, otherRoots, rootText, type Members } from "./membership.ts";
import { readOpenPgpCopies, strangersAmong } from "./openpgp-copies.ts";
import { removalText, takenOffHere } from "./taken-off.ts";
import type { ReceiveOptions } from "../identities/local-identities.ts";

/**
 * What is wrong with the log, or with who has the keys:
 * - `log-not-here`: files of it or of its history are not here, so that nobody can tell
 * - `other-log`: the branch's log is another than the one that was accepted here
 * - `new-log`: nobody accepted it here, where there is a key to encrypt with
 * - `several-logs`: another log begins among the entries
 * - `removal-elsewhere`: who was removed on another branch can read what is written on this one
 * - `rotation-elsewhere`: another branch has a new key
 * - `unread-branches`: other branches hold more of the log than was read, or than this clone has
 * - `memory-full`: the clone remembers less of the log than it saw
 * - `log-cut`: the branch lacks entries that it had, and does not say so by others
 * - `missing-entries`: entries that others build on are nowhere
 * - `stale-key`: somebody can open a key who should not
 * - `taken-off`: a key that is in this clone was replaced, and taken from whose clone this is
 * - `two-keys`: two branches replaced a key, and both are there
 * - `no-copy`: no copy of a key is for a member
 * - `strange-copy`: what lies among the copies of keys is none that an admin made, or was changed
 * - `stranger`: an OpenPGP copy is for nobody in the log
 * - `same-name`: several members are called the same
 * - `dispute`: members took from each other at once
 * - `unknown-order`: they did, and this shallow clone does not know who was first
 * - `open-dispute`: they did, and nothing proves who was first
 * - `own-attributes`: a `.gitattributes` in the own folder is none of this program's
 * - `bad-entry`: a file among the entries is none
 */
export type MembersFindingId =
  | "log-not-here"
  | "other-log"
  | "new-log"
  | "several-logs"
  | "removal-elsewhere"
  | "rotation-elsewhere"
  | "unread-branches"
  | "memory-full"
  | "log-cut"
  | "missing-entries"
  | "stale-key"
  | "taken-off"
  | "two-keys"
  | "no-copy"
  | "strange-copy"
  | "stranger"
  | "same-name"
  | "dispute"
  | "unknown-order"
  | "open-dispute"
  | "own-attributes"
  | "bad-entry";

/** Something that is wrong with the log, or with who has the keys. */
export interface MembersFinding extends Finding {
  readonly id: MembersFindingId;
  /** What it is about: the name of a key, of a member or of a reference, or a path. */
  readonly subject: string;
}

/**
 * Tells what is wrong with the members log, and what it means for the keys.
 *
 * @throws GitCryptError GIT_FAILED
 */
export async function memberFindings(members: Members): Promise<MembersFinding[]> {
  const { rootState, root, whole, branch, branchLog, bad, repository } = members;
  if (!members.isWhole || !hasOwnFiles(repository)) return [found("log-not-here", LACKING_TEXT, ".git-vault/members")];
  if (rootState === "none") return [];
  if (rootState === "other") {
    const message = `the members log of this branch is another than the one that was accepted, ${rootText(root ?? "")}`;
    return [found("other-log", message, ".git-vault/members")];
  }
  if (rootState === "new") {
    // A locked clone encrypts nothing: the one who unlocks it is asked.
    const message = "the members log is not confirmed in this clone yet, so nothing is encrypted";
    return repository.keyNames().length === 0 ? [] : [found("new-log", message, ".git-vault/members")];
  }
  const { waiting, unread } = await readElsewhere(members);
  const cut = missedEntries(members);
  const { openDisputes } = members;
  const open = new Set(openDisputes.map(({ fails }) => fails));
  const disputes = whole.disputes.filter(({ fails }) => !open.has(fails));
  const removals = cut.filter(({ action }) => action.kind === "remove" || action.kind === "take");
  const { uncovered, strange } = readCoverage(repository, branchLog, branch);
  return [
    ...firstOf(
      otherRoots(members).map((id) =>
        found("several-logs", `another members log begins among the entries: ${rootText(id)}`, id),
      ),
    ),
    ...waiting.map((one) => findWaiting(one, branch)),
    ...findUnread(unread),
    ...(members.isMemoryFull ? [found("memory-full", MEMORY_FULL_TEXT, ".git-vault/members")] : []),
    ...(cut.length === 0 ? [] : [found("log-cut", cutText(cut, removals.length), ".git-vault/members")]),
    ...whole.missing.map((id) => found("missing-entries", `the entry ${id} of the members log is missing`, id)),
    ...branch.keyNames.flatMap(({ name, state }) => {
      if (state === "stale")
        return [found("stale-key", `the key ${name} can be opened by somebody who is no member`, name)];
      return state === "two-heads" ? [found("two-keys", `the key ${name} was replaced on two branches`, name)] : [];
    }),
    ...findStrange(strange),
    ...uncovered.map(({ member, keyName }) => {
      const name = printable(nameOfMember(member));
      return found("no-copy", `${name} may open the key ${keyName}, and no copy of it is for them`, name);
    }),
    ...firstOf(
      strangersAmong(readOpenPgpCopies(repository), branch).map(({ path, fingerprint }) =>
        found(
          "stranger",
          `${printable(path)} is for the OpenPGP key ${fingerprint}, which belongs to no member`,
          printable(path),
        ),
      ),
    ),
    ...openDisputes.map((dispute) =>
      found(dispute.needsHistory ? "unknown-order" : "open-dispute", orderText(members, dispute), dispute.stands),
    ),
    ...disputes.map((dispute) =>
      found(
        "dispute",
        `members removed each other at once, and the first of these counts: ${disputeText(members, dispute)}`,
        dispute.stands,
      ),
    ),
    ...findSameNames(branch),
    ...foreignAttributes(repository).map((path) =>
      found(
        "own-attributes",
        `${printable(path)} changes how git treats the files of .git-vault in clones that have not unlocked yet`,
        printable(path),
      ),
    ),
    ...firstOf(
      bad.map(({ name, problem }) =>
        found(
          "bad-entry",
          whole.verdicts.get(name)?.counts === true
            ? `${printable(name)} was damaged, and counts as the history of the members log has it: ${printable(problem)}`
            : `${printable(name)} is not a valid entry of the members log: ${printable(problem)}`,
          printable(name),
        ),
      ),
    ),
  ];
}

/**
 * Tells of keys that lie here and were taken from whose private keys these are.
 *
 * @throws what `takenOffHere` does
 */
export const takenOffFindings = async (members: Members, options: ReceiveOptions): Promise<MembersFinding[]> =>
  (await takenOffHere(members, options)).map((one) =>
    found("taken-off", `the key ${one.keyName} was replaced, and is not for you: ${removalText(one)}`, one.keyName),
  );

const MEMORY_FULL_TEXT =
  "the members log is larger than what a clone remembers: this one would not notice if some of it were taken off the branch";

/** So many files that count for nothing are named each. */
const MOST_NAMED = 20;

/** Anybody who may push can write very many files: they hide no other finding. */
function firstOf(findings: readonly MembersFinding[]): MembersFinding[] {
  const [first] = findings;
  const more = findings.length - MOST_NAMED;
  if (first === undefined || more <= 0) return [...findings];
  return [...findings.slice(0, MOST_NAMED), found(first.id, `${plural(more, "more file")} like these`, first.subject)];
}

const found = (id: MembersFindingId, message: string, subject: string): MembersFinding => ({
  id,
  severity: "error",
  message,
  subject,
});

/** An admin may call any member as another one is called. */
function findSameNames({ members }: Membership): MembersFinding[] {
  const called = new Map<string, Member[]>();
  for (const member of members) push(called, nameOfMember(member).toLowerCase(), member);
  return [...called.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined || all.length === 1) return [];
    const name = printable(nameOfMember(first));
    const ids = all.slice(0, MOST_NAMED).map(({ accounts, keys }) => accounts[0] ?? keys[0]?.id ?? "");
    return [found("same-name", `${all.length} members are called ${name}: ${ids.join(", ")}`, name)];
  });
}

/** One for all of them: anybody can write very many. */
function findStrange([first, ...more]: readonly string[]): MembersFinding[] {
  if (first === undefined) return [];
  const others = more.length === 0 ? "" : `, and ${plural(more.length, "other")}`;
  const text = `${printable(first, { longest: 300 })}${others}: not as an admin sealed it, and opened by nobody`;
  return [found("strange-copy", text, printable(first))];
}

/** One for all of them: anybody who may push can make very many. */
const findUnread = (unread: readonly string[]): MembersFinding[] =>
  unread.slice(0, 1).map((first) => found("unread-branches", unreadText(unread), printable(branchName(first))));

function findWaiting({ reference, removed, keyNames, by }: Waiting, branch: Membership): MembersFinding {
  const where = printable(branchName(reference));
  const names = removed.map((name) => printable(name)).join(", ");
  if (removed.length > 0) {
    const message = `${names} was removed on ${where} by ${printable(by)}, and can read what is written here until that is merged`;
    return found("removal-elsewhere", message, where);
  }
  const isNew = keyNames.every((keyName) => !branch.keyNames.some(({ name }) => name === keyName));
  const keys = keyNames.length === 1 ? `the key ${keyNames[0]}` : `the keys ${keyNames.join(", ")}`;
  return found(
    "rotation-elsewhere",
    `${keys} ${keyNames.length === 1 ? "was" : "were"} ${isNew ? "made" : "replaced"} on ${where} by ${printable(by)}, which is not merged here`,
    where,
  );
}

function cutText(cut: readonly Entry[], removals: number): string {
  // A removal that is said again makes a new key by itself.
  const made = cut.flatMap(({ action }) => (action.kind === "generation" ? action.generations : []));
  const names = [...new Set(made.map(({ keyName }) => keyName))];
  const among = [
    ...(removals === 0 ? [] : [plural(removals, "removal")]),
    ...(names.length === 0 ? [] : [`the newer key ${names.join(", ")}`]),
  ];
  const which = among.length === 0 ? "" : `, ${among.join(" and ")} among them`;
  return `the branch lacks ${plural(cut.length, "entry", "entries")} of the members log that it had${which}`;
}
