import { readSync, writeSync } from "node:fs";
import { GitCryptError } from "../errors.ts";

/** The most bytes of content in one packet: 65,520 less its length of four. */
const MAX_CONTENT_BYTES = 65_516;
const FLUSH = Buffer.from("0000");
/** More than fits a pipe at once, so that one call empties it. */
const BUFFER_BYTES = 256 * 1024;

const badProtocol = (message: string): GitCryptError =>
  new GitCryptError("BAD_PROTOCOL", message, { hint: "git runs the filter; it is not for a terminal" });

/** Waits where somebody set the pipe to not block. */
function retrying(action: () => number): number {
  for (;;) {
    try {
      return action();
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EOF") return 0;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Reads pkt-lines (gitprotocol-common) from a file descriptor, synchronously. */
export class PktLineReader {
  readonly #file: number;
  readonly #buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  readonly #content: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  /** How much of each was ever written: only that is wiped, the rest takes no memory yet. */
  #usedBuffer = 0;
  #usedContent = 0;

  constructor(file: number) {
    this.#file = file;
  }

  /** Makes sure that `bytes` are there; false at the end of the input. */
  #fill(bytes: number): boolean {
    if (this.#end - this.#start >= bytes) return true;
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    while (this.#end < bytes) {
      const free = this.#buffer.length - this.#end;
      const count = retrying(() => readSync(this.#file, this.#buffer, this.#end, free, null));
      if (count === 0) return false;
      this.#end += count;
      this.#usedBuffer = Math.max(this.#usedBuffer, this.#end);
    }
    return true;
  }

  /** A packet, valid until the next call; null for a flush, undefined at the end. */
  next(): Buffer | null | undefined {
    if (!this.#fill(4)) {
      if (this.#end > this.#start) throw badProtocol("the input ends within a packet");
      return undefined;
    }
    const digits = this.#buffer.toString("latin1", this.#start, this.#start + 4);
    const length = /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
    if (length !== 0 && (length < 4 || length > MAX_CONTENT_BYTES + 4)) throw badProtocol("expected a packet of git's");
    if (!this.#fill(Math.max(4, length))) throw badProtocol("the input ends within a packet");
    const from = this.#start + 4;
    this.#start += Math.max(4, length);
    return length === 0 ? null : this.#buffer.subarray(from, this.#start);
  }

  /** The lines up to a flush, each without its line break; undefined at the end of the input. */
  lines(): string[] | undefined {
    const lines: string[] = [];
    for (let packet = this.next(); packet !== null; packet = this.next()) {
      if (packet === undefined) {
        if (lines.length > 0) throw badProtocol("the input ends within a list");
        return undefined;
      }
      lines.push(packet.toString("latin1").replace(/\n$/, ""));
    }
    return lines;
  }

  /** The content up to a flush, valid until the next call: reuse is faster than allocating. */
  content(): Buffer {
    let content = this.#content;
    let length = 0;
    for (let packet = this.next(); packet !== null; packet = this.next()) {
      if (packet === undefined) throw badProtocol("the input ends within a content");
      if (length + packet.length > content.length) {
        const larger = Buffer.allocUnsafe(2 * content.length);
        content.copy(larger, 0, 0, length);
        if (content !== this.#content) content.fill(0);
        content = larger;
      }
      packet.copy(content, length);
      length += packet.length;
      if (content === this.#content) this.#usedContent = Math.max(this.#usedContent, length);
    }
    return content.subarray(0, length);
  }

  /** Zeroes what is buffered. */
  wipe(): void {
    this.#buffer.fill(0, 0, this.#usedBuffer);
    this.#content.fill(0, 0, this.#usedContent);
  }
}

const packetOf = (text: string): Buffer =>
  Buffer.from((text.length + 5).toString(16).padStart(4, "0") + `${text}\n`, "latin1");

/** Writes git's packets to a file descriptor. */
export class PktLineWriter {
  readonly #file: number;
  readonly #buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #length = 0;
  /** How much of it was ever written. */
  #used = 0;

  constructor(file: number) {
    this.#file = file;
  }

  #add(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#buffer.length) this.send();
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    this.#used = Math.max(this.#used, this.#length);
  }

  lines(...lines: readonly string[]): this {
    for (const line of lines) this.#add(packetOf(line));
    this.#add(FLUSH);
    return this;
  }

  content(content: Uint8Array): this {
    for (let offset = 0; offset < content.length; offset += MAX_CONTENT_BYTES) {
      const part = content.subarray(offset, offset + MAX_CONTENT_BYTES);
      this.#add(Buffer.from((part.length + 4).toString(16).padStart(4, "0")));
      this.#add(part);
    }
    this.#add(FLUSH);
    return this;
  }

  /** Hands over what was written. */
  send(): void {
    for (let offset = 0; offset < this.#length;) {
      const [from, count] = [offset, this.#length - offset];
      offset += retrying(() => writeSync(this.#file, this.#buffer, from, count));
    }
    this.#length = 0;
  }

  /** Zeroes what was buffered. */
  wipe(): void {
    this.#buffer.fill(0, 0, this.#used);
  }
}
