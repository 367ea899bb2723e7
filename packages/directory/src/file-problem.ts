import { existsSync } from "node:fs";
import { quoteForShell, systemCode } from "@git-vault/core";
import { decodeText, isOpenPgpPrivateKey } from "@git-vault/keys";
import { DirectoryError, shown } from "./errors.ts";
import type { KeyTextProblem } from "./key-text.ts";

/*
 * What is said of a file that no keys were found in. Most files have some, so that this is loaded
 * where it is needed.
 */

const unreadable = (message: string, hint?: string, cause?: unknown): DirectoryError =>
  new DirectoryError("FILE_UNREADABLE", message, { hint, cause });

/** The error for a file of more than so many bytes. */
export const tooLarge = (path: string, most: number): DirectoryError =>
  unreadable(`the file ${shown(path)} has more than ${most} bytes`, "name a .pub file");

/** For what begins as an age recipient. */
const AGE_HINT = "copy the recipient whole: age1… is in small letters and digits, and for a plugin age1NAME1…";

/** What is wrong with a file that cannot be read, as a sentence about it, and what to do. */
export function explain(error: unknown, path: string): DirectoryError {
  const name = shown(path);
  switch (systemCode(error) ?? "") {
    case "ENOENT":
    case "ENOTDIR": {
      const isTeam = /^[\w-]+\/[\w.-]+$/.test(path) && !/\.(?:pub|keys|asc|gpg|pgp)$/.test(path);
      const hint = isTeam ? `for a team on GitHub write github:${name}` : undefined;
      if (!/^age1/i.test(path)) return unreadable(`there is no file ${name}`, hint, error);
      return unreadable(`${name} is neither an age recipient nor a file that is there`, AGE_HINT, error);
    }
    case "EACCES":
    case "EPERM":
      return unreadable(`the file ${name} may not be read`, "check its permissions", error);
    case "EISDIR":
      return unreadable(`expected a file of public keys, got the folder ${name}`, "name a .pub file in it", error);
    default:
      return unreadable(`the file ${name} could not be read`, undefined, error);
  }
}

/** The error for a file that has no public keys. */
export function problemError(problem: KeyTextProblem, path: string, source: string, bytes: Buffer): DirectoryError {
  const name = shown(path);
  if (problem === "none") return new DirectoryError("NO_KEYS", `the file ${name} holds no keys`);
  if (problem === "malformed")
    return unreadable(
      `expected public keys, got something else in ${name}`,
      "a public key looks like: ssh-ed25519 AAAA… comment",
    );
  return new DirectoryError("INVALID_RECIPIENT", `expected public keys, got a private key in ${name}`, {
    hint: publicHalfHint(path, source, bytes),
  });
}

/** How the public half of a private key is had. */
function publicHalfHint(path: string, source: string, bytes: Buffer): string {
  if (path.endsWith(".pub")) return "put the public key there";
  if (existsSync(`${source}.pub`)) return `give the public key beside it: ${shown(path)}.pub`;
  const text = decodeText(bytes);
  const file = quoteForShell(shown(source));
  if (text.includes("AGE-PLUGIN-")) return "give its recipient, age1NAME1…, which a comment in that file says";
  if (text.includes("AGE-SECRET-KEY-")) return `give its recipient, which this prints: age-keygen -y ${file}`;
  if (isOpenPgpPrivateKey(bytes)) return "give the public key, which `gpg --export` writes";
  const publicFile = quoteForShell(`${shown(source)}.pub`);
  const command = text.includes("PuTTY-User-Key-File-")
    ? `puttygen ${file} -O public-openssh -o ${publicFile}`
    : `ssh-keygen -y -f ${file} > ${publicFile}`;
  return `give the file of its public half, which this writes: ${command}`;
}
