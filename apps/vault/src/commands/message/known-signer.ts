import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { isVaultError, printable, systemCode } from "@git-vault/core";
import type { Repository } from "@git-vault/git-crypt";
import { runProgram } from "@git-vault/git-crypt/programs";
import { isAllowedSigner, principalsOf, readPublicKeys, type SigningKey } from "@git-vault/keys";
import { SIGNATURE_NAMESPACE } from "@git-vault/sealing";
import { gitConfig } from "../../io/git-config.ts";
import { homeFolder } from "../../io/input.ts";

/** What this machine knows of the key of a signature. */
export interface KnownSigner {
  /** Whose it is, as the user's own file of allowed signers says. */
  readonly allowed: readonly string[];
  /**
   * What the member is called whose key it is, in the members log of the repository that the run
   * stands in. An admin wrote it: it proves nothing. Null where it is nobody's.
   */
  readonly member: string | null;
}

/** The same, with what the caller needs to judge by it. */
export interface SignerKnowledge {
  readonly known: KnownSigner;
  /** Whether the file of allowed signers has the key as that of who the user names. */
  readonly isAllowedAs: (name: string) => boolean;
  /** Why the file of allowed signers counts for nothing, as a phrase; else null. */
  readonly problem: string | null;
}

/** Looks a key up in git's file of allowed signers, and in the members log. No forge is asked. */
export async function knownSigner({ fingerprint }: SigningKey): Promise<SignerKnowledge> {
  const query = { fingerprint, namespace: SIGNATURE_NAMESPACE, now: new Date() };
  const { text, problem } = await allowedSigners();
  return {
    known: { allowed: principalsOf(text, query), member: await memberWithKey(fingerprint) },
    isAllowedAs: (name) => isAllowedSigner(text, query, name),
    problem,
  };
}

/**
 * What git checks its signatures with. A file that others can commit proves nothing, whichever
 * clone it lies in and anyone who named it: to check out a branch would be enough to replace it.
 */
async function allowedSigners(): Promise<{ readonly text: string; readonly problem: string | null }> {
  const setting = gitConfig("gpg.ssh.allowedSignersFile", "--type=path");
  if (setting === undefined) return { text: "", problem: null };
  const repository = await repositoryHere();
  const path = fromTopLevel(setting, repository);
  const { isFromClone } = await import("@git-vault/git-crypt");
  const doubt = isFromClone(path, { repository, home: homeFolder() })
    ? "lies in a clone, whose files are from anyone who can commit to it"
    : (repository?.topLevel ?? null) === null && !isAbsolute(setting)
      ? "is a relative path, which is another file in each folder"
      : null;
  if (doubt !== null) {
    return { text: "", problem: `git's allowed signers do not count: ${printable(setting)} ${doubt}` };
  }
  try {
    return { text: readFileSync(path, "latin1").slice(0, MAX_FILE), problem: null };
  } catch {
    return { text: "", problem: null }; // git itself passes over a file that is not there
  }
}

/**
 * Whether git's `gpg.ssh.revocationFile` has a key, as a line or in a list that `ssh-keygen -k`
 * made; also where the file is there and cannot be read, as for git.
 */
export async function isRevoked({ fingerprint, type, blob }: SigningKey): Promise<boolean> {
  const setting = gitConfig("gpg.ssh.revocationFile", "--type=path");
  if (setting === undefined) return false;
  const path = fromTopLevel(setting, await repositoryHere());
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    return systemCode(error) !== "ENOENT";
  }
  if (!content.subarray(0, KRL_MAGIC.length).equals(KRL_MAGIC))
    return readPublicKeys(content.toString("latin1")).some((key) => key.fingerprint === fingerprint);
  const folder = mkdtempSync(join(tmpdir(), "vault-"));
  try {
    const key = join(folder, "key.pub");
    writeFileSync(key, `${type} ${Buffer.from(blob).toString("base64")}\n`);
    return runProgram("ssh-keygen", ["-Q", "-f", path, key], { stdio: "ignore" }).status !== 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How a list of revoked keys begins: PROTOCOL.krl of OpenSSH. */
const KRL_MAGIC = Buffer.from("SSHKRL\n\0", "latin1");

/** Where git starts the path of a setting: at the top of the work tree. */
const fromTopLevel = (path: string, repository: Repository | null): string =>
  resolve(repository?.topLevel ?? process.cwd(), path);

/**
 * Null where the run stands in no repository, or in one that cannot be read. Few users have a
 * setting for which it is looked for.
 */
async function repositoryHere(): Promise<Repository | null> {
  const { openRepository } = await import("@git-vault/git-crypt");
  try {
    return openRepository(process.cwd());
  } catch (error) {
    if (isVaultError(error)) return null;
    throw error;
  }
}

/** In bytes. */
const MAX_FILE = 1024 * 1024;

/** Whether the run stands in a work tree with a members log: most messages are read elsewhere. */
function hasLog(folder: string): boolean {
  if (existsSync(join(folder, ".git-vault/members"))) return true;
  const parent = dirname(folder);
  return parent !== folder && hasLog(parent);
}

async function memberWithKey(fingerprint: string): Promise<string | null> {
  if (!hasLog(process.cwd())) return null;
  const { memberWith, nameOfMember, openMembers } = await import("@git-vault/sharing/members");
  const { openHere } = await import("../open-here.ts");
  try {
    const { rootState, branch } = await openMembers(openHere());
    const member = rootState === "accepted" ? memberWith(branch, fingerprint) : null;
    // In a sentence, a name with blanks could go on with another one.
    return member === null ? null : nameOfMember(member).replaceAll(/[^\x21-\x7e]/g, "_");
  } catch (error) {
    if (isVaultError(error)) return null; // In no repository, or in one that cannot be read.
    throw error;
  }
}
