const FIRST_BYTES = 4096;

/**
 * Bytes that pile up. Appending costs as much as what is appended, however much there is already.
 */
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

  /** Gives all there is and keeps nothing. */
  take(): Buffer {
    const { bytes } = this;
    this.#store = Buffer.alloc(0);
    this.#length = 0;
    return bytes;
  }
}
