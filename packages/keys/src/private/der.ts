import { malformed } from "../errors.ts";

/*
 * As much of DER (X.690) as it takes to check the parameters of an encrypted PKCS#8 key before any
 * work is done with them.
 */

/** The tags that occur there. */
export const DER = { integer: 0x02, octetString: 0x04, objectIdentifier: 0x06, sequence: 0x30 } as const;

/**
 * Reads DER elements one after another. The Buffers it returns are views of the bytes it reads.
 * Throws KeyError `MALFORMED_KEY`.
 */
export class DerReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The content of the next element, which must have that tag. */
  element(tag: number): Buffer {
    if (this.#take(1)[0] !== tag) throw damaged();
    const first = this.#take(1).readUInt8();
    // Two bytes of length are enough for a file of 16 KiB.
    if (first === 0x80 || first > 0x82) throw damaged();
    return this.#take(first < 0x80 ? first : this.#take(first - 0x80).readUIntBE(0, first - 0x80));
  }

  /** A reader of the next element, a SEQUENCE. */
  sequence(): DerReader {
    return new DerReader(this.element(DER.sequence));
  }

  /** The next element, an OBJECT IDENTIFIER, in hexadecimal. */
  objectIdentifier(): string {
    return this.element(DER.objectIdentifier).toString("hex");
  }

  /** The next element, an INTEGER from 0; Infinity for one over 48 bits. */
  integer(): number {
    const bytes = this.element(DER.integer);
    if (bytes.length === 0 || (bytes[0] ?? 0) >= 0x80) throw damaged();
    return bytes.length > 6 ? Infinity : bytes.readUIntBE(0, bytes.length);
  }

  /** Asserts that everything was read. */
  end(): void {
    if (this.#offset < this.#bytes.length) throw damaged();
  }

  #take(length: number): Buffer {
    if (this.#offset + length > this.#bytes.length) throw damaged();
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }
}

const damaged = (): Error => malformed("PEM private key", "its DER is damaged");
