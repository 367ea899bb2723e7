import type { Directory } from "@git-vault/directory";
import { memberWith, type KeyName, type Member, type MemberKey, type Role } from "@git-vault/members";
import { readCoverage } from "./coverage.ts";
import { accountStates, NOT_ASKED, otherKeysOf, type AccountState, type ForgeState } from "./forge-state.ts";
import { nameOfMember, type Members } from "./membership.ts";
import { readOpenPgpCopies, strangersAmong, type OpenPgpCopy } from "./openpgp-copies.ts";

/** A key of a member, and whether it is still theirs. */
export interface HeldKey extends MemberKey {
  /** `unknown` where nobody was asked, or can be. */
  readonly state: "present" | "removed" | "unknown";
}

/** Somebody who may open keys of the repository. */
export interface Holder {
  readonly name: string;
  readonly role: Role;
  readonly accounts: readonly string[];
  /** The names of the keys that they may open. */
  readonly opens: readonly string[];
  /** When who added them says that it was: `2026-11-25T02:45:17Z`. */
  readonly since: string;
  /** What the member is called who added them; null for who started the log. */
  readonly addedBy: string | null;
  readonly keys: readonly HeldKey[];
  /** Keys that they have on the forge, and that the log does not give them. */
  readonly newKeys: readonly MemberKey[];
  /** Keys that an entry took from them, and that are on their account still. */
  readonly takenKeys: readonly MemberKey[];
  readonly forge: ForgeState["kind"];
  /** What the forge did instead of answering, where `forge` is `unanswered`; else null. */
  readonly problem: string | null;
  /** What the account is called now, where that is another name. */
  readonly renamedTo: string | null;
  /** The names of keys of which no copy is for them. */
  readonly lacks: readonly string[];
}

/** Who may have the keys of a repository. */
export interface HolderList {
  readonly holders: readonly Holder[];
  /** git-crypt's own copies to OpenPGP keys of nobody in the log. */
  readonly strangers: readonly OpenPgpCopy[];
  /** The names of keys, each with its state. */
  readonly keyNames: readonly KeyName[];
  /** Files among the entries that are none. */
  readonly bad: Members["bad"];
  /** How many entries do not count; `reportLog` tells which, and why. */
  readonly notCounting: number;
}

/**
 * Tells who may have the keys of a repository, as the log of the branch says, and what became of
 * their accounts.
 *
 * @param directory asks the forges; null to ask nobody
 * @throws GitCryptError GIT_FAILED; DirectoryError where a forge cannot be asked now
 */
export async function listHolders(members: Members, directory: Directory | null): Promise<HolderList> {
  const { branch, branchLog, repository, whole, bad } = members;
  const states = directory === null ? null : await accountStates(branch.members, directory);
  const lacking = readCoverage(repository, branchLog, branch).uncovered;
  const holders = branch.members.map((member) => {
    const lacks = lacking.filter((one) => one.member === member).map(({ keyName }) => keyName);
    return describe(member, members, states?.get(member) ?? NOT_ASKED, lacks);
  });
  return {
    holders: holders.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    strangers: strangersAmong(readOpenPgpCopies(repository), branch),
    keyNames: branch.keyNames,
    bad,
    notCounting: [...whole.verdicts.values()].filter(({ counts }) => !counts).length,
  };
}

function describe(member: Member, members: Members, account: AccountState, lacks: readonly string[]): Holder {
  const { forge } = account;
  const { log, branch, root } = members;
  const { fresh, taken } = otherKeysOf(member, account, members);
  const { records, accounts, keys, role, opens } = member;
  const entry = log.entries.get(records[0]);
  const isStarter = entry === undefined || records.includes(root ?? "");
  const adder = isStarter ? null : memberWith(branch, entry.author);
  const name = nameOfMember(member);
  return {
    name,
    role,
    accounts,
    opens,
    since: entry?.time ?? "",
    addedBy: isStarter ? null : adder === null ? entry.author : nameOfMember(adder),
    keys: keys.map((key) => Object.assign({ state: KEY_STATES.get(account.has(key)) ?? "unknown" }, key)),
    newKeys: fresh,
    takenKeys: taken,
    forge: forge.kind,
    problem: forge.kind === "unanswered" ? forge.problem : null,
    renamedTo: renamed(forge, name),
    lacks,
  };
}

const KEY_STATES: ReadonlyMap<boolean | null, HeldKey["state"]> = new Map([
  [true, "present"],
  [false, "removed"],
]);

function renamed(forge: ForgeState, name: string): string | null {
  if (forge.kind === "other-account") return forge.renamedTo;
  return forge.kind !== "found" || forge.name.toLowerCase() === name.toLowerCase() ? null : forge.name;
}
