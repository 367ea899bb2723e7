import { basename } from "node:path";
import type { Chosen } from "@git-vault/sharing";
import { printable, quoteForShell } from "@git-vault/core";
import { isPrintable } from "../../io/streams.ts";

/** How a git-crypt key file starts, wherever it was read from. */
const GIT_CRYPT_MAGIC = Buffer.from("\0GITCRYPTKEY");

/** Where a secret goes that is no text. */
const BINARY_FILE = "secret.bin";

/** A file's name as an operand, which must not look like a flag. */
const operandOf = (name: string): string => (name.startsWith("-") ? `./${name}` : name);

/** Where the private half of an SSH key usually lies; vault looks there by itself. */
const SSH_FILES: Readonly<Record<string, string>> = { "ssh-ed25519": "~/.ssh/id_ed25519", "ssh-rsa": "~/.ssh/id_rsa" };
/** The name for an age identity file, which lies wherever its owner put it. */
export const IDENTITY_FILE = "key.txt";

/** What a message holds. */
export interface WaysToOpen {
  readonly isGitCryptKey: boolean;
  /** Whether the message holds text: some programs print nothing else. */
  readonly isText: boolean;
  readonly base64: boolean;
  /** The file that the secret is written to in the end; null where it is printed, or goes on. */
  readonly file: string | null;
  /** What the plaintext goes through. */
  readonly rest: readonly string[];
}

/** @param secret what was sealed, or how it begins */
export function waysToOpen(secret: Uint8Array, base64: boolean): WaysToOpen {
  const isGitCryptKey = GIT_CRYPT_MAGIC.equals(secret.subarray(0, GIT_CRYPT_MAGIC.length));
  const isText = isPrintable(secret);
  const file = isText || isGitCryptKey ? null : BINARY_FILE;
  return {
    isGitCryptKey,
    isText: base64 || isText,
    base64,
    file,
    rest: [
      ...(base64 ? [file === null ? "base64 -d" : `base64 -d > ${file}`] : []),
      ...(isGitCryptKey ? ["git-crypt unlock -"] : []),
    ],
  };
}

/** A program that opens a message with one kind of key. */
export interface Opener {
  readonly name: string;
  /**
   * Its command.
   *
   * @param message the file of the message; null for what comes by a pipe
   * @param output the file for the plaintext; null to print it
   */
  readonly command: (message: string | null, output: string | null) => string;
  /** What it prints goes through these. */
  readonly rest: readonly string[];
}

/** @param start the command, given the flag and the file for the plaintext */
const opener = (name: string, start: (output: string) => string, rest: readonly string[]): Opener => ({
  name,
  command: (message, output) =>
    [start(output === null ? "" : ` -o ${output}`), ...(message === null ? [] : [quoteForShell(message)])].join(" "),
  rest,
});

/** The whole line of a shell. */
export const lineOf = ({ command, rest }: Opener, message: string | null, { base64, file }: WaysToOpen): string =>
  [command(message, base64 ? null : file), ...rest].join(" | ");

/** How vault opens a message: with what it finds, and with age's identity files. */
export function vaultOpeners({ format, sealedTo }: Chosen, { isGitCryptKey, rest }: WaysToOpen): Opener[] {
  const isNamed = format === "age" ? sealedTo.map(({ entry }) => SSH_FILES[entry.type] === undefined) : [];
  const flags = [
    ...(isNamed.length === 0 || isNamed.includes(false) ? [""] : []),
    ...(isNamed.includes(true) ? [` --key ${IDENTITY_FILE}`] : []),
  ];
  const verb = isGitCryptKey ? "unlock" : "view";
  return flags.map((flag) => opener("vault", (output) => `vault ${verb}${flag}${output}`, isGitCryptKey ? [] : rest));
}

/** How another program that a receiver may have opens it: one for each kind of key. */
export function otherOpeners({ format, sealedTo }: Chosen, { isText, rest }: WaysToOpen): Opener[] {
  if (format === "openpgp") return [opener("gpg", (output) => `gpg${output} -d`, rest)];
  if (format === "ssh-vault") return isText ? [opener("ssh-vault", () => "ssh-vault view", rest)] : [];
  const files = new Set(sealedTo.map(({ entry }) => SSH_FILES[entry.type] ?? IDENTITY_FILE));
  const keys = files.size === 0 ? [""] : [...files].map((file) => ` -i ${file}`);
  return keys.map((key) => opener("age", (output) => `age -d${output}${key}`, rest));
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
  const ways = waysToOpen(secret, base64);
  return [
    ...vaultOpeners(shared, ways).flatMap((one) => [lineOf(one, null, ways), lineOf(one, message, ways)]),
    ...otherOpeners(shared, ways).map((one) => lineOf(one, message, ways)),
  ];
}
