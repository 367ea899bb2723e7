import { Buffer } from "@git-vault/core/bytes";
import { decodeBase64, wrapLines } from "@git-vault/core";
import { viewOf } from "../buffers.ts";
import { malformed } from "../errors.ts";

/*
 * The text form of an age message (C2SP age.md, "ASCII armor"): strict PEM (RFC 7468 section 3).
 */

const BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----";
const END = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS = 64;
const LINE_BYTES = 48;
/**
 * This many lines become a string at a time. V8 collects strings of that size often, and finds
 * unused buffers with them; much larger strings are elsewhere, and both would pile up to tens of
 * megabytes.
 */
const LINES_AT_ONCE = 1000;
const CR = 13;
const LF = 10;
const DASH = 45;
const PADDING = 61;
const END_BYTES = Buffer.from(END);
const NONE: Buffer = Buffer.alloc(0);

/** Puts base64 into lines between the begin and the end line. */
export function wrapArmor(base64: string): string {
  return [BEGIN, ...wrapLines(base64, COLUMNS), END, ""].join("\n");
}

/** Writes the text form piece by piece: lines of 64 characters, each ended by LF. */
export class ArmorEncoder {
  #held: Buffer = NONE;
  #before = `${BEGIN}\n`;

  /** Takes bytes and returns the text that is ready. */
  push(bytes: Uint8Array): Buffer {
    const all = this.#held.length === 0 ? viewOf(bytes) : Buffer.concat([this.#held, bytes]);
    const end = all.length - (all.length % LINE_BYTES);
    this.#held = Buffer.from(all.subarray(end));
    return this.#write(all.subarray(0, end), "");
  }

  /** Returns the last line and the end line. */
  finish(): Buffer {
    return this.#write(this.#held, `${END}\n`);
  }

  /** The begin line if it is due, bytes in lines of base64, and `after`. */
  #write(bytes: Buffer, after: string): Buffer {
    const characters = Math.ceil(bytes.length / 3) * 4;
    const lines = Math.ceil(characters / COLUMNS);
    const text = Buffer.allocUnsafe(this.#before.length + characters + lines + after.length);
    let at = text.write(this.#before, "latin1");
    this.#before = "";
    for (let from = 0; from < bytes.length; from += LINES_AT_ONCE * LINE_BYTES) {
      at = writeLines(bytes.subarray(from, from + LINES_AT_ONCE * LINE_BYTES), text, at);
    }
    text.write(after, at, "latin1");
    return text;
  }
}

/** Writes bytes in lines of base64 into a text; returns where they end. */
const writeLines = (bytes: Buffer, text: Buffer, start: number): number => {
  const base64 = text.write(bytes.toString("base64"), start, "latin1");
  const lines = Math.ceil(base64 / COLUMNS);
  // First all lines are joined; then, from the last one, each moves to its place: by far the
  // fastest way in Node.
  for (let line = lines - 1; line > 0; line -= 1) {
    const from = start + line * COLUMNS;
    text.copyWithin(from + line, from, from + COLUMNS);
    text[from + line - 1] = LF;
  }
  const end = start + base64 + lines;
  text[end - 1] = LF;
  return end;
};

const isSpace = (byte: number | undefined): boolean => byte === 32 || (byte !== undefined && byte >= 9 && byte <= CR);

/**
 * Reads the text form piece by piece. Line ends may be LF or CRLF, and white space may surround the
 * whole; nothing else is tolerated. After an error it is spent.
 */
export class ArmorDecoder {
  /** What comes next: begin line, base64, end line, or white space. */
  #state: "begin" | "body" | "end" | "after" = "begin";
  /** The start of a line whose end has not come yet. */
  #held: Buffer = NONE;

  /**
   * Takes text and returns the bytes that are ready.
   *
   * Throws SealingError `MALFORMED_MESSAGE`.
   */
  push(text: Uint8Array): Buffer {
    const all = this.#held.length === 0 ? viewOf(text) : Buffer.concat([this.#held, text]);
    const ready: Buffer[] = [];
    let at = 0;
    let dash = all.indexOf(DASH);
    for (;;) {
      if (this.#state === "begin" || this.#state === "after") while (isSpace(all[at])) at += 1;
      if (this.#state === "after") break;
      if (this.#state !== "begin" && all.subarray(at, at + END_BYTES.length).equals(END_BYTES)) {
        at += END_BYTES.length;
        this.#state = "after";
        continue;
      }
      if (dash !== -1 && dash < at) dash = all.indexOf(DASH, at);
      const run = this.#state === "body" ? fullLines(all, at, dash === -1 ? all.length : dash) : null;
      const end = run === null ? all.indexOf(LF, at) : run.end;
      if (end === -1) break;
      ready.push(run === null ? this.#line(all.toString("latin1", at, end)) : run.bytes);
      at = run === null ? end + 1 : end;
    }
    if (this.#state === "after" && at < all.length)
      throw malformed("there is something after the end line of its armor");
    // No line is longer, so a hostile line cannot fill the memory.
    if (all.length - at > COLUMNS + 1) throw lineTooLong();
    this.#held = Buffer.from(all.subarray(at));
    return ready.length === 1 && ready[0] !== undefined ? ready[0] : Buffer.concat(ready);
  }

  /**
   * Says that the text is complete. The end line need not end with a line end.
   *
   * Throws SealingError `MALFORMED_MESSAGE`.
   */
  finish(): void {
    if (this.#held.length > 0) this.push(Buffer.from([LF]));
    if (this.#state === "begin") throw noBegin();
    if (this.#state !== "after") throw malformed("its last line is not exactly age's END line");
  }

  #line(whole: string): Buffer {
    const line = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    if (this.#state === "begin") {
      if (line !== BEGIN) throw noBegin();
      this.#state = "body";
      return NONE;
    }
    if (this.#state === "end")
      throw malformed(`a line of its armor, other than the last, is not ${COLUMNS} characters long`);
    if (line.length > COLUMNS) throw lineTooLong();
    if (line === "") throw malformed("its armor has an empty line");
    if (line.length < COLUMNS) this.#state = "end";
    const bytes = decodeBase64(line);
    if (bytes === null) throw notBase64();
    if (line.endsWith("=")) this.#state = "end";
    return bytes;
  }
}

const noBegin = (): Error => malformed("its first line is not exactly age's BEGIN line");
const notBase64 = (): Error => malformed("its armor is damaged: it is not canonical base64");
const lineTooLong = (): Error => malformed(`a line of its armor is over ${COLUMNS} characters long`);

/**
 * What the full lines from `at` hold, up to the next dash, which only the end line may have; null
 * if there are none. A full line that ends with padding is not among them, since it is the last.
 */
const fullLines = (text: Buffer, at: number, dash: number): { bytes: Buffer; end: number } | null => {
  const lineEnd = text[at + COLUMNS] === CR ? 2 : 1;
  const stride = COLUMNS + lineEnd;
  let end = at;
  for (let next = at + stride; next <= dash; next += stride) {
    if (text[next - 1] !== LF || (lineEnd === 2 && text[next - 2] !== CR)) break;
    if (text[next - lineEnd - 1] === PADDING) break;
    end = next;
  }
  if (end === at) return null;
  const bytes = Buffer.allocUnsafe(((end - at) / stride) * LINE_BYTES);
  for (let from = at, to = 0; from < end; from += LINES_AT_ONCE * stride, to += LINES_AT_ONCE * LINE_BYTES) {
    const run = text.toString("latin1", from, Math.min(end, from + LINES_AT_ONCE * stride));
    // Buffer skips what is not in its two alphabets, so anything else would yield fewer bytes. The
    // URL-safe alphabet differs from base64's own in `-` and `_`.
    const written = bytes.write(run, to, "base64");
    if (written !== (run.length / stride) * LINE_BYTES || run.includes("_")) throw notBase64();
  }
  return { bytes, end };
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
