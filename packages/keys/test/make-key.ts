import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, peer, runOk, type SshKeyOptions } from "@git-vault/testkit";

export const sshKeygen = peer("ssh-keygen");
export const ssh = peer("ssh");
export const puttygen = peer("puttygen");

export interface MadeKey {
  readonly path: string;
  /** The private key file. */
  readonly bytes: Buffer;
  /** The line of the .pub file, without its line end. */
  readonly publicLine: string;
}

export interface MakeKeyOptions extends Partial<Omit<SshKeyOptions, "folder" | "name">> {
  /** Of bcrypt: one where it is left out, and null for ssh-keygen's own choice. */
  readonly rounds?: number | null;
}

/**
 * A key pair that ssh-keygen made, now or for an earlier run: Ed25519 without a passphrase, unless
 * told otherwise.
 */
export const makeKey = async (folder: string, name: string, options: MakeKeyOptions = {}): Promise<MadeKey> => {
  const { type = "ed25519", comment = "a comment", passphrase = "", rounds = 1, cipher } = options;
  const path = join(folder, name);
  if (rounds === 1) await makeSshKey({ ...options, type, comment, folder, name });
  else {
    const args = ["-q", "-t", type, "-N", passphrase, "-C", comment, "-f", path];
    if (cipher !== undefined) args.push("-Z", cipher);
    if (rounds !== null) args.push("-a", `${rounds}`);
    await runOk(sshKeygen.path, args);
  }
  return { path, bytes: readFileSync(path), publicLine: readFileSync(`${path}.pub`, "utf8").trimEnd() };
};

/** The fingerprint that `ssh-keygen -l` prints of a public key file. */
export const peerFingerprint = async (path: string): Promise<string> =>
  (await runOk(sshKeygen.path, ["-lf", path])).toString().split(" ")[1] ?? "";
