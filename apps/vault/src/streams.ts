/*
 * The three standard streams, by their file descriptors: reading and writing them synchronously is the fastest shape, and
 * process.stdin and process.stdout take milliseconds to make.
 */
import { isUtf8 } from "node:buffer";
import { fstatSync, readSync, writeSync } from "node:fs";
import { CliError } from "./errors.ts";
import { reason, systemCode } from "./system-error.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** The most that is read into memory: 256 MiB. */
const MAX_INPUT = 256 * 1024 * 1024;
const CHUNK = 64 * 1024;

/** Where a standard stream leads: to something that flows (a pipe, a socket or a file), to a terminal, or nowhere. */
export function leadsTo(fd: 0 | 1 | 2): "data" | "terminal" | "nothing" {
  let stat;
  try {
    stat = fstatSync(fd);
  } catch {
    return "nothing"; // closed
  }
  // A program that Node starts gets a socket for a pipe.
  if (stat.isFIFO() || stat.isFile() || stat.isSocket()) return "data";
  if (!stat.isCharacterDevice()) return "nothing";
  // Loaded only here, since it brings Node's whole network stack with it.
  return process.getBuiltinModule("node:tty").isatty(fd) ? "terminal" : "nothing";
}

/** What was read of a file descriptor. */
export interface Start {
  readonly data: Buffer;
  /** Whether that was all. */
  readonly ended: boolean;
}

/** Reads stdin to its end. */
export const readStdin = (): Buffer => readDescriptor(STDIN, "standard input");

/**
 * Reads a file descriptor to its end.
 *
 * @throws CliError `INPUT_UNREADABLE`, also for more than 256 MiB
 */
export function readDescriptor(fd: number, title: string): Buffer {
  const { data, ended } = readStart(fd, title, MAX_INPUT);
  if (!ended) throw new CliError("INPUT_UNREADABLE", `${title} is larger than the limit of 256 MiB`);
  return data;
}

/**
 * Reads a file descriptor to its end, or a little over `limit` bytes of it.
 *
 * @throws CliError `INPUT_UNREADABLE`
 */
export function readStart(fd: number, title: string, limit: number): Start {
  const chunks: Buffer[] = [];
  let size = 0;
  let ended = false;
  while (!ended && size <= limit) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const read = readSome(fd, chunk, title);
    ended = read === 0;
    size += read;
    chunks.push(chunk.subarray(0, read));
  }
  const data = Buffer.concat(chunks, size);
  for (const chunk of chunks) chunk.fill(0);
  return { data, ended };
}

/**
 * Reads what is there into `chunk`, at least one byte; 0 at the end.
 *
 * @throws CliError `INPUT_UNREADABLE`
 */
export function readSome(fd: number, chunk: Buffer, title: string): number {
  for (;;) {
    try {
      return readSync(fd, chunk);
    } catch (error) {
      const code = systemCode(error);
      if (code === "EOF") return 0; // how Windows ends a pipe
      if (code !== "EAGAIN")
        throw new CliError("INPUT_UNREADABLE", `cannot read ${title}: ${code ?? "it failed"}`, { cause: error });
      pause();
    }
  }
}

/** Writes to stdout, all of it, exactly. */
export function writeStdout(data: Uint8Array | string): void {
  try {
    writeDescriptor(STDOUT, typeof data === "string" ? Buffer.from(data) : data);
  } catch (error) {
    const code = systemCode(error);
    // Whoever read it has gone: what was begun is cleaned up, and nothing is said.
    if (code === "EPIPE") throw new CliError("CLOSED_PIPE", "standard output is closed", { cause: error });
    throw new CliError("OUTPUT_UNWRITABLE", `cannot write to standard output: ${reason(error)}`, { cause: error });
  }
}

/** Writes an object to stdout: one line of JSON, in which nothing can move a terminal's cursor or turn its text around. */
export const writeJson = (object: object): void => writeStdout(jsonLine(object));

/** The line that `writeJson` writes. */
export const jsonLine = (object: object): string => {
  const escaped = JSON.stringify(object).replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${escaped}\n`;
};

/** Says something to the person, on stderr: one line. Where that cannot be written, the job goes on without. */
export function say(line: string): void {
  try {
    writeDescriptor(STDERR, Buffer.from(`${line}\n`));
  } catch {
    // nobody listens
  }
}

function writeDescriptor(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (systemCode(error) !== "EAGAIN") throw error;
      pause();
    }
  }
}

/** A descriptor shared with a program that made it non-blocking is not ready: wait a moment. */
const pause = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
};

/** Whether the bytes are text that a terminal can show: UTF-8 without control characters other than tab and line ends. */
export function isPrintable(data: Uint8Array): boolean {
  if (!isUtf8(data)) return false;
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text);
}

/** A name from outside, made fit for a terminal: without control and direction-changing characters, and not endless. */
export const printable = (name: string): string => name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "").slice(0, 200);

/** A text of several lines, without control characters but the ends of lines. */
export const printableText = (text: string): string => text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");
