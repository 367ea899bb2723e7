import { isUtf8 } from "node:buffer";
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { printable } from "@git-vault/core";
import { CliError, usageError } from "../errors.ts";
import type { Input } from "./input.ts";
import {
  isPrintable,
  isStdoutClosed,
  leadsTo,
  reason,
  STANDARD_OUTPUT,
  writePieces,
  writeStdout,
  type Destination,
} from "./streams.ts";

/** Where a result goes: what --output, --clipboard, --clear-after and --json say. */
export interface Place {
  readonly output?: string | undefined;
  readonly clipboard?: boolean;
  /** Seconds. */
  readonly clearAfter?: number | undefined;
  /** Stdout is for the object of --json, which the caller writes. */
  readonly json?: boolean;
}

const fileOf = ({ output }: Place): string | undefined => (output === "-" ? undefined : output);

/** How a result is written. */
export interface OutputOptions {
  /** What it was made from, which must not be overwritten. */
  readonly input: Input | null;
  /** Whether it is secret: then a copy on the clipboard is cleared after a while. */
  readonly secret: boolean;
  /** Files that must not be overwritten either: the private key, the recipients. */
  readonly inUse?: readonly (string | undefined)[];
  /** The mode of a file that is written; 0600 where it is left out. */
  readonly mode?: number;
}

/**
 * Writes a result to a file, to the clipboard, or to stdout unless --json has that.
 *
 * @returns where it went, in words; null for stdout
 * @throws CliError `BINARY_TO_TERMINAL`, `OUTPUT_UNWRITABLE`, `CLIPBOARD_UNAVAILABLE`, `USAGE`
 */
export async function writeOutput(data: Buffer, place: Place, options: OutputOptions): Promise<string | null> {
  if (place.clipboard) {
    const { CLEAR_AFTER, copy } = await import("./clipboard.ts");
    return copy(data, options.secret ? (place.clearAfter ?? CLEAR_AFTER) : 0);
  }
  const file = fileOf(place);
  if (file !== undefined) {
    writeFile(file, data, options);
    // A signal that came meanwhile is heard now.
    await new Promise((heard) => {
      setImmediate(heard);
    });
    return printable(file);
  }
  if (place.json) return null;
  const onTerminal = leadsTo(1) === "terminal";
  if (onTerminal && place.output !== "-" && !isPrintable(data)) {
    throw new CliError("BINARY_TO_TERMINAL", `the output is binary (${data.length} bytes) and stdout is a terminal`, {
      hint: "pipe it on, write it to a file with `-o FILE`, or force it with `-o -`; a git-crypt key is for `vault unlock`",
    });
  }
  writeStdout(data);
  if (onTerminal && data.length > 0 && data.at(-1) !== 0x0a) writeStdout("\n");
  return null;
}

/** How --json shows a plaintext, unless it went elsewhere. */
export function plaintextToJson(data: Buffer, place: string | null): { encoding: string; plaintext: string | null } {
  const encoding = isUtf8(data) ? "utf8" : "base64";
  return { encoding, plaintext: place === null ? data.toString(encoding) : null };
}

/**
 * Refuses to overwrite a file that a new key would be written to, and to print it where nobody gets
 * it, before it is made.
 *
 * @throws CliError `OUTPUT_UNWRITABLE`
 */
export function assertNewFile(output: string | undefined): void {
  if (output === undefined || output === "-") {
    if (leadsTo(1) === "nothing") throw outputLost();
    return;
  }
  if (!existsSync(output)) return;
  throw new CliError("OUTPUT_UNWRITABLE", `${printable(output)} exists already`, {
    hint: "name another file: a key that is overwritten opens nothing any more",
  });
}

const outputLost = (): CliError =>
  new CliError("OUTPUT_UNWRITABLE", "standard output is closed, so that the result would be lost", {
    hint: "write it to a file with `-o FILE`; nothing was done",
  });

/**
 * Refuses flags that contradict each other, and a result that nobody would get, before anything is
 * asked or fetched.
 *
 * @throws CliError `USAGE`, `OUTPUT_UNWRITABLE`
 */
export function refuseTwoPlaces({ clipboard, output, json }: Place): void {
  if ((json || (!clipboard && (output ?? "-") === "-")) && isStdoutClosed()) throw outputLost();
  if (clipboard && output !== undefined)
    throw usageError("--clipboard and --output were both given", "choose one place for the output");
}

/** Where a large result goes, piece by piece. */
export interface Sink {
  readonly destination: Destination;
  write(data: Uint8Array): void;
  /** All was written: a file gets its name now. Gives where it went, in words; null for stdout. */
  commit(): string | null;
  /** Something failed: a file leaves nothing behind. */
  abort(): void;
}

/**
 * Opens a place for a result that is too large to be held: a file or stdout.
 *
 * @throws CliError `USAGE` for --clipboard and --json, `BINARY_TO_TERMINAL`, `OUTPUT_UNWRITABLE`
 */
export function openSink(place: Place, options: OutputOptions): Sink {
  const { clipboard, json, output } = place;
  const file = fileOf(place);
  if (clipboard || (json && file === undefined)) {
    const flag = clipboard ? "--clipboard" : "--json";
    throw usageError(`${flag} is for results of up to 16 MiB`, "write this one to a file with --output");
  }
  if (file !== undefined) return openFileSink(file, options);
  if (leadsTo(1) === "terminal" && output !== "-") {
    throw new CliError("BINARY_TO_TERMINAL", "the output is larger than 16 MiB and stdout is a terminal", {
      hint: "write it to a file with `-o FILE`, or force it with `-o -`",
    });
  }
  return { destination: STANDARD_OUTPUT, write: writeStdout, commit: () => null, abort: () => {} };
}

/** Writes a file whole or not at all. */
function writeFile(path: string, data: Uint8Array, options: OutputOptions): void {
  const sink = openFileSink(path, options);
  try {
    sink.write(data);
    sink.commit();
  } catch (error) {
    sink.abort();
    throw error;
  }
}

/**
 * A file that is there whole or not at all: what is written goes to a temporary file in the same
 * folder, readable by its owner alone, which is renamed in the end. A device or a pipe that exists
 * under that name is written to as it is.
 */
function openFileSink(path: string, options: OutputOptions): Sink {
  const { mode = 0o600 } = options;
  const explained = <T>(step: () => T): T => {
    try {
      return step();
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${printable(path)}: ${reason(cause)}`, { cause });
    }
  };
  const { temporary, target } = explained(() => placesFor(path, options));
  const remove = (): void => {
    if (temporary !== null) rmSync(temporary, { force: true });
  };
  // While a handler is there a signal waits for the event loop, and so finds the file in a known
  // state. What is no file has no state to keep, and opening or writing it may wait for long: there
  // a signal ends the program at once.
  if (temporary !== null) {
    for (const signal of SIGNALS) {
      process.once(signal, () => {
        // It stays open: a thread may be writing to it still.
        remove();
        process.exit(signal === "SIGTERM" ? 143 : 130);
      });
    }
  }

  const fd = explained(() => openSync(temporary ?? target, temporary === null ? "w" : "wx", 0o600));
  const destination: Destination = { descriptor: fd, title: printable(path) };
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  return {
    destination,
    write: (data) => writePieces(destination, [data]),
    commit: () =>
      explained(() => {
        if (temporary !== null) {
          if (fstatSync(fd).size <= SYNCED) fsyncSync(fd);
          if (mode !== 0o600) chmodSync(temporary, mode);
          renameSync(temporary, target);
        }
        close();
        return printable(path);
      }),
    abort: () => {
      close();
      remove();
    },
  };
}

/** Up to this size, a file is synced before it gets its name; more would take too long. */
const SYNCED = 16 * 1024 * 1024;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Where a file is written, and its temporary file; null for devices and pipes. */
function placesFor(path: string, { input, inUse = [] }: OutputOptions): { target: string; temporary: string | null } {
  const existing = statSync(path, { throwIfNoEntry: false });
  if (existing?.isDirectory()) {
    throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${printable(path)}: it is a folder`);
  }
  if (existing !== undefined && !existing.isFile()) return { target: path, temporary: null };
  const isSame = (file: Pick<Stats, "dev" | "ino"> | null | undefined): boolean =>
    file !== null && file !== undefined && file.dev === existing?.dev && file.ino === existing.ino;
  const used = isSame(input?.file) ? "the input" : inUse.find((name) => name !== undefined && isSame(statOrNull(name)));
  if (used !== undefined) {
    const what = used === "the input" ? "the input itself" : `${printable(used)}, which is in use`;
    throw new CliError("OUTPUT_UNWRITABLE", `the output ${printable(path)} is ${what}`, {
      hint: "name another file with --output",
    });
  }
  const target = throughLink(path);
  return { target, temporary: join(dirname(target), `.vault-${randomBytes(8).toString("hex")}.tmp`) };
}

/** What is no path, such as a recipient's name, is no file in use. */
function statOrNull(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** The file that a symbolic link names, also where it does not exist yet; else the path itself. */
function throughLink(path: string): string {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return path;
  return existsSync(path) ? realpathSync(path) : resolve(dirname(path), readlinkSync(path));
}
