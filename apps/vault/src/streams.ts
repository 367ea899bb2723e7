/*
 * The three standard streams, by their file descriptors: reading and writing them synchronously is the fastest shape, and
 * process.stdin and process.stdout take milliseconds to make.
 */
import { isUtf8 } from "node:buffer";
import { fstatSync, readSync, writeSync } from "node:fs";
import { CliError } from "./errors.ts";
import { systemCode } from "./system-error.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** The most that is read into memory: 1 GiB. */
const MAX_INPUT = 2 ** 30;
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

/** Reads stdin to its end. */
export const readStdin = (): Buffer => readDescriptor(STDIN, "standard input");

/**
 * Reads a file descriptor to its end.
 *
 * @throws CliError `INPUT_UNREADABLE`, also for more than 1 GiB
 */
export function readDescriptor(fd: number, title: string): Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const read = readSome(fd, chunk, title);
    if (read === 0) break;
    size += read;
    if (size > MAX_INPUT) throw new CliError("INPUT_UNREADABLE", `${title} is larger than the limit of 1 GiB`);
    chunks.push(chunk.subarray(0, read));
  }
  const whole = Buffer.concat(chunks, size);
  for (const chunk of chunks) chunk.fill(0);
  return whole;
}

function readSome(fd: number, chunk: Buffer, title: string): number {
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
export const writeStdout = (data: Uint8Array | string): void => writeDescriptor(STDOUT, data);

/** Says something to the person, on stderr: one line. */
export const say = (line: string): void => writeDescriptor(STDERR, `${line}\n`);

function writeDescriptor(fd: number, data: Uint8Array | string): void {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = systemCode(error);
      if (code === "EPIPE") process.exit(1); // whoever read it has gone: nothing to say, and nobody to say it to
      if (code !== "EAGAIN") {
        throw new CliError("OUTPUT_UNWRITABLE", `cannot write to standard output: ${code ?? "it failed"}`, {
          cause: error,
        });
      }
      pause();
    }
  }
}

/** A descriptor shared with a program that made it non-blocking is not ready: wait a moment. */
const pause = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
};

/** The same as in `writeDescriptor`, for what goes through Node's own streams. */
export function endQuietlyOnBrokenPipe(): void {
  process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(1);
    throw error;
  });
}

/** Whether the bytes are text that a terminal can show: UTF-8 without control characters other than tab and line ends. */
export function isPrintable(data: Uint8Array): boolean {
  if (!isUtf8(data)) return false;
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text);
}

/** A name from outside, made fit for a terminal: without control and direction-changing characters, and not endless. */
export const printable = (name: string): string => name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "").slice(0, 200);
