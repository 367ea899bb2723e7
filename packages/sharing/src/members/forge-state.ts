import {
  DirectoryError,
  forgeUserOf,
  GITHUB,
  type Directory,
  type KeyKind,
  type RecipientKey,
} from "@git-vault/directory";
import { memberWith, type Member, type MemberKey } from "@git-vault/members";
import { nameOfMember, type Members } from "./membership.ts";
import { memberKeysOf } from "./people.ts";

/**
 * What became of a member's account:
 * - `not-asked`: nobody can be asked, as for the key of a file or of a CI system
 * - `found`: the account is there, with these keys; `name` is another than before where it was
 *   renamed
 * - `unanswered`: the forge answered for others, and for this account not as it should
 * - `gone`: there is no such account any more
 * - `other-account`: another account has the name now; `renamedTo` is the name of the one that was
 *   meant, null where that is gone
 */
export type ForgeState =
  | { readonly kind: "not-asked" }
  | {
      readonly kind: "found";
      readonly name: string;
      readonly keys: readonly RecipientKey[];
    }
  | { readonly kind: "unanswered"; readonly problem: string }
  | { readonly kind: "gone" }
  | { readonly kind: "other-account"; readonly renamedTo: string | null };

const AT_ONCE = 4;

/** What became of a member's account, and of the keys that the log gives them. */
export interface AccountState {
  readonly forge: ForgeState;
  /** Whether a key is on the account; null where nobody can tell. */
  readonly has: (key: MemberKey) => boolean | null;
}

/** A member whom nobody can be asked about. */
export const NOT_ASKED: AccountState = { forge: { kind: "not-asked" }, has: () => null };

/**
 * Asks the forges what became of members, and of their keys of either kind.
 *
 * @throws DirectoryError where nobody can be asked about now: `RATE_LIMITED`, `NETWORK`,
 * `BAD_ANSWER`, …
 */
export async function accountStates(
  members: readonly Member[],
  directory: Directory,
): Promise<ReadonlyMap<Member, AccountState>> {
  const ssh = await forgeStates(members, directory, "ssh");
  const having = members.filter(({ keys }) => keys.some(({ type }) => type === "openpgp"));
  const openPgp = await forgeStates(having, directory, "openpgp");
  const stateFor = (member: Member, { type }: MemberKey): ForgeState | undefined => {
    if (type === "openpgp") return openPgp.get(member);
    return /^(?:ssh|ecdsa|sk)-/.test(type) ? ssh.get(member) : undefined;
  };
  return new Map(
    members.map((member) => {
      const has = (key: MemberKey): boolean | null => {
        const state = stateFor(member, key);
        return state?.kind === "found" ? state.keys.some(({ fingerprint }) => fingerprint === key.id) : null;
      };
      const forge = ssh.get(member) ?? NOT_ASKED.forge;
      const other = openPgp.get(member) ?? forge;
      return [member, { forge: other.kind === "unanswered" ? other : forge, has }];
    }),
  );
}

/** Keys that a member has on the forge, and that the log does not give them. */
export interface OtherKeys {
  /** Those that may be given. */
  readonly fresh: readonly MemberKey[];
  /** Those that an entry took, such as stolen ones: they do not come back by being there still. */
  readonly taken: readonly MemberKey[];
}

/**
 * The keys that a member has on the forge and not in the log. Who was let in with OpenPGP keys
 * alone is not let in with others unasked, nor with a key that is another member's: anyone can put
 * somebody's public key on their own account.
 */
export function otherKeysOf({ keys }: Member, { forge }: AccountState, { branch, whole }: Members): OtherKeys {
  if (forge.kind !== "found" || keys.every(({ type }) => type === "openpgp")) return { fresh: [], taken: [] };
  const held = new Set(keys.map(({ id }) => id));
  const removed = new Set([...branch.removed, ...whole.removed].map(({ identifier }) => identifier));
  const usable = memberKeysOf(forge.keys.filter(({ unusable }) => unusable === null));
  const others = usable.filter(({ id }) => !held.has(id) && memberWith(branch, id) === null);
  return {
    fresh: others.filter(({ id }) => !removed.has(id)),
    taken: others.filter(({ id }) => removed.has(id)),
  };
}

/** After so many failures without any answer the forge is taken for down. */
const MOST_FAILURES = 8;

/** What no other account is answered after, either. */
const OF_ALL: ReadonlySet<string> = new Set(["RATE_LIMITED", "AUTHENTICATION_REQUIRED", "INVALID_SETTING"]);

/** What is odd at one account is its own matter: a forge that answers for nobody is an error. */
async function forgeStates(
  members: readonly Member[],
  directory: Directory,
  kind: KeyKind,
): Promise<Map<Member, ForgeState>> {
  const states = new Map<Member, ForgeState>();
  const failures: DirectoryError[] = [];
  let answers = 0;
  const waiting = members.toReversed();
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      try {
        const state = await forgeState(next, directory, kind);
        if (state.kind !== "not-asked") answers += 1;
        states.set(next, state);
      } catch (error) {
        const isOwn = error instanceof DirectoryError && !OF_ALL.has(error.code);
        if (isOwn) failures.push(error);
        if (isOwn && (answers > 0 || failures.length < MOST_FAILURES)) {
          states.set(next, { kind: "unanswered", problem: error.message });
          continue;
        }
        waiting.length = 0;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const [failure] = failures;
  if (failure !== undefined && answers === 0) throw failure;
  return states;
}

async function forgeState(member: Member, directory: Directory, kind: KeyKind): Promise<ForgeState> {
  const name = nameOfMember(member);
  const { forge, user: login = "" } = forgeUserOf(name) ?? {};
  const [account] = member.accounts;
  if (account === undefined) {
    // A member's name is data that somebody wrote: it is never an address to connect to, and on
    // GitHub nothing without the account's number.
    return forge === undefined || forge === GITHUB ? { kind: "not-asked" } : keysOf(name, directory, kind);
  }
  const now = await directory.gitHubAccount({ account });
  if (now?.login === login || (now !== null && forge !== GITHUB)) return keysOf(`github:${now.login}`, directory, kind);
  const other = forge === GITHUB ? await directory.gitHubAccount({ login }) : null;
  if (now === null) {
    // Another GitHub server has accounts of its own by the same names.
    if (forge !== GITHUB || (other !== null && hostOf(other.account) !== hostOf(account))) return { kind: "not-asked" };
    return other === null ? { kind: "gone" } : { kind: "other-account", renamedTo: null };
  }
  const renamedTo = `github:${now.login}`;
  return other === null ? keysOf(renamedTo, directory, kind) : { kind: "other-account", renamedTo };
}

const hostOf = (account: string): string => account.slice(0, account.lastIndexOf("/"));

async function keysOf(name: string, directory: Directory, kind: KeyKind): Promise<ForgeState> {
  try {
    const [entry] = await directory.resolve(name, kind);
    return { kind: "found", name, keys: entry?.keys ?? [] };
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    if (error.code === "NO_KEYS") return { kind: "found", name, keys: [] };
    if (error.code === "NOT_FOUND") return { kind: "gone" };
    throw error;
  }
}
