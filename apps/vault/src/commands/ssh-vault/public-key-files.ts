import { existsSync, readdirSync } from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import { Directory, type DirectoryEntry } from "@git-vault/directory";
import { VaultError } from "@git-vault/core";
import type { PublicKeyEntry } from "@git-vault/keys";
import { usageError } from "../../errors.ts";
import { homeFolder } from "../../io/input.ts";

/** The SSH keys among a recipient's keys. */
export const sshKeys = ({ keys }: DirectoryEntry): PublicKeyEntry[] =>
  keys.filter((entry): entry is PublicKeyEntry => entry.type !== "openpgp" && !entry.type.startsWith("age-"));

/** The public keys in the file at `path`, under the file's name. */
export async function readPublicKeyFile(path: string): Promise<DirectoryEntry> {
  if (/^\d{1,6}$/.test(path) && !existsSync(path)) {
    throw usageError(
      "-k N chooses among the keys of a user",
      "name the user with -u, or give the path of a public key",
    );
  }
  // A word without a slash would be a GitHub user.
  const [entry] = await new Directory().resolve(isAbsolute(path) || /^[.~]/.test(path) ? path : `./${path}`);
  if (entry === undefined) throw new TypeError("a file is one recipient");
  return { ...entry, name: basename(path) };
}

/** The public keys of the user: each `.pub` file of `~/.ssh` that holds any, by name. */
export async function ownPublicKeys(): Promise<DirectoryEntry[]> {
  const folder = join(homeFolder(), ".ssh");
  if (!existsSync(folder)) return [];
  const entries: DirectoryEntry[] = [];
  for (const name of readdirSync(folder).toSorted()) {
    if (!name.endsWith(".pub")) continue;
    try {
      entries.push(await readPublicKeyFile(join(folder, name)));
    } catch (error) {
      // A .pub file may be anything, such as a key of another program.
      if (!(error instanceof VaultError)) throw error;
    }
  }
  return entries;
}
