import { decodeBase64 } from "../base64.ts";
import { KeyError } from "../errors.ts";

/** What a PuTTY private key file is called in messages. */
export const puttyTitle = "PuTTY private key";

/** The error for a PuTTY private key file that is not what it claims to be. */
export function malformedPutty(problem: string): KeyError {
  return new KeyError("MALFORMED_KEY", `malformed ${puttyTitle}: ${problem}`);
}

/** The error for a PuTTY private key file that puttygen can convert to one that is supported. */
export function unsupportedPutty(message: string): KeyError {
  return new KeyError("UNSUPPORTED_KEY", message, {
    hint: "convert it to OpenSSH's format with: puttygen KEY.ppk -O private-openssh-new -o KEY",
  });
}

/** Takes the headers of a PuTTY private key file in their fixed order. */
export class PuttyHeaders {
  readonly #lines: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/);
  }

  value(name: string): string {
    const line = this.#lines[this.#next] ?? "";
    if (!line.startsWith(`${name}: `)) throw malformedPutty(`expected the header ${name}`);
    this.#next += 1;
    return line.slice(name.length + 2);
  }

  /** A number of at most ten digits, written in the one shortest way. */
  number(name: string): number {
    const digits = this.value(name);
    if (!/^(?:0|[1-9][0-9]{0,9})$/.test(digits)) throw malformedPutty(`expected a number in the header ${name}`);
    return Number(digits);
  }

  hex(name: string): Buffer {
    const digits = this.value(name);
    if (!/^(?:[0-9a-f]{2})*$/.test(digits)) throw malformedPutty(`expected hexadecimal bytes in the header ${name}`);
    return Buffer.from(digits, "hex");
  }

  base64(name: string): Buffer {
    const count = this.value(name);
    if (!/^[1-9][0-9]{0,3}$/.test(count)) throw malformedPutty(`expected a number of lines in the header ${name}`);
    const lines = this.#lines.slice(this.#next, this.#next + Number(count));
    this.#next += lines.length;
    const bytes = decodeBase64(lines.join(""));
    if (bytes === null || lines.length < Number(count))
      throw malformedPutty(`expected canonical base64 under the header ${name}`);
    return bytes;
  }

  end(): void {
    if (this.#next < this.#lines.length) throw malformedPutty("something follows its MAC");
  }
}
