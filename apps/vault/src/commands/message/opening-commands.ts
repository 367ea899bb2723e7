import { basename } from "node:path";
import type { Chosen } from "@git-vault/sharing";
import { printable, quoteForShell } from "@git-vault/core";
import { isPrintable } from "../../io/streams.ts";

/** How a git-crypt key file starts, wherever it was read from. */
const GIT_CRYPT_MAGIC = Buffer.from("\0GITCRYPTKEY");

/** A file's name as an operand, which must not look like a flag. */
const operandOf = (name: string): string => (name.startsWith("-") ? `./${name}` : name);

/** Where the private half of a key of that type usually lies. */
const KEY_FILES: Readonly<Record<string, string>> = { "ssh-ed25519": "~/.ssh/id_ed25519", "ssh-rsa": "~/.ssh/id_rsa" };

/** What a message holds, and what its plaintext goes through. */
export interface WaysToOpen {
  readonly isGitCryptKey: boolean;
  readonly rest: readonly string[];
}

/** @param secret what was sealed, or how it begins */
export function waysToOpen(secret: Uint8Array, base64: boolean): WaysToOpen {
  const isGitCryptKey = GIT_CRYPT_MAGIC.equals(secret.subarray(0, GIT_CRYPT_MAGIC.length));
  return {
    isGitCryptKey,
    rest: [...(base64 ? ["base64 -d"] : []), ...(isGitCryptKey ? ["git-crypt unlock -"] : [])],
  };
}

/**
 * The command lines that the receiver can open a message with: by vault, and by a program that they
 * may already have.
 *
 * @param secret what was sealed, or how it begins
 * @param file the file that the message was written to, if it was
 */
export function openingCommands(
  shared: Chosen,
  secret: Uint8Array,
  { base64, file }: { readonly base64: boolean; readonly file: string | undefined },
): string[] {
  const message = file === undefined || file === "-" ? "message.txt" : operandOf(basename(printable(file)));
  const { isGitCryptKey, rest } = waysToOpen(secret, base64);
  const pipeline = (first: string): string => [first, ...rest].join(" | ");

  const own = isGitCryptKey
    ? ["vault unlock", `vault unlock ${quoteForShell(message)}`]
    : [pipeline("vault view"), pipeline(`vault view ${quoteForShell(message)}`)];
  if (shared.format === "age" && shared.sealedTo.length === 0)
    return [...own, pipeline(`age -d ${quoteForShell(message)}`)];
  if (shared.format === "age") {
    const privateKey = KEY_FILES[shared.sealedTo[0]?.entry.type ?? ""] ?? "key.txt";
    return [...own, pipeline(`age -d -i ${privateKey} ${quoteForShell(message)}`)];
  }
  if (shared.format === "openpgp") return [...own, pipeline(`gpg -d ${quoteForShell(message)}`)];
  // ssh-vault prints text only.
  return base64 || isPrintable(secret) ? [...own, pipeline(`ssh-vault view ${quoteForShell(message)}`)] : own;
}
