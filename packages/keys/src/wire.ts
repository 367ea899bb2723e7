import { Buffer } from "@git-vault/core/bytes";
import { KeyError, type KeyErrorCode } from "./errors.ts";

/*
 * The SSH wire encoding (RFC 4251 section 5), and the numbers in it.
 */

/** Reads one field after another. The Buffers it returns are views of the bytes it reads. */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #title: string;
  readonly #code: KeyErrorCode;
  #offset = 0;

  /**
   * @param title what is read, for error messages
   * @param code the code of the errors
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

  /** A positive `mpint` in its shortest form: the magnitude without leading zero bytes. */
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

  /** The error for what is read. */
  malformed(problem: string): KeyError {
    return new KeyError(this.#code, `malformed ${this.#title}: ${problem}`);
  }
}

/** Encodes a `uint32`. */
export function wireUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Encodes a `string`. */
export function wireString(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([wireUint32(bytes.length), bytes]);
}

/** Encodes a positive number, given as a magnitude without leading zero bytes, as an `mpint`. */
export function wireMpint(magnitude: Buffer): Buffer {
  const negative = (magnitude[0] ?? 0) >= 0x80;
  return wireString(negative ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude);
}

/** The number whose big-endian magnitude is `bytes`; zero for none. */
export function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}`);
}

/** The big-endian magnitude of a number that is not negative, without leading zero bytes. */
export function fromBigInt(value: bigint): Buffer {
  const hex = value.toString(16);
  return value === 0n ? Buffer.alloc(0) : Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
}

/** The length in bits of a magnitude without leading zero bytes. */
export function bitLength(magnitude: Uint8Array): number {
  return magnitude.length === 0 ? 0 : magnitude.length * 8 - (Math.clz32(magnitude[0] ?? 0) - 24);
}
