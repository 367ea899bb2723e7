import { isVaultError, printable } from "@git-vault/core";
import { forgeUserOf, GITHUB, type Directory } from "@git-vault/directory";
import type { Member } from "@git-vault/members";
import { SharingError } from "../errors.ts";
import { subjectOf } from "./coverage.ts";
import { nameOfMember, type Members } from "./membership.ts";
import { isSameName } from "./people.ts";

/*
 * Whom a name means that somebody typed. What a member is called is what an admin wrote, or the
 * member: anyone who chooses it must neither hide behind it nor pass for somebody else.
 */

/**
 * The member that is meant by an account by number, the id of a key, or a name. A name means
 * everybody who is called so, who was called so before, and, where the forge answers, who has the
 * account of that login. Where these are several, or the login belongs to another account than the
 * member has who is called so, none is meant.
 *
 * @param directory asks the forge for the account of a login; null to ask nobody
 * @throws SharingError `NO_SUCH_MEMBER`, `AMBIGUOUS_MEMBER`
 */
export async function memberNamed(members: Members, name: string, directory: Directory | null): Promise<Member> {
  const all = members.branch.members;
  const exact = all.find((member) => hasIdentifier(member, name));
  if (exact !== undefined) return exact;
  const account = await accountOfLogin(name, directory);
  const called = all.filter(({ label }) => isSameName(label, name));
  const owners = all.filter(({ accounts }) => account !== null && accounts.includes(account));
  const before = owners.length > 0 ? [] : all.filter((member) => formerNames(member, members).has(name.toLowerCase()));
  const found = [...new Set([...owners, ...called, ...before])];
  const [only, ...others] = found;
  if (only === undefined) throw noSuchMember(name, all);
  const isForeign = account !== null && owners.length === 0;
  if (others.length === 0 && !isForeign) return only;
  const hint = `say which one you mean: ${found.map(identify).join(", ")}`;
  const message =
    others.length > 0
      ? `${printable(name)} may mean ${found.length} members`
      : `${printable(name)} is another account on GitHub than that of the member who is called so`;
  throw new SharingError("AMBIGUOUS_MEMBER", message, { subject: name, hint });
}

const hasIdentifier = ({ accounts, keys }: Member, name: string): boolean =>
  accounts.includes(name.toLowerCase()) || keys.some(({ id }) => id === name || id === name.replace(/^gpg:/, ""));

/** A forge that does not answer keeps nobody from being named by what the log says. */
async function accountOfLogin(name: string, directory: Directory | null): Promise<string | null> {
  const { forge, user: login = "" } = forgeUserOf(name) ?? {};
  if (directory === null || forge !== GITHUB) return null;
  try {
    return (await directory.gitHubAccount({ login }))?.account ?? null;
  } catch (error) {
    if (isVaultError(error)) return null;
    throw error;
  }
}

/** All that a member was ever called by entries that count, in lower case. */
function formerNames({ records }: Member, { log, whole }: Members): Set<string> {
  const names = new Set<string>();
  for (const entry of log.entries.values()) {
    if (!("label" in entry.action) || entry.action.label === null) continue;
    if (!records.includes(subjectOf(entry) ?? "") || whole.verdicts.get(entry.id)?.counts !== true) continue;
    names.add(entry.action.label.toLowerCase());
  }
  return names;
}

/** A member by name, and by what nobody else has. */
const identify = (member: Member): string =>
  `${member.accounts[0] ?? member.keys[0]?.id ?? ""} (called ${printable(nameOfMember(member))})`;

function noSuchMember(name: string, all: readonly Member[]): SharingError {
  const names = all.map((member) => printable(nameOfMember(member))).toSorted();
  const alike = names.filter((one) => bareName(one) === bareName(printable(name)));
  const known = names.length === 0 ? "there is no member" : `the members are ${names.slice(0, 20).join(", ")}`;
  return new SharingError("NO_SUCH_MEMBER", `${printable(name)} is no member`, {
    hint: alike.length === 0 ? known : `did you mean ${alike.slice(0, 5).join(" or ")}?`,
  });
}

/** `carol` of `file:carol` and `github:Carol`: a bare word means a GitHub user. */
const bareName = (name: string): string => name.slice(name.indexOf(":") + 1).toLowerCase();
