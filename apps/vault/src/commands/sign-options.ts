import { printable } from "@git-vault/core";
import { Directory, DirectoryError, userNameOf } from "@git-vault/directory";
import { findSigner, type SignOptions } from "@git-vault/sharing";
import { CliError, usageError } from "../errors.ts";
import type { OpeningOptions } from "../cli/flags.ts";
import { gitConfig } from "../io/git-config.ts";
import { homeFolder } from "../io/input.ts";
import { passphraseSource } from "../io/passphrase.ts";
import { say } from "../io/streams.ts";

/** What --as, --sign-key and the flags for its passphrase say. */
export interface SigningOptions extends OpeningOptions {
  readonly as: string | undefined;
  readonly signKey: string | undefined;
}

/**
 * By whom and with which key a message is signed. The name is that of --as, else git's
 * `git-vault.user` or `github.user`. The key is that of --sign-key, else git's `user.signingkey`
 * where it is an SSH key, else one in the agent or in ~/.ssh that is among the keys of that name on
 * the forge.
 *
 * @throws CliError `USAGE` for a name that is none; what looking up the name's keys and
 * `findSigner` throw
 */
export async function signOptions(options: SigningOptions): Promise<SignOptions> {
  const from = signerName(options);
  const key = options.signKey ?? configuredKey();
  const among = key === undefined && from !== undefined ? await keysToFind(from) : undefined;
  const signer = await findSigner({ home: homeFolder(), passphrase: passphraseSource(options), key, among });
  return { signer, from };
}

/**
 * Notices a key that the receiver will be warned of: one that is not the named user's.
 *
 * @throws CliError `NOT_SIGNERS_KEY`, unless --yes says to go on
 */
export async function assertSignersKey(
  { signer, from }: SignOptions,
  { yes, quiet }: { readonly yes: boolean; readonly quiet: boolean },
): Promise<void> {
  if (from === undefined) return;
  const { fingerprint } = signer.publicKey;
  let problem: string;
  try {
    if ((await keysOf(from)).includes(fingerprint)) return;
    problem = `the key ${fingerprint} is not among the keys of ${from}`;
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    if (!["NOT_FOUND", "NO_KEYS"].includes(error.code)) {
      if (!quiet) say(`vault: warning: nobody could tell whether ${fingerprint} is a key of ${from}: ${error.message}`);
      return;
    }
    problem = `the key ${fingerprint} is not among the keys of ${from}: ${error.message}`;
  }
  if (!yes) {
    throw new CliError("NOT_SIGNERS_KEY", problem, {
      hint: "add it there, as a key to sign with; or sign with one of theirs by --sign-key, or under another name by --as; --yes signs all the same, and the receiver is warned",
    });
  }
  if (!quiet) say(`vault: warning: ${problem}: the receiver will be warned`);
}

/** The name that is signed by; undefined where none is known. */
export function signerName({ as }: Pick<SigningOptions, "as">): string | undefined {
  const places = [
    ["--as", as],
    ["git's git-vault.user", gitConfig("git-vault.user")],
    ["git's github.user", gitConfig("github.user")],
  ] as const;
  for (const [place, name] of places) {
    if (name === undefined) continue;
    const user = userNameOf(name);
    if (user !== null) return user;
    throw usageError(`${place}: expected the user of a forge, got ${printable(name)}`);
  }
  return undefined;
}

/** git signs with OpenPGP keys unless told otherwise; then the setting names one of those. */
const configuredKey = (): string | undefined =>
  gitConfig("gpg.format") === "ssh" ? gitConfig("user.signingkey", "--type=path") : undefined;

/** The keys of a name, of which one here is to sign: where no forge answers, it can be named. */
async function keysToFind(name: string): Promise<string[]> {
  try {
    return await keysOf(name);
  } catch (error) {
    if (!(error instanceof DirectoryError) || error.code !== "NETWORK") throw error;
    const way = "or name the key to sign with by --sign-key FILE, which asks nobody";
    throw new DirectoryError(error.code, error.message, {
      hint: error.hint === undefined ? way : `${error.hint}, ${way}`,
      cause: error,
    });
  }
}

async function keysOf(name: string): Promise<string[]> {
  const { keys } = await new Directory().resolveSigner(name);
  return keys.flatMap(({ fingerprint }) => (fingerprint === null ? [] : [fingerprint]));
}
