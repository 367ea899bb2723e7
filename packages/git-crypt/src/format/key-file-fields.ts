import { GitCryptError } from "../errors.ts";

/** A field of a key file's header or of one of its entries. */
export interface Field {
  /** Not 0, below 2³². */
  readonly id: number;
  readonly data: Buffer;
}

/** The largest number that the format can hold. */
export const MAX_UINT32 = 0xffff_ffff;

/** The error of everything that is wrong with a key file. */
export const malformed = (message: string, hint?: string): GitCryptError =>
  new GitCryptError("MALFORMED_KEY_FILE", message, { hint });

/** A number as the format writes it: 4 bytes, the highest first. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Tells whether a reader that does not know a field may skip it: an odd one is critical. */
export const isSkippable = (id: number): boolean => id % 2 === 0;

/** Reads a key file from start to end; MALFORMED_KEY_FILE if it is cut off. */
export class FieldReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** Gives a view, so that nothing secret is copied before the whole file is known to be good. */
  take(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) {
      throw malformed(`the key file is cut off: expected ${end} bytes or more, got ${this.#bytes.length}`);
    }
    const bytes = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  /** Reads fields up to id 0, each id once in ascending order, as git-crypt writes them. */
  fields(known: readonly number[]): Field[] {
    const fields: Field[] = [];
    for (let id = this.uint32(); id !== 0; id = this.uint32()) {
      if (id <= (fields.at(-1)?.id ?? 0)) throw malformed(`the key file's field ${id} is repeated or out of order`);
      if (!known.includes(id) && !isSkippable(id)) {
        throw malformed(`the key file holds an unknown critical field, ${id}`, "a newer git-crypt may have written it");
      }
      fields.push({ id, data: this.take(this.uint32()) });
    }
    return fields;
  }
}

/** Writes fields in ascending order, and the id 0 that ends them. */
export function encodeFields(fields: readonly Field[]): Buffer {
  const ascending = fields.toSorted((a, b) => a.id - b.id);
  return Buffer.concat([...ascending.flatMap(({ id, data }) => [uint32(id), uint32(data.length), data]), uint32(0)]);
}
