import { Buffer } from "@git-vault/core/bytes";
import { randomBytes } from "#crypto";
import { assertBytes } from "@git-vault/core";
import { PayloadSealer, type PayloadState } from "./age/payload.ts";
import { ArmorEncoder } from "./age/armor.ts";
import type { AttachedSignature } from "./age/attached-signature.ts";
import { FILE_KEY_BYTES } from "./age/file-key.ts";
import type { Recipient } from "./age/stanza.ts";
import { distinctRecipients, wrapHeader } from "./age/wrap-header.ts";

/** How to seal an age message. */
export interface SealerOptions {
  /** Whether the message is text (the default) or binary, a quarter shorter and faster. */
  readonly armor?: boolean;
  /**
   * Whether recipients with different labels may be in one message. By default, as in age, a
   * post-quantum recipient beside a classical one is refused: anyone who records the message now
   * could open it through the weaker one later.
   */
  readonly allowMixed?: boolean;
  /** The sender's signature, for those who can open it; not for a message to a passphrase. */
  readonly signature?: AttachedSignature;
}

/** Seals one age message of any size, holding no more than one chunk of 64 KiB. */
export interface Sealer {
  /**
   * Takes plaintext, however it is cut, and returns the bytes of the message that are ready, which
   * may be none. Steps of 1 MiB are about the fastest; the work is done before it returns.
   *
   * Throws TypeError if `plaintext` is no Uint8Array or the message is finished.
   */
  push(plaintext: Uint8Array): Buffer;
  /**
   * Returns the end of the message, without which it cannot be opened.
   *
   * Throws TypeError if the message is finished already.
   */
  finish(): Buffer;
  /**
   * Returns how far a binary message is, for a caller that continues it with `sealChunks` in
   * threads of its own: write `ready` first. After that the sealer is spent.
   *
   * Throws TypeError if the message is text, or finished.
   */
  handOver(): PayloadState & { readonly ready: Buffer };
}

/**
 * Begins an age message: wraps a new message key to each recipient, so that nothing after that can
 * fail.
 *
 * Throws what `seal` does.
 */
export async function createSealer(recipients: readonly Recipient[], options: SealerOptions = {}): Promise<Sealer> {
  const { armor = true } = options;
  const fileKey = randomBytes(FILE_KEY_BYTES);
  try {
    const header = await wrapHeader(fileKey, distinctRecipients(recipients), options);
    return new AgeSealer(header, new PayloadSealer(fileKey), armor ? new ArmorEncoder() : null);
  } finally {
    fileKey.fill(0);
  }
}

class AgeSealer implements Sealer {
  #header: Buffer | null;
  readonly #payload: PayloadSealer;
  readonly #armor: ArmorEncoder | null;

  constructor(header: Buffer, payload: PayloadSealer, armor: ArmorEncoder | null) {
    this.#header = header;
    this.#payload = payload;
    this.#armor = armor;
  }

  push(plaintext: Uint8Array): Buffer {
    assertBytes("plaintext", plaintext);
    const binary = this.#afterHeader(this.#payload.push(plaintext));
    return this.#armor === null ? binary : this.#armor.push(binary);
  }

  finish(): Buffer {
    const binary = this.#afterHeader(this.#payload.final());
    return this.#armor === null ? binary : Buffer.concat([this.#armor.push(binary), this.#armor.finish()]);
  }

  handOver(): PayloadState & { readonly ready: Buffer } {
    if (this.#armor !== null) throw new TypeError("a message in text can only be sealed in order");
    const state = this.#payload.handOver();
    return { ...state, ready: this.#afterHeader(state.ready) };
  }

  #afterHeader(payload: Buffer): Buffer {
    const header = this.#header;
    this.#header = null;
    return header === null ? payload : Buffer.concat([header, payload]);
  }
}

/**
 * Seals what a source yields, such as a Node stream: `pipeline(source, (pieces) =>
 * sealStream(pieces, recipients), destination)`.
 */
export async function* sealStream(
  plaintext: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  recipients: readonly Recipient[],
  options: SealerOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const sealer = await createSealer(recipients, options);
  for await (const piece of plaintext) {
    const ready = sealer.push(piece);
    if (ready.length > 0) yield ready;
  }
  yield sealer.finish();
}
