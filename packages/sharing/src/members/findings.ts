import { plural, printable, type Finding } from "@git-vault/core";
import { foreignAttributes, hasOwnFiles } from "@git-vault/git-crypt";
import { readCoverage } from "./coverage.ts";
import { missedEntries } from "./cut.ts";
import { branchName, readElsewhere, unreadText, type Waiting } from "./elsewhere.ts";
import { nameOfMember, rootText, type Members } from "./membership.ts";
import { readOpenPgpCopies, strangersAmong } from "./openpgp-copies.ts";

/**
 * What is wrong with the log, or with who has the keys:
 * - `log-not-here`: a partial clone lacks files of it, so that nobody can tell
 * - `other-log`: the branch's log is another than the one that was accepted here
 * - `new-log`: nobody accepted it here, where there is a key to encrypt with
 * - `removal-elsewhere`: who was removed on another branch can read what is written on this one
 * - `rotation-elsewhere`: another branch has a new key
 * - `unread-branches`: other branches hold more of the log than was read, or than this clone has
 * - `log-cut`: the branch lacks entries that it had, and does not say so by others
 * - `missing-entries`: entries that others build on are nowhere
 * - `stale-key`: somebody can open a key who should not
 * - `two-keys`: two branches replaced a key, and both are there
 * - `no-copy`: no copy of a key is for a member
 * - `strange-copy`: what lies among the copies of keys is none that an admin made, or was changed
 * - `stranger`: an OpenPGP copy is for nobody in the log
 * - `dispute`: members took from each other at once
 * - `unknown-order`: they did, and this shallow clone does not know who was first
 * - `own-attributes`: a `.gitattributes` in the own folder is none of this program's
 * - `bad-entry`: a file among the entries is none
 */
export type MembersFindingId =
  | "log-not-here"
  | "other-log"
  | "new-log"
  | "removal-elsewhere"
  | "rotation-elsewhere"
  | "unread-branches"
  | "log-cut"
  | "missing-entries"
  | "stale-key"
  | "two-keys"
  | "no-copy"
  | "strange-copy"
  | "stranger"
  | "dispute"
  | "unknown-order"
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
  if (!hasOwnFiles(repository)) {
    const message = "files of the members log are not in this clone, which is a partial one";
    return [found("log-not-here", message, ".git-vault/members")];
  }
  if (rootState === "none") return [];
  if (rootState === "other") {
    const message = `the members log of this branch is another than the one that was accepted, ${rootText(root ?? "")}`;
    return [found("other-log", message, ".git-vault/members")];
  }
  if (rootState === "new") {
    // A locked clone encrypts nothing: whoever unlocks it is asked.
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
    ...waiting.map(findWaiting),
    ...findUnread(unread),
    ...(cut.length === 0 ? [] : [found("log-cut", cutText(cut.length, removals.length), ".git-vault/members")]),
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
    ...strangersAmong(readOpenPgpCopies(repository), branch).map(({ path, fingerprint }) =>
      found(
        "stranger",
        `${printable(path)} is for the OpenPGP key ${fingerprint}, which belongs to no member`,
        printable(path),
      ),
    ),
    ...openDisputes.map(({ stands, fails }) =>
      found(
        "unknown-order",
        `this shallow clone lacks the history that says which came first: ${stands.slice(0, 16)} or ${fails.slice(0, 16)}`,
        stands,
      ),
    ),
    ...disputes.map(({ stands, fails }) =>
      found(
        "dispute",
        `members removed each other at once: ${stands.slice(0, 16)} counts, ${fails.slice(0, 16)} does not`,
        stands,
      ),
    ),
    ...foreignAttributes(repository).map((path) =>
      found(
        "own-attributes",
        `${printable(path)} changes how git treats the files of .git-vault in clones that have not unlocked yet`,
        printable(path),
      ),
    ),
    ...bad.map(({ name, problem }) =>
      found(
        "bad-entry",
        `${printable(name)} is not a valid entry of the members log: ${printable(problem)}`,
        printable(name),
      ),
    ),
  ];
}

const found = (id: MembersFindingId, message: string, subject: string): MembersFinding => ({
  id,
  severity: "error",
  message,
  subject,
});

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

function findWaiting({ reference, removed, keyNames, by }: Waiting): MembersFinding {
  const where = printable(branchName(reference));
  const names = removed.map((name) => printable(name)).join(", ");
  if (removed.length > 0) {
    const message = `${names} was removed on ${where} by ${printable(by)}, and can read what is written here until that is merged`;
    return found("removal-elsewhere", message, where);
  }
  const keys = keyNames.length === 1 ? `the key ${keyNames[0]}` : `the keys ${keyNames.join(", ")}`;
  return found(
    "rotation-elsewhere",
    `${keys} was replaced on ${where} by ${printable(by)}, which is not merged here`,
    where,
  );
}

const cutText = (entries: number, removals: number): string =>
  `the branch lacks ${plural(entries, "entry", "entries")} of the members log that it had${removals === 0 ? "" : `, ${plural(removals, "removal")} among them`}`;
