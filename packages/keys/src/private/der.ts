import { KeyError } from "../errors.ts";

/*
 * As much of DER (X.690) as it takes to look into the parameters of an encrypted PKCS#8 key before
 * anything is computed from them.
 */

/** The tags that are met there. */
export const derTag = { integer: 0x02, octetString: 0x04, objectIdentifier: 0x06, sequence: 0x30 } as const;

const malformed = (): KeyError => new KeyError("MALFORMED_KEY", "malformed PEM private key: its DER is damaged");

/**
 * Reads DER elements one after another; what it gives are views of the bytes it reads. Throws
 * KeyError `MALFORMED_KEY`.
 */
export class DerReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The content of the next element, which must have that tag. */
  element(tag: number): Buffer {
    if (this.#byte() !== tag) throw malformed();
    const first = this.#byte();
    let length = first;
    if (first >= 0x80) {
      const count = first - 0x80;
      // Two bytes of length do for a file of 16 KiB.
      if (count < 1 || count > 2) throw malformed();
      length = 0;
      for (let index = 0; index < count; index += 1) length = length * 256 + this.#byte();
    }
    if (this.#offset + length > this.#bytes.length) throw malformed();
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  /** A reader of the next element, a SEQUENCE. */
  sequence(): DerReader {
    return new DerReader(this.element(derTag.sequence));
  }

  /** The next element, an OBJECT IDENTIFIER, in hexadecimal. */
  objectIdentifier(): string {
    return this.element(derTag.objectIdentifier).toString("hex");
  }

  /** The next element, an INTEGER from 0; Infinity for one over 48 bits. */
  integer(): number {
    const bytes = this.element(derTag.integer);
    if (bytes.length === 0 || (bytes[0] ?? 0) >= 0x80) throw malformed();
    return bytes.length > 6 ? Infinity : bytes.readUIntBE(0, bytes.length);
  }

  /** Asserts that everything was read. */
  end(): void {
    if (this.#offset < this.#bytes.length) throw malformed();
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw malformed();
    this.#offset += 1;
    return byte;
  }
}
