import {
  createOpener,
  open,
  recoverMessage,
  SealingError,
  type Format,
  type Identity,
  type Opened,
  type Opener,
  type PayloadState,
} from "@git-vault/sealing";
import { findLocalIdentities, type LocalIdentities, type OpenedWith, type ReceiveOptions } from "./local-identities.ts";

/** An opened message. */
export interface Received {
  /** Secret: overwrite it with zeros when done. */
  readonly plaintext: Buffer;
  readonly format: Format;
  readonly openedWith: OpenedWith;
}

/**
 * Opens a sealed message of any format, also as chat and mail programs leave it, with the private keys of this machine.
 *
 * @throws SealingError `NO_IDENTITY_MATCHED`, whose hint says what was tried; else as `open` does
 * @throws KeyError `WRONG_PASSPHRASE` after three attempts; for a key file that was named, also what is wrong with it
 * @throws SharingError `KEY_FILE_UNREADABLE` for a key file that was named
 */
export async function receive(message: Uint8Array, options: ReceiveOptions): Promise<Received> {
  const local = await findLocalIdentities(options);
  try {
    const { plaintext, format, identity } = await openDamaged(message, local.identities);
    return { plaintext, format, openedWith: await local.openedWith(identity) };
  } catch (error) {
    throw local.explain(error);
  } finally {
    local.lock();
  }
}

/** Opens a message as it came, or else as it was before chat and mail programs had it. */
async function openDamaged(message: Uint8Array, identities: readonly Identity[]): Promise<Opened> {
  try {
    return await open(message, identities);
  } catch (error) {
    if (!(error instanceof SealingError) || !["UNKNOWN_FORMAT", "MALFORMED_MESSAGE"].includes(error.code)) throw error;
    const recovered = recoverMessage(message);
    if (recovered.equals(message)) throw error;
    return open(recovered, identities);
  }
}

/** Opens a message of any size piece by piece, with the private keys of this machine. */
export class Receiver {
  readonly #local: LocalIdentities;
  readonly #opener: Opener;

  private constructor(local: LocalIdentities) {
    this.#local = local;
    this.#opener = createOpener(local.identities);
  }

  /** @throws what `receive` does for a key file that was named */
  static async start(options: ReceiveOptions): Promise<Receiver> {
    return new Receiver(await findLocalIdentities(options));
  }

  /**
   * Takes bytes of the message in, and gives the plaintext that is ready: authentic, but whole only when `finish` said so. The
   * message must be as it was sealed: what chat and mail do to a text is not undone here.
   *
   * @throws what `receive` does
   */
  push(message: Uint8Array): Promise<Buffer> {
    return this.#explained(() => this.#opener.push(message));
  }

  /**
   * Tells that all of the message came, and gives the rest of it.
   *
   * @throws what `receive` does; until it was called, the message may have been cut short
   */
  finish(): Promise<Buffer> {
    return this.#explained(() => this.#opener.finish());
  }

  /** As `Opener.handOver`. */
  handOver(): PayloadState | null {
    return this.#opener.handOver();
  }

  /** What is known of the message, once its header came; throws TypeError before. */
  async about(): Promise<Omit<Received, "plaintext">> {
    const { format, identity } = this.#opener;
    if (format === null || identity === null) throw new TypeError("the header of the message did not come yet");
    return { format, openedWith: await this.#local.openedWith(identity) };
  }

  /** Forgets the keys that were unlocked. */
  lock(): void {
    this.#local.lock();
  }

  async #explained(step: () => Promise<Buffer>): Promise<Buffer> {
    try {
      return await step();
    } catch (error) {
      throw this.#local.explain(error);
    }
  }
}
