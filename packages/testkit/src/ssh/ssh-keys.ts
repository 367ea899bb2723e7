import { constants, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kept } from "../peers/kept.ts";
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
  /**
   * Makes the pair now, where the key itself is what is tested. Else it may be one that was made
   * for an earlier run.
   */
  readonly fresh?: boolean;
}

/** A key pair on disk. */
export interface SshKey {
  readonly privateKeyPath: string;
  readonly publicKeyPath: string;
  /** The public key's line, without its newline. */
  readonly publicKey: string;
}

/** How many pairs of each kind were handed out here, so that none is handed out twice. */
const taken = new Map<string, number>();

/**
 * Makes a key pair with ssh-keygen, or copies one that was made for an earlier run: within a test
 * file each is another one. An encrypted key costs one round of bcrypt, so that tests are quick.
 */
export async function makeSshKey(options: SshKeyOptions): Promise<SshKey> {
  const privateKeyPath = join(options.folder, options.name ?? `id_${options.type}`);
  const publicKeyPath = `${privateKeyPath}.pub`;
  const args = ["-q", "-t", options.type, "-a", "1", "-N", options.passphrase ?? "", "-C", options.comment ?? ""];
  if (options.bits !== undefined) args.push("-b", String(options.bits));
  if (options.cipher !== undefined) args.push("-Z", options.cipher);
  if (options.format !== undefined) args.push("-m", options.format);
  if (options.fresh === true) await runOk("ssh-keygen", [...args, "-f", privateKeyPath]);
  else {
    const kind = args.join("\0");
    const count = taken.get(kind) ?? 0;
    taken.set(kind, count + 1);
    const pair = await kept("ssh-keygen", [...args, `${count}`], async (folder) => {
      await runOk("ssh-keygen", [...args, "-f", join(folder, "key")]);
    });
    copyFileSync(join(pair, "key"), privateKeyPath, constants.COPYFILE_EXCL);
    copyFileSync(join(pair, "key.pub"), publicKeyPath, constants.COPYFILE_EXCL);
  }
  return { privateKeyPath, publicKeyPath, publicKey: readFileSync(publicKeyPath, "utf8").trimEnd() };
}
