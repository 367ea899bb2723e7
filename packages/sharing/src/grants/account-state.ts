import {
  DirectoryError,
  forgeUserOf,
  GITHUB,
  type Directory,
  type DirectoryEntry,
  type KeyKind,
  type RecipientKey,
} from "@git-vault/directory";

/**
 * What became of a holder:
 * - `not-asked`: nobody could be asked, as for the key of a file or of a CI system
 * - `found`: the account is there, with these keys; `name` is another than before where it was
 *   renamed
 * - `gone`: there is no such account any more
 * - `other-account`: another account has the name now; `renamedTo` is the name of the one that was
 *   meant, null where that is gone
 */
export type ForgeState =
  | { readonly kind: "not-asked" }
  | {
      readonly kind: "found";
      readonly name: string;
      readonly account: string | null;
      readonly keys: readonly RecipientKey[];
      /** As the directory gave it; null for an account that has no keys. */
      readonly entry: DirectoryEntry | null;
    }
  | { readonly kind: "gone" }
  | { readonly kind: "other-account"; readonly renamedTo: string | null };

/** Who is asked about: a holder's name and account. */
export interface Asked {
  readonly holder: string;
  readonly account: string | null;
}

const AT_ONCE = 4;

/**
 * Asks the forges what became of holders.
 *
 * @param kind which of their keys
 * @returns by the holder's name
 * @throws DirectoryError where one of them cannot be asked now: `RATE_LIMITED`, `NETWORK`,
 * `BAD_ANSWER`, …
 */
export async function forgeStates(
  asked: readonly Asked[],
  directory: Directory,
  kind: KeyKind = "ssh",
): Promise<Map<string, ForgeState>> {
  const states = new Map<string, ForgeState>();
  const waiting = [...new Map(asked.map((one) => [one.holder, one])).values()].toReversed();
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      try {
        states.set(next.holder, await forgeState(next, directory, kind));
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return states;
}

async function forgeState({ holder, account }: Asked, directory: Directory, kind: KeyKind): Promise<ForgeState> {
  const { forge, user: login = "" } = forgeUserOf(holder) ?? {};
  if (forge !== GITHUB) {
    const isAsked = forge !== undefined || holder.startsWith("https://");
    return isAsked ? keysOf(holder, null, directory, kind) : { kind: "not-asked" };
  }
  const found = await directory.gitHubAccount({ login });
  if (found !== null && (account === null || found.account === account)) {
    return keysOf(holder, found.account, directory, kind);
  }
  // Another GitHub server has accounts of its own by the same names.
  if (found !== null && account !== null && hostOf(found.account) !== hostOf(account)) return { kind: "not-asked" };
  const renamed = account === null ? null : await directory.gitHubAccount({ account });
  if (found !== null) {
    return { kind: "other-account", renamedTo: renamed === null ? null : `github:${renamed.login}` };
  }
  return renamed === null ? { kind: "gone" } : keysOf(`github:${renamed.login}`, renamed.account, directory, kind);
}

const hostOf = (account: string): string => account.slice(0, account.lastIndexOf("/"));

async function keysOf(name: string, account: string | null, directory: Directory, kind: KeyKind): Promise<ForgeState> {
  try {
    const [entry] = await directory.resolve(name, kind);
    return { kind: "found", name, account, keys: entry?.keys ?? [], entry: entry ?? null };
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    if (error.code === "NO_KEYS") return { kind: "found", name, account, keys: [], entry: null };
    if (error.code === "NOT_FOUND") return { kind: "gone" };
    throw error;
  }
}
