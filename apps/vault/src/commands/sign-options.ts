import { spawnSync } from "node:child_process";
import { printable } from "@git-vault/core";
import { Directory, userNameOf } from "@git-vault/directory";
import { findSigner, type SignOptions } from "@git-vault/sharing";
import { usageError } from "../errors.ts";
import type { OpeningOptions } from "../cli/flags.ts";
import { homeFolder } from "../io/input.ts";
import { passphraseSource } from "../io/passphrase.ts";

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
  const among = key === undefined && from !== undefined ? await keysOf(from) : undefined;
  const signer = await findSigner({ home: homeFolder(), passphrase: passphraseSource(options), key, among });
  return { signer, from };
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

async function keysOf(name: string): Promise<string[]> {
  const { keys } = await new Directory().resolveSigner(name);
  return keys.flatMap(({ fingerprint }) => (fingerprint === null ? [] : [fingerprint]));
}

/** One of git's settings, local or global; undefined if unset, or without git. */
function gitConfig(name: string, ...options: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync("git", ["config", ...options, "--get", name], {
    stdio: ["ignore", "pipe", "ignore"],
    windowsHide: true,
  });
  const value = status === 0 ? stdout.toString().replace(/\n$/, "") : "";
  return value === "" ? undefined : value;
}
