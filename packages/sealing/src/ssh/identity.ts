import type { PrivateKey, PrivateKeyFile, SshPublicKey } from "@git-vault/keys";
import { readEd25519Stanza, readRsaStanza, type StanzaReader } from "../age/ssh-unwrap.ts";
import type { Asks, Identity, Stanza } from "../age/stanza.ts";
import { SealingError } from "../errors.ts";
import { readAesStanza, readChaChaStanza } from "../ssh-vault/stanzas.ts";
import { unlockAsking, type AskPassphrase } from "../ask-passphrase.ts";

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
  readonly #ask: AskPassphrase | undefined;
  #unlocked: Promise<PrivateKey> | undefined;
  #publicKey: SshPublicKey | null;

  /**
   * @param file the private key
   * @param ask asks for the passphrase of an encrypted key, only for a message that is addressed to
   * the key or, if the file does not tell its public half, to any SSH key; up to three times.
   * Without it, unlocking an encrypted key throws KeyError `PASSPHRASE_REQUIRED`
   */
  constructor(file: PrivateKeyFile, ask?: AskPassphrase) {
    this.#file = file;
    this.#ask = ask;
    this.#publicKey = file.publicKey;
    this.asks = !file.encrypted ? "never" : file.publicKey === null ? "always" : "on-match";
  }

  /** The public half; null if only unlocking tells it and the key is not unlocked yet. */
  get publicKey(): SshPublicKey | null {
    return this.#publicKey;
  }

  /** Forgets the unlocked key, overwriting what it can; the next message unlocks it again. */
  lock(): void {
    const unlocked = this.#unlocked;
    this.#unlocked = undefined;
    unlocked?.then(
      (key) => key.type === "ssh-ed25519" && key.seed.fill(0),
      () => {}, // it was never unlocked
    );
  }

  /**
   * Tries the stanzas whose tag or fingerprint matches, in order. A broken one is reported only if
   * no other one opens, since the tags of two keys can be equal.
   *
   * Throws SealingError `MALFORMED_MESSAGE` for a broken stanza, `TAMPERED_MESSAGE` if a vault's
   * whole fingerprint matches and its password does not open, and what `PrivateKeyFile.unlock`
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
    if (!stanzas.some(({ type }) => READERS.has(type)))
      return "an SSH key was tried, but the message is not sealed to one";
    return `${this.#publicKey?.fingerprint ?? "an SSH key"} is not one of the recipients`;
  }

  async #unlock(): Promise<PrivateKey> {
    const key = await (this.#unlocked ??= unlockAsking(this.#file, this.#ask));
    this.#publicKey = key.publicKey;
    return key;
  }
}
