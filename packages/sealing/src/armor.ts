import { decodeBase64, encodeBase64, wrapLines } from "./base64.ts";
import { malformed } from "./malformed.ts";

/*
 * The text form of an age message (C2SP age.md, "ASCII armor"): strict PEM (RFC 7468 section 3).
 */

const BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----";
const END = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS = 64;
const LINE_BYTES = 48;
const CR = 13;
const LF = 10;
const END_BYTES = Buffer.from(END);
const NONE: Buffer = Buffer.alloc(0);

const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Puts base64 into lines between the begin and the end line. */
export function wrapArmor(base64: string): string {
  return [BEGIN, ...wrapLines(base64, COLUMNS), END, ""].join("\n");
}

/** Writes the text form piece by piece: lines of 64 characters, each ended by LF. */
export class ArmorEncoder {
  #held: Buffer = NONE;
  #before = `${BEGIN}\n`;

  /** Takes bytes in and gives the text that is ready. */
  push(bytes: Uint8Array): Buffer {
    const all = this.#held.length === 0 ? viewOf(bytes) : Buffer.concat([this.#held, bytes]);
    const end = all.length - (all.length % LINE_BYTES);
    this.#held = Buffer.from(all.subarray(end));
    return this.#write(encodeBase64(all.subarray(0, end), "padded"), "");
  }

  /** Gives the last line and the end line. */
  finish(): Buffer {
    return this.#write(encodeBase64(this.#held, "padded"), `${END}\n`);
  }

  /** The begin line where it was not written yet, base64 in lines, and `after`. */
  #write(base64: string, after: string): Buffer {
    const lines = Math.ceil(base64.length / COLUMNS);
    const text = Buffer.allocUnsafe(this.#before.length + base64.length + lines + after.length);
    let at = text.write(this.#before, "latin1");
    this.#before = "";
    const flat = Buffer.from(base64, "latin1");
    for (let line = 0; line < lines; line += 1) {
      at += flat.copy(text, at, line * COLUMNS, (line + 1) * COLUMNS);
      text[at] = LF;
      at += 1;
    }
    text.write(after, at, "latin1");
    return text;
  }
}

/** Writes the whole text form. */
export function encodeArmor(message: Uint8Array): Buffer {
  const encoder = new ArmorEncoder();
  return Buffer.concat([encoder.push(message), encoder.finish()]);
}

const isSpace = (byte: number | undefined): boolean => byte === 32 || (byte !== undefined && byte >= 9 && byte <= CR);

/**
 * Reads the text form piece by piece. Line ends may be LF or CRLF, and white space may surround the whole; nothing else is
 * tolerated. After an error it is spent.
 */
export class ArmorDecoder {
  /** What comes next: the begin line, lines of base64, the end line after a last line of base64, or white space. */
  #state: "begin" | "body" | "end" | "after" = "begin";
  /** The start of a line whose end has not come yet. */
  #held: Buffer = NONE;

  /**
   * Takes text in and gives the bytes that are ready.
   *
   * Throws SealingError `MALFORMED_MESSAGE`.
   */
  push(text: Uint8Array): Buffer {
    const all = this.#held.length === 0 ? viewOf(text) : Buffer.concat([this.#held, text]);
    const ready: Buffer[] = [];
    let at = 0;
    for (;;) {
      if (this.#state === "begin" || this.#state === "after") while (isSpace(all[at])) at += 1;
      if (this.#state === "after") break;
      if (this.#state !== "begin" && all.subarray(at, at + END_BYTES.length).equals(END_BYTES)) {
        at += END_BYTES.length;
        this.#state = "after";
        continue;
      }
      const run = this.#state === "body" ? fullLines(all, at) : null;
      const end = run === null ? all.indexOf(LF, at) : -1;
      if (run !== null) {
        ready.push(this.#decode(run.text));
        at = run.end;
      } else if (end !== -1) {
        ready.push(this.#line(all.toString("latin1", at, end)));
        at = end + 1;
      } else break;
    }
    if (this.#state === "after" && at < all.length) throw malformed("something follows the end line of its armor");
    // No line is longer, so nothing that is held is, and no hostile line can fill the memory.
    if (all.length - at > COLUMNS + 1) throw lineTooLong();
    this.#held = Buffer.from(all.subarray(at));
    return ready.length === 1 && ready[0] !== undefined ? ready[0] : Buffer.concat(ready);
  }

  /**
   * Tells that the text is whole. The end line need not end with a line end.
   *
   * Throws SealingError `MALFORMED_MESSAGE`.
   */
  finish(): void {
    if (this.#held.length > 0) this.push(Buffer.from([LF]));
    if (this.#state === "begin") throw noBegin();
    if (this.#state !== "after") throw malformed("its last line is not the end line of age's armor and nothing else");
  }

  #line(whole: string): Buffer {
    const line = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    if (this.#state === "begin") {
      if (line !== BEGIN) throw noBegin();
      this.#state = "body";
      return NONE;
    }
    if (this.#state === "end")
      throw malformed(`its armor is not in lines of ${COLUMNS} characters, of which the last may be shorter`);
    if (line.length > COLUMNS) throw lineTooLong();
    if (line === "") throw malformed("its armor has an empty line");
    if (line.length < COLUMNS) this.#state = "end";
    return this.#decode(line);
  }

  #decode(base64: string): Buffer {
    const bytes = decodeBase64(base64, "padded");
    if (bytes === null) throw malformed("its armor is not canonical padded base64");
    if (base64.endsWith("=")) this.#state = "end";
    return bytes;
  }
}

const noBegin = (): Error => malformed("its first line is not the begin line of age's armor and nothing else");
const lineTooLong = (): Error => malformed(`a line of its armor is over ${COLUMNS} characters long`);

/** The full lines of 64 characters from `at` on, without their line ends; null where there are none. */
const fullLines = (text: Buffer, at: number): { text: string; end: number } | null => {
  const lineEnd = text[at + COLUMNS] === CR ? "\r\n" : "\n";
  const stride = COLUMNS + lineEnd.length;
  let end = at;
  while (text[end + stride - 1] === LF && text.indexOf(LF, end) === end + stride - 1) end += stride;
  if (end === at) return null;
  // Where one of the lines is not full after all, what is left of another line end is no base64.
  return { text: text.toString("latin1", at, end).replaceAll(lineEnd, ""), end };
};

/**
 * Reads the whole text form.
 *
 * Throws SealingError `MALFORMED_MESSAGE`.
 */
export function decodeArmor(text: Uint8Array): Buffer {
  const decoder = new ArmorDecoder();
  const message = decoder.push(text);
  decoder.finish();
  return message;
}
