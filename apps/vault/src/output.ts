import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { CliError } from "./errors.ts";
import type { Input } from "./input.ts";
import { isPrintable, leadsTo, printable, writeStdout } from "./streams.ts";
import { reason } from "./system-error.ts";
import type { FlagValues } from "./table.ts";

/** How a result is written. */
export interface OutputOptions {
  /** What it was made from, which must not be overwritten. */
  readonly input: Input | null;
  /** Whether it is secret: then a copy on the clipboard is cleared after a while. */
  readonly secret: boolean;
  /** The mode of a file that is written; 0600 where it is left out. */
  readonly mode?: number;
}

/**
 * Writes a result where the flags say: to a file, to the clipboard, or to stdout.
 *
 * @returns where it went, in words; null for stdout
 * @throws CliError `BINARY_TO_TERMINAL`, `OUTPUT_UNWRITABLE`, `CLIPBOARD_UNAVAILABLE`, `USAGE`
 */
export async function writeOutput(data: Buffer, flags: FlagValues, options: OutputOptions): Promise<string | null> {
  if (flags.clipboard) {
    const { copy } = await import("./clipboard.ts");
    return copy(data, options.secret ? clearAfter(flags) : 0);
  }
  if (flags.output !== undefined && flags.output !== "-") {
    writeFile(flags.output, data, options);
    return printable(flags.output);
  }
  const onTerminal = leadsTo(1) === "terminal";
  if (onTerminal && flags.output !== "-" && !isPrintable(data)) {
    throw new CliError("BINARY_TO_TERMINAL", `the output is binary (${data.length} bytes) and stdout is a terminal`, {
      hint: "pipe it on (`vault view | git-crypt unlock -`), write it to a file with `-o FILE`, or force it with `-o -`",
    });
  }
  writeStdout(data);
  if (onTerminal && data.length > 0 && data.at(-1) !== 0x0a) writeStdout("\n");
  return null;
}

/** Refuses flags that contradict each other before anything is asked or fetched. */
export function checkOutputFlags(flags: FlagValues): void {
  if (flags.clipboard && flags.output !== undefined) {
    throw new CliError("USAGE", "--clipboard and --output were both given", {
      hint: "choose one place for the output",
    });
  }
  if (flags["clear-after"] !== undefined) clearAfter(flags);
}

function clearAfter(flags: FlagValues): number {
  const text = flags["clear-after"] ?? "45";
  if (!/^\d{1,6}$/.test(text)) {
    throw new CliError("USAGE", "--clear-after: expected a whole number of seconds, at most 999999", {
      hint: "`--clear-after 0` leaves the clipboard alone",
    });
  }
  return Number(text);
}

/**
 * Writes a file whole or not at all: to a temporary file in the same folder, readable by its owner alone, then renamed.
 * A device or a pipe that exists under that name is written to as it is.
 */
function writeFile(path: string, data: Uint8Array, { input, mode = 0o600 }: OutputOptions): void {
  // While a handler is there a signal waits until the synchronous code below is done, so that nothing is left behind.
  process.once("SIGINT", endInterrupted);
  process.once("SIGTERM", endInterrupted);
  try {
    const existing = statSync(path, { throwIfNoEntry: false });
    if (existing !== undefined && input?.file && existing.dev === input.file.dev && existing.ino === input.file.ino) {
      throw new CliError("OUTPUT_UNWRITABLE", `the output ${printable(path)} is the input itself`, {
        hint: "name another file with --output",
      });
    }
    if (existing?.isDirectory())
      throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${printable(path)}: it is a folder`);
    if (existing !== undefined && !existing.isFile()) writeInto(path, "w", data);
    else replace(existsSync(path) ? realpathSync(path) : path, data, mode); // through a symbolic link, to the file it names
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${printable(path)}: ${reason(cause)}`, { cause });
  } finally {
    process.off("SIGINT", endInterrupted);
    process.off("SIGTERM", endInterrupted);
  }
}

const endInterrupted = (): never => process.exit(130);

function replace(path: string, data: Uint8Array, mode: number): void {
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    writeInto(temporary, "wx", data);
    if (mode !== 0o600) chmodSync(temporary, mode);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeInto(path: string, mode: "w" | "wx", data: Uint8Array): void {
  const fd = openSync(path, mode, 0o600);
  try {
    for (let at = 0; at < data.length;) at += writeSync(fd, data, at);
    if (mode === "wx") fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
