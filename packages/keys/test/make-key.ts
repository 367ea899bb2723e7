import { readFileSync } from "node:fs";
import { join } from "node:path";
import { peer, runOk } from "@git-vault/testkit";

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

export interface MakeKeyOptions {
  readonly type?: string;
  readonly bits?: number;
  readonly passphrase?: string;
  readonly comment?: string;
  readonly cipher?: string;
  readonly rounds?: number;
  readonly format?: "PEM" | "PKCS8";
}

/** Reads a key pair from its two files. */
const readMade = (path: string): MadeKey => ({
  path,
  bytes: readFileSync(path),
  publicLine: readFileSync(`${path}.pub`, "utf8").trimEnd(),
});

/** Makes a key pair with ssh-keygen: Ed25519 without a passphrase, unless told otherwise. */
export const makeKey = async (folder: string, name: string, options: MakeKeyOptions = {}): Promise<MadeKey> => {
  const { type = "ed25519", bits, passphrase = "", comment = "a comment", cipher, rounds, format } = options;
  const args = ["-q", "-t", type, "-N", passphrase, "-C", comment, "-f", join(folder, name)];
  if (bits !== undefined) args.push("-b", `${bits}`);
  if (cipher !== undefined) args.push("-Z", cipher);
  if (rounds !== undefined) args.push("-a", `${rounds}`);
  if (format !== undefined) args.push("-m", format);
  await runOk(sshKeygen.path, args);
  return readMade(join(folder, name));
};

/** The fingerprint that `ssh-keygen -l` prints of a public key file. */
export const peerFingerprint = async (path: string): Promise<string> =>
  (await runOk(sshKeygen.path, ["-lf", path])).toString().split(" ")[1] ?? "";
