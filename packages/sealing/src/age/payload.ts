import { Buffer } from "@git-vault/core/bytes";
import { hkdf, openChunk, randomBytes, sealChunk, TAG_BYTES } from "#crypto";
import { viewOf } from "../buffers.ts";
import { malformed, tampered } from "../errors.ts";

/*
 * The payload of an age message (C2SP age.md, "Payload"): a 16-byte nonce, then the STREAM
 * construction over chunks of 64 KiB.
 *
 * A push seals or opens all the chunks that it completes into one Buffer of the right size: no
 * lists, no joining, and nothing that a chunk need not allocate.
 */

/** The plaintext of a chunk; only the last may have less. */
export const CHUNK_BYTES: number = 64 * 1024;
/** A sealed chunk. */
export const SEALED_CHUNK_BYTES: number = CHUNK_BYTES + TAG_BYTES;
const PAYLOAD_NONCE_BYTES = 16;
const NONE: Buffer = Buffer.alloc(0);

const payloadKey = (fileKey: Buffer, nonce: Buffer): Buffer => hkdf(fileKey, nonce, "payload");

/** The nonce of a chunk: an 11-byte big-endian counter, then 1 for the last chunk or else 0. */
export class ChunkNonce {
  readonly #nonce: Buffer = Buffer.alloc(12);
  /** The number of the chunk, from 0. */
  index: number;

  constructor(index = 0) {
    this.index = index;
  }

  with(last: boolean): Buffer {
    // No file has 2^48 chunks of 64 KiB.
    this.#nonce.writeUIntBE(this.index, 5, 6);
    this.#nonce[11] = last ? 1 : 0;
    return this.#nonce;
  }
}

/** How far a payload is done: what is needed to continue it elsewhere. */
export interface PayloadState {
  /** The payload's key, 32 bytes. Secret: overwrite it with zeros when done. */
  readonly key: Buffer;
  /** How many chunks are done. */
  readonly index: number;
  /** The start of the next chunk: plaintext to overwrite, or ciphertext. */
  readonly held: Buffer;
}

const stateOf = (key: Buffer, { index }: ChunkNonce, held: Buffer): PayloadState => ({
  key: Buffer.from(key),
  index,
  held: Buffer.from(held),
});

/** Seals a payload piece by piece. */
export class PayloadSealer {
  readonly #key: Buffer;
  readonly #nonce = new ChunkNonce();
  /** The start of a chunk; a full one is held as well, since it could be the last. */
  readonly #held: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #filled = 0;
  /** The payload's nonce until it is given out. */
  #before: Buffer;
  #hasEnded = false;

  /** @param nonce 16 bytes, never used before with this file key; only test vectors pass one */
  constructor(fileKey: Buffer, nonce: Buffer = randomBytes(PAYLOAD_NONCE_BYTES)) {
    this.#key = payloadKey(fileKey, nonce);
    this.#before = nonce;
  }

  /** Takes plaintext and returns the bytes of the payload that are ready, which may be none. */
  push(plaintext: Uint8Array): Buffer {
    this.#refuseMore();
    let rest = viewOf(plaintext);
    const total = this.#filled + rest.length;
    const chunks = total > CHUNK_BYTES ? Math.ceil(total / CHUNK_BYTES) - 1 : 0;
    const out = Buffer.allocUnsafe(this.#before.length + chunks * SEALED_CHUNK_BYTES);
    let at = this.#takeBefore(out);
    for (let count = chunks; count > 0; count -= 1) {
      const isHeld = this.#filled > 0;
      if (isHeld) rest = this.#hold(rest);
      at = this.#seal(isHeld ? this.#held : rest.subarray(0, CHUNK_BYTES), false, out, at);
      if (isHeld) this.#filled = 0;
      else rest = rest.subarray(CHUNK_BYTES);
    }
    this.#hold(rest);
    return out;
  }

  /** Returns the end of the payload. After that the sealer is spent. */
  final(): Buffer {
    this.#refuseMore();
    this.#hasEnded = true;
    const out = Buffer.allocUnsafe(this.#before.length + this.#filled + TAG_BYTES);
    this.#seal(this.#held.subarray(0, this.#filled), true, out, this.#takeBefore(out));
    this.#held.fill(0);
    this.#key.fill(0);
    return out;
  }

  /** Returns how far it is, and as `ready` the nonce if that is due. After that it is spent. */
  handOver(): PayloadState & { readonly ready: Buffer } {
    this.#refuseMore();
    this.#hasEnded = true;
    const state = stateOf(this.#key, this.#nonce, this.#held.subarray(0, this.#filled));
    this.#held.fill(0);
    this.#key.fill(0);
    return { ...state, ready: this.#before };
  }

  /** Fills up what is held; returns what does not fit. */
  #hold(bytes: Buffer): Buffer {
    const taken = bytes.copy(this.#held, this.#filled);
    this.#filled += taken;
    return bytes.subarray(taken);
  }

  #takeBefore(out: Buffer): number {
    const length = this.#before.copy(out);
    this.#before = NONE;
    return length;
  }

  #seal(chunk: Buffer, last: boolean, out: Buffer, at: number): number {
    const end = sealChunk(this.#key, this.#nonce.with(last), chunk, out, at);
    this.#nonce.index += 1;
    return end;
  }

  #refuseMore(): void {
    if (this.#hasEnded) throw new TypeError("the message is finished: nothing more can be sealed into it");
  }
}

/**
 * Opens a payload piece by piece. All plaintext it returns is authentic, but only `final` tells
 * that it is whole. After `final` or an error it is spent.
 */
export class PayloadOpener {
  readonly #fileKey: Buffer;
  readonly #chunkNonce = new ChunkNonce();
  /** The start of a sealed chunk. */
  readonly #held: Buffer = Buffer.allocUnsafeSlow(SEALED_CHUNK_BYTES);
  #filled = 0;
  #nonce: Buffer = NONE;
  #key: Buffer | null = null;
  #hasEnded = false;

  /** @param fileKey 16 bytes; it is copied */
  constructor(fileKey: Buffer) {
    this.#fileKey = Buffer.from(fileKey);
  }

  /**
   * Takes bytes of the payload and returns the plaintext that is ready, which may be none.
   *
   * Throws SealingError `TAMPERED_MESSAGE`.
   */
  push(payload: Uint8Array): Buffer {
    let rest = this.#afterNonce(viewOf(payload));
    if (this.#key === null) return NONE;
    const chunks = Math.floor((this.#filled + rest.length) / SEALED_CHUNK_BYTES);
    const out = chunks === 0 ? NONE : Buffer.allocUnsafe(chunks * CHUNK_BYTES);
    try {
      for (let count = 0; count < chunks; count += 1) {
        const isHeld = this.#filled > 0;
        if (isHeld) rest = this.#hold(rest);
        this.#openFull(this.#key, isHeld ? this.#held : rest.subarray(0, SEALED_CHUNK_BYTES), out, count * CHUNK_BYTES);
        if (isHeld) this.#filled = 0;
        else rest = rest.subarray(SEALED_CHUNK_BYTES);
      }
    } catch (error) {
      out.fill(0);
      throw error;
    }
    this.#hold(rest);
    return out;
  }

  /**
   * Returns the end of the plaintext.
   *
   * Throws SealingError `TAMPERED_MESSAGE`, and `MALFORMED_MESSAGE` if the payload has no nonce,
   * ends within a tag, or has an empty last chunk after others.
   */
  final(): Buffer {
    if (this.#key === null) throw malformed(`its payload ends within the nonce of ${PAYLOAD_NONCE_BYTES} bytes`);
    const plaintext = this.#openRest(this.#key, this.#held.subarray(0, this.#filled));
    this.#key.fill(0);
    this.#fileKey.fill(0);
    return plaintext;
  }

  /** Returns how far it is and is spent; null before the payload's nonce came, or after its end. */
  handOver(): PayloadState | null {
    if (this.#key === null || this.#hasEnded) return null;
    const state = stateOf(this.#key, this.#chunkNonce, this.#held.subarray(0, this.#filled));
    this.#key.fill(0);
    this.#fileKey.fill(0);
    return state;
  }

  /** Keeps the nonce at the payload's start, of which the key is made; returns what follows it. */
  #afterNonce(payload: Buffer): Buffer {
    if (this.#key !== null) return payload;
    const missing = PAYLOAD_NONCE_BYTES - this.#nonce.length;
    this.#nonce = Buffer.concat([this.#nonce, payload.subarray(0, missing)]);
    if (this.#nonce.length === PAYLOAD_NONCE_BYTES) this.#key = payloadKey(this.#fileKey, this.#nonce);
    return payload.subarray(missing);
  }

  /** Fills up what is held; returns what does not fit. */
  #hold(bytes: Buffer): Buffer {
    const taken = bytes.copy(this.#held, this.#filled);
    this.#filled += taken;
    return bytes.subarray(taken);
  }

  /** A full chunk may be the last: only the flag in its nonce tells. */
  #openFull(key: Buffer, chunk: Buffer, out: Buffer, at: number): void {
    this.#refuseMore();
    if (this.#open(key, chunk, false, out, at)) return;
    if (!this.#open(key, chunk, true, out, at)) throw tampered("its payload was changed");
    this.#hasEnded = true;
  }

  #openRest(key: Buffer, rest: Buffer): Buffer {
    if (rest.length === 0) {
      if (this.#hasEnded) return NONE;
      throw tampered("its payload was cut short");
    }
    this.#refuseMore();
    if (rest.length < TAG_BYTES) throw malformed("its payload ends within a chunk");
    if (rest.length === TAG_BYTES && this.#chunkNonce.index > 0)
      throw malformed("its payload ends with an empty chunk");
    const plaintext = Buffer.allocUnsafe(rest.length - TAG_BYTES);
    if (!this.#open(key, rest, true, plaintext, 0)) throw tampered("its payload was changed or cut short");
    return plaintext;
  }

  #refuseMore(): void {
    if (this.#hasEnded) throw tampered("something was added after the end of its payload");
  }

  /** Opens a chunk into `out`, which nothing is written to unless the chunk is authentic. */
  #open(key: Buffer, chunk: Buffer, last: boolean, out: Buffer, at: number): boolean {
    const isOpen = openChunk(key, this.#chunkNonce.with(last), chunk, out, at);
    if (isOpen) this.#chunkNonce.index += 1;
    return isOpen;
  }
}
