import { randomBytes } from "node:crypto";
import { openAead, sealAead, TAG_BYTES } from "./aead.ts";
import { hkdf } from "./hkdf.ts";
import { malformed, tampered } from "./malformed.ts";

/*
 * The payload of an age message (C2SP age.md, "Payload"): a 16-byte nonce, then the STREAM construction over chunks of 64 KiB.
 */

const CHUNK_BYTES = 64 * 1024;
const PAYLOAD_NONCE_BYTES = 16;

const payloadKey = (fileKey: Buffer, nonce: Buffer): Buffer => hkdf(fileKey, nonce, "payload");

/** The nonce of one chunk: an 11-byte big-endian counter, and 1 for the last chunk or 0. */
const chunkNonce = (index: number, last: boolean): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 3);
  nonce[11] = last ? 1 : 0;
  return nonce;
};

/** Cuts a stream into chunks and holds the newest one back, since only the stream's end tells which chunk is the last. */
class Chunks {
  readonly #held: Buffer;
  #filled = 0;

  constructor(chunkBytes: number) {
    this.#held = Buffer.alloc(chunkBytes);
  }

  /** Takes bytes in; gives the chunks that are known not to be the last. Each is valid until the next is asked for. */
  *push(bytes: Uint8Array): Generator<Buffer, void, undefined> {
    const size = this.#held.length;
    let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (rest.length > 0) {
      if (this.#filled === size) {
        yield this.#held;
        this.#filled = 0;
      }
      if (this.#filled === 0 && rest.length > size) {
        yield rest.subarray(0, size);
        rest = rest.subarray(size);
      } else {
        const taken = rest.copy(this.#held, this.#filled);
        this.#filled += taken;
        rest = rest.subarray(taken);
      }
    }
  }

  /** The last chunk. */
  last(): Buffer {
    return this.#held.subarray(0, this.#filled);
  }

  /** Overwrites what is held. */
  wipe(): void {
    this.#held.fill(0);
  }
}

/** Seals a payload piece by piece. After `final` it is spent. */
export class PayloadSealer {
  readonly #key: Buffer;
  readonly #chunks = new Chunks(CHUNK_BYTES);
  #index = 0;
  #pending: Buffer[];

  /** @param nonce 16 bytes, never used before with this file key; only test vectors pass one */
  constructor(fileKey: Buffer, nonce: Buffer = randomBytes(PAYLOAD_NONCE_BYTES)) {
    this.#key = payloadKey(fileKey, nonce);
    this.#pending = [nonce];
  }

  /** Takes plaintext in and gives the bytes of the payload that are ready, which may be none. */
  push(plaintext: Uint8Array): Buffer {
    for (const chunk of this.#chunks.push(plaintext)) this.#seal(chunk, false);
    return this.#take();
  }

  /** Gives the end of the payload. */
  final(): Buffer {
    this.#seal(this.#chunks.last(), true);
    this.#chunks.wipe();
    this.#key.fill(0);
    return this.#take();
  }

  #seal(chunk: Buffer, last: boolean): void {
    this.#pending.push(sealAead("chacha20-poly1305", this.#key, chunkNonce(this.#index, last), chunk));
    this.#index += 1;
  }

  #take(): Buffer {
    const ready = Buffer.concat(this.#pending);
    this.#pending = [];
    return ready;
  }
}

/**
 * Opens a payload piece by piece. Only authenticated plaintext is given out, but only `final` tells that it is whole. After
 * `final` or an error it is spent.
 */
export class PayloadOpener {
  readonly #fileKey: Buffer;
  readonly #chunks = new Chunks(CHUNK_BYTES + TAG_BYTES);
  #nonce: Buffer = Buffer.alloc(0);
  #key: Buffer | null = null;
  #index = 0;

  constructor(fileKey: Buffer) {
    this.#fileKey = Buffer.from(fileKey);
  }

  /**
   * Takes bytes of the payload in and gives the plaintext that is ready, which may be none.
   *
   * Throws SealingError `TAMPERED_MESSAGE`.
   */
  push(payload: Uint8Array): Buffer {
    const missing = PAYLOAD_NONCE_BYTES - this.#nonce.length;
    this.#nonce = Buffer.concat([this.#nonce, payload.subarray(0, missing)]);
    if (this.#nonce.length < PAYLOAD_NONCE_BYTES) return Buffer.alloc(0);
    this.#key ??= payloadKey(this.#fileKey, this.#nonce);
    const ready: Buffer[] = [];
    for (const chunk of this.#chunks.push(payload.subarray(missing))) ready.push(this.#open(this.#key, chunk, false));
    const plaintext = Buffer.concat(ready);
    for (const chunk of ready) chunk.fill(0);
    return plaintext;
  }

  /**
   * Gives the end of the plaintext.
   *
   * Throws SealingError `TAMPERED_MESSAGE`, and `MALFORMED_MESSAGE` where the payload has no nonce, ends within a tag, or has an
   * empty last chunk after others.
   */
  final(): Buffer {
    if (this.#key === null) throw malformed(`its payload ends within the nonce of ${PAYLOAD_NONCE_BYTES} bytes`);
    const last = this.#chunks.last();
    if (last.length < TAG_BYTES) throw malformed("its payload ends within a chunk");
    const plaintext = this.#open(this.#key, last, true);
    if (plaintext.length === 0 && this.#index > 1) throw malformed("its payload ends with an empty chunk");
    this.#key.fill(0);
    this.#fileKey.fill(0);
    return plaintext;
  }

  #open(key: Buffer, chunk: Buffer, last: boolean): Buffer {
    const plaintext = openAead("chacha20-poly1305", key, chunkNonce(this.#index, last), chunk);
    if (plaintext === null) throw tampered("its payload was changed, cut short or added to");
    this.#index += 1;
    return plaintext;
  }
}

/** Seals a whole payload. */
export function sealPayload(fileKey: Buffer, plaintext: Uint8Array, nonce?: Buffer): Buffer {
  const sealer = new PayloadSealer(fileKey, nonce);
  return Buffer.concat([sealer.push(plaintext), sealer.final()]);
}

/**
 * Opens a whole payload.
 *
 * Throws SealingError `TAMPERED_MESSAGE` or `MALFORMED_MESSAGE`, as PayloadOpener does.
 */
export function openPayload(fileKey: Buffer, payload: Uint8Array): Buffer {
  const opener = new PayloadOpener(fileKey);
  const parts = [opener.push(payload), opener.final()];
  const plaintext = Buffer.concat(parts);
  for (const part of parts) part.fill(0);
  return plaintext;
}
