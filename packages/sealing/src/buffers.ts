import { Buffer } from "@git-vault/core/bytes";

/** The same memory as a Buffer. */
export const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** One Buffer of two that hold secrets, which are overwritten. */
export function joinSecrets(start: Buffer, end: Buffer): Buffer {
  if (end.length === 0) return start;
  if (start.length === 0) return end;
  const whole = Buffer.concat([start, end]);
  start.fill(0);
  end.fill(0);
  return whole;
}

/** ES2024's `ArrayBuffer.prototype.transfer`: from Node 22, or 20 with V8's flag. */
type Transferable = ArrayBufferLike & { readonly transfer?: (length: number) => ArrayBuffer };

/**
 * Gives the memory of a buffer back at once. node:crypto makes a new buffer for each chunk; left to
 * the garbage collector they pile up, each in memory that is not in the processor's cache and that
 * the kernel has to clear first, which takes a quarter of the time. If the runtime cannot, the
 * collector does it later.
 *
 * @param bytes useless afterwards; nothing happens unless it is all of its memory
 */
export function freeMemory(bytes: Uint8Array): void {
  const memory: Transferable = bytes.buffer;
  if (bytes.byteLength === memory.byteLength) memory.transfer?.(0);
}

const FIRST_BYTES = 4096;

/** Bytes that pile up; appending costs only what is appended. */
export class GrowingBytes {
  #store: Buffer = Buffer.alloc(0);
  #length = 0;

  /** All there is; valid until more is appended or it is taken. */
  get bytes(): Buffer {
    return this.#store.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#store.length) {
      const store = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, length, 2 * this.#length));
      this.bytes.copy(store);
      this.#store = store;
    }
    this.#store.set(bytes, this.#length);
    this.#length = length;
  }

  /** Returns all there is and keeps nothing. */
  take(): Buffer {
    const { bytes } = this;
    this.#store = Buffer.alloc(0);
    this.#length = 0;
    return bytes;
  }
}
