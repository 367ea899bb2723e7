import { KeyError, type KeyErrorCode } from "./errors.ts";

/*
 * The SSH wire encoding: RFC 4251 section 5.
 */

/**
 * Reads the fields of an SSH wire encoding one after another; what it gives are views of the bytes
 * it reads.
 */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #title: string;
  readonly #code: KeyErrorCode;
  #offset = 0;

  /**
   * @param title what is read, for the messages of errors
   * @param code the code of errors
   */
  constructor(bytes: Buffer, title: string, code: KeyErrorCode = "MALFORMED_KEY") {
    this.#bytes = bytes;
    this.#title = title;
    this.#code = code;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The next `length` bytes. */
  bytes(length: number): Buffer {
    if (length > this.left) throw this.malformed("it ends too early");
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  /** A `uint32`. */
  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  /** A `string`: any bytes after their length. */
  string(): Buffer {
    return this.bytes(this.uint32());
  }

  /**
   * An `mpint` that must be positive and in the shortest form, as its magnitude without leading
   * zero bytes.
   */
  mpint(): Buffer {
    const bytes = this.string();
    const [first, second = 0] = bytes;
    if (first === undefined) throw this.malformed("a number in it is zero");
    if (first >= 0x80) throw this.malformed("a number in it is negative");
    if (first > 0) return bytes;
    if (second < 0x80) throw this.malformed("a number in it is not in its shortest form");
    return bytes.subarray(1);
  }

  /** Asserts that everything was read. */
  end(): void {
    if (this.left > 0) throw this.malformed(`${this.left} bytes are left over at its end`);
  }

  /** The error for what is wrong with the thing that is read. */
  malformed(problem: string): KeyError {
    return new KeyError(this.#code, `malformed ${this.#title}: ${problem}`);
  }
}

/** Encodes a `string`. */
export function wireString(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Encodes a positive number, given as a magnitude without leading zero bytes, as an `mpint`. */
export function wireMpint(magnitude: Buffer): Buffer {
  const negative = (magnitude[0] ?? 0) >= 0x80;
  return wireString(negative ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude);
}
