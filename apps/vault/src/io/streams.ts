/*
 * The three standard streams, by their file descriptors: reading and writing them synchronously is
 * the fastest shape, and process.stdin and process.stdout take milliseconds to make.
 */
import { constants, isUtf8 } from "node:buffer";
import { fstatSync, readSync, statSync, writevSync } from "node:fs";
import { printable, systemCode } from "@git-vault/core";
import { noteChange } from "@git-vault/git-crypt/programs";
import { CliError } from "../errors.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** The most that is read into memory: 256 MiB. */
const MAX_INPUT = 256 * 1024 * 1024;
const CHUNK = 64 * 1024;
/** Node reads less than 2 GiB at a time, and some systems write no more. */
const MOST_AT_ONCE = 2 ** 30;

/** Where a standard stream leads: to a pipe, socket or file, to a terminal, or nowhere. */
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

/**
 * Whether standard output was closed (`>&-`), or the program that started this one ignores it. Node
 * puts /dev/null in its place, open for both ways; a shell's `>/dev/null` is open for writing
 * alone, so that it cannot be read. Reading /dev/null takes nothing away.
 */
export function isStdoutClosed(): boolean {
  if (leadsTo(STDOUT) !== "nothing") return false;
  try {
    if (fstatSync(STDOUT).rdev !== statSync("/dev/null").rdev) return false;
    readSync(STDOUT, Buffer.alloc(1));
    return true;
  } catch {
    return false; // it is for writing alone, or no system of this kind
  }
}

/**
 * Whether somebody else read the start of the file that is standard input, such as a shell's loop.
 *
 * @param read how many bytes there were to its end
 */
export const isStdinBegun = (read: number): boolean => leadsTo(STDIN) === "data" && read < sizeOf(STDIN);

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
 * @param most in bytes; 256 MiB where it is left out
 * @throws CliError `INPUT_UNREADABLE`, also for more than that
 */
export function readDescriptor(fd: number, title: string, most: number = MAX_INPUT): Buffer {
  const { data, ended } = readStart(fd, title, most);
  if (!ended)
    throw new CliError("INPUT_UNREADABLE", `${title} is larger than the limit of ${Math.floor(most / 2 ** 20)} MiB`);
  return data;
}

/**
 * Reads a file descriptor to its end, or a little over `limit` bytes of it.
 *
 * @throws CliError `INPUT_UNREADABLE`
 */
export function readStart(fd: number, title: string, limit: number): Start {
  const most = Math.min(limit + CHUNK, constants.MAX_LENGTH);
  let data = Buffer.allocUnsafeSlow(Math.min(Math.max(sizeOf(fd) + 1, CHUNK), most));
  let size = 0;
  while (size <= limit) {
    if (size === data.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(2 * size, most));
      data.copy(larger);
      data.fill(0);
      data = larger;
    }
    const read = readSome(fd, data.subarray(size, size + MOST_AT_ONCE), title);
    if (read === 0) return { data: data.subarray(0, size), ended: true };
    size += read;
  }
  return { data: data.subarray(0, size), ended: false };
}

/** A file's size; 0 for anything else. */
function sizeOf(fd: number): number {
  try {
    return fstatSync(fd).size;
  } catch {
    return 0; // reading it tells why
  }
}

/**
 * Memory to read a large input into again and again: so many bytes, which begin in the middle of a
 * page. Large memory begins 16 bytes into a page, and the data that the kernel copies into it at a
 * page's start: some processors (AMD's Zen 3 and 4) copy such a short way apart at a quarter of
 * their speed.
 */
export const bufferToRead = (bytes: number): Buffer =>
  Buffer.allocUnsafeSlow(bytes + HALF_A_PAGE).subarray(HALF_A_PAGE);

const HALF_A_PAGE = 2048;

/**
 * Reads what is there into `chunk`, at least one byte; 0 at the end.
 *
 * @throws CliError `INPUT_UNREADABLE`
 */
export function readSome(fd: number, chunk: Buffer, title: string): number {
  for (;;) {
    try {
      const count = readSync(fd, chunk);
      noteChange(); // Anyone who writes it may take hours, and change the repository meanwhile.
      return count;
    } catch (error) {
      const code = systemCode(error);
      if (code === "EOF") return 0; // how Windows ends a pipe
      if (code !== "EAGAIN")
        throw new CliError("INPUT_UNREADABLE", `cannot read ${title}: ${code ?? "it failed"}`, { cause: error });
      pause();
    }
  }
}

/** What happens to text before it is printed. */
let filter = (text: string): string => text;

/**
 * From here on, text for stdout and stderr is what `change` makes of it; bytes stay as they are.
 */
export function filterText(change: (text: string) => string): void {
  filter = change;
}

/** What wipes that which stands on the terminal for a moment only, such as progress. */
let wipe = (): void => {};

/** From here on, `clear` runs before anything is written to the terminal that stays there. */
export function beforeText(clear: () => void): void {
  wipe = clear;
}

/** Text that is kept back until {@link takeHeld}. */
export interface HeldText {
  readonly fd: 1 | 2;
  readonly text: string;
}

let held: HeldText[] | null = null;

/**
 * Writes text to stdout that may be longer than the screen. Where that is a terminal, it is kept
 * back until the command is done, and so is what else the command says after it: a pager shows them
 * in their order, and what the command held open, such as a key, is gone by then.
 */
export function writeLong(text: string): void {
  if (leadsTo(STDOUT) === "terminal") held ??= [];
  writeStdout(text);
}

/** What was kept back. From here on, text is written at once. */
export function takeHeld(): readonly HeldText[] {
  const taken = held ?? [];
  held = null;
  return taken;
}

/** Writes to stdout, all of it, exactly. */
export function writeStdout(data: Uint8Array | string): void {
  const text = typeof data === "string" ? filter(data) : data;
  if (held !== null && typeof text === "string") {
    held.push({ fd: STDOUT, text });
    return;
  }
  wipe();
  writePieces(STANDARD_OUTPUT, [typeof text === "string" ? Buffer.from(text) : text]);
}

/** Something open for writing. */
export interface Destination {
  readonly descriptor: number;
  /** For sentences about it; null for standard output. */
  readonly title: string | null;
}

export const STANDARD_OUTPUT: Destination = { descriptor: STDOUT, title: null };

/**
 * Writes pieces that follow each other, all of them.
 *
 * @throws CliError `OUTPUT_UNWRITABLE`; `CLOSED_PIPE` for standard output
 */
export function writePieces({ descriptor, title }: Destination, pieces: readonly Uint8Array[]): void {
  try {
    writeDescriptor(descriptor, pieces);
  } catch (error) {
    // The one who read it has gone: what was begun is cleaned up, and nothing is said.
    if (title === null && systemCode(error) === "EPIPE")
      throw new CliError("CLOSED_PIPE", "standard output is closed", { cause: error });
    const what = title ?? "to standard output";
    throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${what}: ${reason(error)}`, { cause: error });
  }
}

/** Writes an object to stdout as one line of JSON that affects no terminal and no CI. */
export const writeJson = (object: object): void => writeStdout(jsonLine(object));

/** The line that `writeJson` writes. */
export const jsonLine = (object: object): string => {
  const escaped = JSON.stringify(object).replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  // Anywhere in a line, this begins a command to GitHub's runner; in JSON it can be written so.
  return `${escaped.replaceAll("##[", String.raw`#\u0023[`)}\n`;
};

/** Writes one line for the person to stderr. If that fails, the job goes on. */
export function say(line: string): void {
  const text = filter(`${line}\n`);
  if (held !== null && leadsTo(STDERR) === "terminal") {
    held.push({ fd: STDERR, text });
    return;
  }
  try {
    wipe();
    writeDescriptor(STDERR, [Buffer.from(text)]);
  } catch {
    // nobody listens
  }
}

/** Reports what was done: --json's object on stdout, or lines on stderr unless --quiet. */
export function reportResult(
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
  object: object,
  lines: readonly string[],
): void {
  if (json) writeJson(object);
  else if (!quiet) for (const line of lines) say(line);
}

function writeDescriptor(fd: number, pieces: readonly Uint8Array[]): void {
  for (let rest = pieces; rest.length > 0;) {
    try {
      // Several pieces are parts of one small block.
      const now = rest.length > 1 ? rest : rest.map((piece) => piece.subarray(0, MOST_AT_ONCE));
      rest = after(rest, writevSync(fd, now));
    } catch (error) {
      if (systemCode(error) !== "EAGAIN") throw error;
      pause();
    }
  }
}

/** What follows so many bytes of pieces. */
function after(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let passed = bytes;
  return pieces.flatMap((piece) => {
    const skipped = Math.min(passed, piece.length);
    passed -= skipped;
    return skipped < piece.length ? [piece.subarray(skipped)] : [];
  });
}

/** A descriptor shared with a program that made it non-blocking is not ready: wait a moment. */
const pause = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
};

/** Whether the bytes are text for a terminal: UTF-8, no controls but tab and line ends. */
export function isPrintable(data: Uint8Array): boolean {
  if (!isUtf8(data)) return false;
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text);
}

/**
 * A text of several lines, in which control characters other than tabs and line ends are escaped.
 */
export const printableText = (text: string): string =>
  text.replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => printable(character));

/** A sentence, which may quote something from outside: in one line, and not endless. */
export const printableLine = (text: string): string =>
  printableText(text.slice(0, LONGEST_LINE).replaceAll(/\s*\n\s*/g, " "));
const LONGEST_LINE = 2000;

/** Why the system refused, in words. */
export function reason(error: unknown): string {
  const code = systemCode(error) ?? "it failed";
  return REASONS[code] ?? code;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left on the device",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is not a folder",
};
