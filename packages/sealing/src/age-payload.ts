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

/** Cuts a stream into chunks of equal length. */
class Chunks {
  readonly #held: Buffer;
  readonly #spare: number;
  #filled = 0;

  /** @param keepsLast whether a full chunk is held back until more bytes come, since it could be the last one */
  constructor(chunkBytes: number, keepsLast: boolean) {
    this.#held = Buffer.alloc(chunkBytes);
    this.#spare = keepsLast ? 1 : 0;
  }

  /** Takes bytes in; gives the chunks that are full. Each is valid until the next is asked for. */
  *push(bytes: Uint8Array): Generator<Buffer, void, undefined> {
    const size = this.#held.length;
    let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (rest.length > 0) {
      if (this.#filled === 0 && rest.length >= size + this.#spare) {
        yield rest.subarray(0, size);
        rest = rest.subarray(size);
        continue;
      }
      const taken = rest.copy(this.#held, this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
      if (this.#filled === size && rest.length >= this.#spare) {
        yield this.#held;
        this.#filled = 0;
      }
    }
  }

  /** What is left: the last chunk. */
  rest(): Buffer {
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
  readonly #chunks = new Chunks(CHUNK_BYTES, true);
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
    this.#seal(this.#chunks.rest(), true);
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
  readonly #chunks = new Chunks(CHUNK_BYTES + TAG_BYTES, false);
  #nonce: Buffer = Buffer.alloc(0);
  #key: Buffer | null = null;
  #index = 0;
  #hasEnded = false;

  /** @param fileKey 16 bytes; it is copied */
  constructor(fileKey: Buffer) {
    this.#fileKey = Buffer.from(fileKey);
  }

  /**
   * Takes bytes of the payload in and gives the plaintext that is ready, which may be none.
   *
   * Throws SealingError `TAMPERED_MESSAGE`.
   */
  push(payload: Uint8Array): Buffer {
    const chunks = this.#afterNonce(payload);
    if (this.#key === null) return Buffer.alloc(0);
    const ready: Buffer[] = [];
    for (const chunk of this.#chunks.push(chunks)) ready.push(this.#openFull(this.#key, chunk));
    return joinSecrets(ready);
  }

  /**
   * Gives the end of the plaintext.
   *
   * Throws SealingError `TAMPERED_MESSAGE`, and `MALFORMED_MESSAGE` where the payload has no nonce, ends within a tag, or has an
   * empty last chunk after others.
   */
  final(): Buffer {
    if (this.#key === null) throw malformed(`its payload ends within the nonce of ${PAYLOAD_NONCE_BYTES} bytes`);
    const plaintext = this.#openRest(this.#key, this.#chunks.rest());
    this.#key.fill(0);
    this.#fileKey.fill(0);
    return plaintext;
  }

  /** Keeps the nonce at the payload's start, from which the key comes; gives what follows it. */
  #afterNonce(payload: Uint8Array): Uint8Array {
    if (this.#key !== null) return payload;
    const missing = PAYLOAD_NONCE_BYTES - this.#nonce.length;
    this.#nonce = Buffer.concat([this.#nonce, payload.subarray(0, missing)]);
    if (this.#nonce.length === PAYLOAD_NONCE_BYTES) this.#key = payloadKey(this.#fileKey, this.#nonce);
    return payload.subarray(missing);
  }

  /** A full chunk may be the last or not: only its flag tells. */
  #openFull(key: Buffer, chunk: Buffer): Buffer {
    this.#refuseMore();
    const plaintext = this.#open(key, chunk, false);
    if (plaintext !== null) return plaintext;
    const last = this.#open(key, chunk, true);
    if (last === null) throw tampered("its payload was changed");
    this.#hasEnded = true;
    return last;
  }

  #openRest(key: Buffer, rest: Buffer): Buffer {
    if (rest.length === 0) {
      if (this.#hasEnded) return rest;
      throw tampered("its payload was cut short");
    }
    this.#refuseMore();
    if (rest.length < TAG_BYTES) throw malformed("its payload ends within a chunk");
    if (rest.length === TAG_BYTES && this.#index > 0) throw malformed("its payload ends with an empty chunk");
    const plaintext = this.#open(key, rest, true);
    if (plaintext === null) throw tampered("its payload was changed or cut short");
    return plaintext;
  }

  #refuseMore(): void {
    if (this.#hasEnded) throw tampered("something was added after the end of its payload");
  }

  #open(key: Buffer, chunk: Buffer, last: boolean): Buffer | null {
    const plaintext = openAead("chacha20-poly1305", key, chunkNonce(this.#index, last), chunk);
    if (plaintext !== null) this.#index += 1;
    return plaintext;
  }
}

/** One Buffer of several that hold secrets, which are overwritten. */
const joinSecrets = (parts: readonly Buffer[]): Buffer => {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const joined = Buffer.concat(parts);
  for (const part of parts) part.fill(0);
  return joined;
};

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
  return joinSecrets([opener.push(payload), opener.final()]);
}
