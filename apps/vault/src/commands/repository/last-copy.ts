/*
 * A key must never be in one clone alone without a word.
 */
import type { Repository } from "@git-vault/git-crypt";
import { identityOfEnvironment, type ReceiveOptions } from "@git-vault/sharing";
import { copyStates, openMembers, type CopyState } from "@git-vault/sharing/members";
import { CliError } from "../../errors.ts";
import { homeFolder } from "../../io/input.ts";
import { say } from "../../io/streams.ts";

/** The private keys that unlocking would try, of which none is unlocked. */
export function lockedPrivateKeys(): ReceiveOptions {
  const common = {
    home: homeFolder(),
    gpg: { ask: false },
    passphrase: () => Promise.reject(new Error("nothing is opened")),
  };
  try {
    return { ...common, ...identityOfEnvironment(process.env) };
  } catch {
    return common; // What is no key opens nothing.
  }
}

const statesOf = async (repository: Repository, keyNames: readonly string[]): Promise<Map<string, CopyState>> =>
  copyStates(await openMembers(repository), keyNames, lockedPrivateKeys());

const namesIn = (states: ReadonlyMap<string, CopyState>, state: CopyState): string[] =>
  [...states].flatMap(([name, its]) => (its === state ? name : []));

const KEEP =
  "keep a copy with `vault export-key -o FILE`, or let `vault init` seal it to your SSH key and commit .git-vault";

/**
 * Stops where keys would be removed of which no copy is known.
 *
 * @throws CliError `LAST_COPY`; what `openMembers` and `copyStates` do
 */
export async function requireCopies(repository: Repository, keyNames: readonly string[]): Promise<void> {
  const states = await statesOf(repository, keyNames);
  const [alone, staged] = [namesIn(states, "alone"), namesIn(states, "staged")];
  if (alone.length > 0)
    throw new CliError("LAST_COPY", `no copy of the key ${alone.join(", ")} is known but the one in this clone`, {
      hint: `${KEEP}; where you have one, say --without-copy`,
    });
  if (staged.length > 0)
    throw new CliError("LAST_COPY", `the copy of the key ${staged.join(", ")} for you is in no commit yet`, {
      hint: "commit .git-vault first; where you have another copy, say --without-copy",
    });
}

/** Says of new keys, which are here, where no copy of them is for who made them. */
export async function warnOfLoneKeys(repository: Repository, keyNames: readonly string[]): Promise<void> {
  const alone = namesIn(await statesOf(repository, keyNames), "alone");
  if (alone.length > 0) say(`vault: warning: the key ${alone.join(", ")} is in this clone alone: ${KEEP}`);
}
