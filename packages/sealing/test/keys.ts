import { readFileSync } from "node:fs";
import { parsePublicKey, readPrivateKey, type SshPublicKey } from "@git-vault/keys";
import { makeSshKey, type SshKeyOptions } from "@git-vault/testkit";
import { SshIdentity, SshRecipient } from "../src/index.ts";

/** A key pair that ssh-keygen made, on disk and in our hands. */
export interface TestKey {
  readonly privateKeyPath: string;
  readonly publicKeyPath: string;
  readonly line: string;
  readonly publicKey: SshPublicKey;
  readonly recipient: SshRecipient;
  /** Reads the private key file again. */
  readonly identity: (passphrase?: (attempt: number) => Promise<Uint8Array>) => SshIdentity;
}

export async function makeTestKey(options: SshKeyOptions): Promise<TestKey> {
  const { privateKeyPath, publicKeyPath, publicKey: line } = await makeSshKey(options);
  const publicKey = parsePublicKey(line);
  return {
    privateKeyPath,
    publicKeyPath,
    line,
    publicKey,
    recipient: new SshRecipient(publicKey),
    identity: (passphrase) => new SshIdentity(readPrivateKey(readFileSync(privateKeyPath)), passphrase),
  };
}
