import type { PrivateKey, PrivateKeyFile } from "@git-vault/keys";
import { SealingError } from "./errors.ts";
import type { StanzaReader } from "./ssh-stanza.ts";
import { readEd25519Stanza, readRsaStanza } from "./ssh-stanzas.ts";
import { readAesStanza, readChaChaStanza } from "./ssh-vault-stanzas.ts";
import type { Asks, Identity, Stanza } from "./stanza.ts";

const READERS: ReadonlyMap<string, StanzaReader> = new Map([
  ["ssh-ed25519", readEd25519Stanza],
  ["ssh-rsa", readRsaStanza],
  ["CHACHA20-POLY1305", readChaChaStanza],
  ["AES256", readAesStanza],
]);

/** Opens what was sealed to an SSH key, in age's and in ssh-vault's format. */
export class SshIdentity implements Identity {
  readonly asks: Asks;
  readonly #file: PrivateKeyFile;
  readonly #passphrase: (() => Promise<Uint8Array>) | undefined;
  #unlocked: Promise<PrivateKey> | undefined;

  /**
   * @param file the private key
   * @param passphrase asks for the passphrase of an encrypted key, at most once, and only for a message that is addressed to the
   *   key or, where the file does not tell its public half, to some SSH key. The bytes stay the caller's to overwrite. Without
   *   it, unlocking an encrypted key throws KeyError `PASSPHRASE_REQUIRED`
   */
  constructor(file: PrivateKeyFile, passphrase?: () => Promise<Uint8Array>) {
    this.#file = file;
    this.#passphrase = passphrase;
    this.asks = asksOf(file);
  }

  /**
   * Stanzas whose tag or fingerprint matches are tried in order. A broken one is reported only where no other one opens, since
   * the tags of two keys can be equal.
   *
   * Throws SealingError `MALFORMED_MESSAGE` for a broken stanza, `TAMPERED_MESSAGE` where a vault's fingerprint matches in full and
   * its password does not open, and what `PrivateKeyFile.unlock` throws.
   */
  async unwrapFileKey(stanzas: readonly Stanza[]): Promise<Buffer | null> {
    const ssh = stanzas.filter(({ type }) => READERS.has(type));
    if (ssh.length === 0) return null;
    const publicKey = this.#file.publicKey ?? (await this.#unlock()).publicKey;
    let failure: SealingError | null = null;
    for (const stanza of ssh) {
      try {
        const unwrap = READERS.get(stanza.type)?.(stanza, publicKey) ?? null;
        const fileKey = unwrap && unwrap(await this.#unlock());
        if (fileKey !== null) return fileKey;
      } catch (error) {
        if (!(error instanceof SealingError)) throw error;
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
    return null;
  }

  #unlock(): Promise<PrivateKey> {
    this.#unlocked ??= this.#askAndUnlock();
    return this.#unlocked;
  }

  async #askAndUnlock(): Promise<PrivateKey> {
    return this.#file.unlock(this.#file.encrypted ? await this.#passphrase?.() : undefined);
  }
}

const asksOf = ({ encrypted, publicKey }: PrivateKeyFile): Asks => {
  if (!encrypted) return "never";
  return publicKey === null ? "always" : "on-match";
};
