import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runOk } from "../peers/run.ts";

/** What ssh-keygen is asked for. */
export interface SshKeyOptions {
  /** The folder that the two files are written to. */
  readonly folder: string;
  /**
   * The private key's file name; the public key's is that with `.pub`. `id_<type>` where it is left
   * out.
   */
  readonly name?: string;
  readonly type: "ed25519" | "rsa" | "ecdsa" | "dsa";
  readonly bits?: number;
  /** The private key is not encrypted where it is left out or empty. */
  readonly passphrase?: string;
  /** The cipher of an encrypted private key in OpenSSH's format, as `ssh -Q cipher` names it. */
  readonly cipher?: string;
  /** The private key's format: OpenSSH's own where it is left out. */
  readonly format?: "PEM" | "PKCS8" | "RFC4716";
  readonly comment?: string;
}

/** A key pair on disk. */
export interface SshKey {
  readonly privateKeyPath: string;
  readonly publicKeyPath: string;
  /** The public key's line, without its newline. */
  readonly publicKey: string;
}

/**
 * Makes a key pair with ssh-keygen. An encrypted key costs one round of bcrypt, so that tests are
 * quick.
 */
export async function makeSshKey(options: SshKeyOptions): Promise<SshKey> {
  const privateKeyPath = join(options.folder, options.name ?? `id_${options.type}`);
  const args = ["-q", "-t", options.type, "-f", privateKeyPath, "-a", "1"];
  args.push("-N", options.passphrase ?? "", "-C", options.comment ?? "");
  if (options.bits !== undefined) args.push("-b", String(options.bits));
  if (options.cipher !== undefined) args.push("-Z", options.cipher);
  if (options.format !== undefined) args.push("-m", options.format);
  await runOk("ssh-keygen", args);
  const publicKeyPath = `${privateKeyPath}.pub`;
  return { privateKeyPath, publicKeyPath, publicKey: readFileSync(publicKeyPath, "utf8").trimEnd() };
}
