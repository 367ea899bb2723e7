import { KeyError, type PrivateKey, type PrivateKeyFile, type SshPublicKey } from "@git-vault/keys";
import { SealingError } from "../errors.ts";
import type { StanzaReader } from "../age/ssh-stanza.ts";
import { readEd25519Stanza, readRsaStanza } from "../age/ssh-stanzas.ts";
import { readAesStanza, readChaChaStanza } from "../ssh-vault/stanzas.ts";
import type { Asks, Identity, Stanza } from "../age/stanza.ts";

const READERS: ReadonlyMap<string, StanzaReader> = new Map([
  ["ssh-ed25519", readEd25519Stanza],
  ["ssh-rsa", readRsaStanza],
  ["CHACHA20-POLY1305", readChaChaStanza],
  ["AES256", readAesStanza],
]);

/** How often a passphrase is asked for. */
const MAX_ATTEMPTS = 3;

/** Opens what was sealed to an SSH key, in age's and in ssh-vault's format. */
export class SshIdentity implements Identity {
  readonly asks: Asks;
  readonly #file: PrivateKeyFile;
  readonly #passphrase: ((attempt: number) => Promise<Uint8Array>) | undefined;
  #unlocked: Promise<PrivateKey> | undefined;
  #publicKey: SshPublicKey | null;

  /**
   * @param file the private key
   * @param passphrase asks for the passphrase of an encrypted key, and only for a message that is
   * addressed to the key or, where the file does not tell its public half, to some SSH key. After a
   * wrong one it is asked again, with attempt 2 and 3; it may throw to give up. The bytes stay its
   * own to overwrite. Without it, unlocking an encrypted key throws KeyError `PASSPHRASE_REQUIRED`
   */
  constructor(file: PrivateKeyFile, passphrase?: (attempt: number) => Promise<Uint8Array>) {
    this.#file = file;
    this.#passphrase = passphrase;
    this.#publicKey = file.publicKey;
    this.asks = asksOf(file);
  }

  /** The public half; null where only unlocking tells it and the key was not unlocked yet. */
  get publicKey(): SshPublicKey | null {
    return this.#publicKey;
  }

  /**
   * Forgets the unlocked key, overwriting what can be overwritten. Opening a message after that
   * unlocks it anew.
   */
  lock(): void {
    const unlocked = this.#unlocked;
    this.#unlocked = undefined;
    unlocked?.then(
      (key) => key.type === "ssh-ed25519" && key.seed.fill(0),
      () => {}, // it was never unlocked
    );
  }

  /**
   * Stanzas whose tag or fingerprint matches are tried in order. A broken one is reported only
   * where no other one opens, since the tags of two keys can be equal.
   *
   * Throws SealingError `MALFORMED_MESSAGE` for a broken stanza, `TAMPERED_MESSAGE` where a vault's
   * fingerprint matches in full and its password does not open, and what `PrivateKeyFile.unlock`
   * throws.
   */
  async unwrapFileKey(stanzas: readonly Stanza[]): Promise<Buffer | null> {
    const ssh = stanzas.filter(({ type }) => READERS.has(type));
    if (ssh.length === 0) return null;
    const publicKey = this.#publicKey ?? (await this.#unlock()).publicKey;
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

  whyNot(stanzas: readonly Stanza[]): string {
    if (!stanzas.some(({ type }) => READERS.has(type))) return "an SSH key was tried and no recipient is one";
    return `${this.#publicKey?.fingerprint ?? "an SSH key"} is not one of the recipients`;
  }

  #unlock(): Promise<PrivateKey> {
    this.#unlocked ??= this.#askAndUnlock();
    return this.#unlocked;
  }

  async #askAndUnlock(): Promise<PrivateKey> {
    for (let attempt = 1; ; attempt++) {
      const passphrase = this.#file.encrypted ? await this.#passphrase?.(attempt) : undefined;
      try {
        const key = await this.#file.unlock(passphrase);
        this.#publicKey = key.publicKey;
        return key;
      } catch (error) {
        const again = passphrase !== undefined && attempt < MAX_ATTEMPTS;
        if (!again || !(error instanceof KeyError) || error.code !== "WRONG_PASSPHRASE") throw error;
      }
    }
  }
}

const asksOf = ({ encrypted, publicKey }: PrivateKeyFile): Asks => {
  if (!encrypted) return "never";
  return publicKey === null ? "always" : "on-match";
};
