/*
 * A secret in the user's editor: the one moment when plaintext is a file. It lies in a folder of
 * its own, in memory where the system has a file system there, and is overwritten and removed
 * however the editor and this program end.
 */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { printable, systemCode } from "@git-vault/core";
import { startProgram, type ProgramOptions } from "@git-vault/git-crypt/programs";
import { CliError } from "../../errors.ts";
import { leadsTo } from "../../io/streams.ts";

/** statfs(2)'s numbers for tmpfs and ramfs. */
const MEMORY_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const SECRET = "secret.txt";
/** How long an editor may take to end when it was told to: milliseconds. */
const GRACE = 2000;

/**
 * Opens `text` in `$VISUAL`, else `$EDITOR`, else vi, and gives what was saved, be it in place or
 * under the same name again.
 *
 * Ctrl-C belongs to the editor while it runs; where the editor ends by it, so does this.
 *
 * @returns secret: overwrite it with zeros when done
 * @throws CliError `EDITOR_FAILED`, also where the file is gone; `INTERRUPTED`
 */
export async function editSecret(text: Uint8Array): Promise<Buffer> {
  const signals = catchSignals();
  try {
    const folder = makePrivateFolder();
    try {
      const file = join(folder, SECRET);
      writeFileSync(file, text, { mode: 0o600, flag: "wx" });
      await runEditor(file, folder, signals);
      return readBack(file);
    } finally {
      wipe(folder);
    }
  } finally {
    signals.release();
  }
}

/** A new folder of mode 0700, where it is possible in memory. */
function makePrivateFolder(): string {
  for (const place of [process.env["XDG_RUNTIME_DIR"] ?? "", "/dev/shm"]) {
    try {
      if (isAbsolute(place) && MEMORY_FILE_SYSTEMS.has(statfsSync(place).type))
        return mkdtempSync(join(place, "vault-"));
    } catch {
      // It is not there, or not ours to write: the next one.
    }
  }
  return mkdtempSync(join(tmpdir(), "vault-"));
}

/** Overwrites and removes every file in the folder, also what an editor left there. */
function wipe(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) overwrite(join(entry.parentPath, entry.name));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function overwrite(path: string): void {
  try {
    chmodSync(path, 0o600);
    const zeros = Buffer.alloc(statSync(path).size);
    const fd = openSync(path, "r+");
    try {
      for (let at = 0; at < zeros.length;) at += writeSync(fd, zeros, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Removing it is what is left to do.
  }
}

function readBack(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new CliError("EDITOR_FAILED", "the editor removed the file, so nothing is sealed", { cause });
  }
}

/** The words of a command line, with quotes and backslashes as in a shell, and nothing expanded. */
const wordsOf = (line: string): string[] =>
  (line.match(/(?:[^\s"'\\]|\\.|"(?:\\.|[^"\\])*"|'[^']*')+/gs) ?? []).map((word) =>
    word.replaceAll(
      /\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'/gs,
      (_, escaped?: string, double?: string, single?: string) =>
        escaped ?? double?.replaceAll(/\\(["\\$`])/g, "$1") ?? single ?? "",
    ),
  );

async function runEditor(file: string, folder: string, signals: CaughtSignals): Promise<void> {
  const [command = "vi", ...args] = wordsOf(process.env["VISUAL"] || process.env["EDITOR"] || "vi");
  const terminal = editorTerminal();
  try {
    const child = startProgram(command, [...args, file], {
      stdio: terminal.stdio,
      // Where editors keep what they recover a text from; it goes away with the folder.
      env: { ...process.env, TMPDIR: folder, XDG_STATE_HOME: folder },
    });
    const ended = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (status, signal) => resolve({ status, signal }));
    });
    signals.passTo((signal) => {
      child.kill(signal);
      setTimeout(() => child.kill("SIGKILL"), GRACE).unref();
    });
    const { status, signal } = await ended.catch((cause: unknown) => {
      const why = systemCode(cause) === "ENOENT" ? "was not found" : "could not be started";
      throw new CliError("EDITOR_FAILED", `the editor ${printable(command)} ${why}`, {
        hint: "name one in the environment variable VISUAL or EDITOR",
        cause,
      });
    });
    judge({ status, signal, caught: signals.caught() });
  } finally {
    terminal.close();
  }
}

/** Throws unless the editor ended well. */
function judge(end: {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly caught: NodeJS.Signals | null;
}): void {
  const { status, signal, caught } = end;
  if (caught !== null && caught !== "SIGINT") throw new CliError("INTERRUPTED", `ended by ${caught} while editing`);
  if (status === 0) return;
  // A shell script as an editor tells a signal by its status.
  if (signal === "SIGINT" || caught === "SIGINT" || status === 128 + constants.signals.SIGINT) {
    throw new CliError("INTERRUPTED", "interrupted while editing");
  }
  const how = signal === null ? `failed with status ${status}` : `was ended by ${signal}`;
  throw new CliError("EDITOR_FAILED", `the editor ${how}, so nothing is sealed`);
}

/** The terminal for the editor: this program's own streams may be pipes. */
function editorTerminal(): { stdio: ProgramOptions["stdio"]; close(): void } {
  const [input, output] = [leadsTo(0) === "terminal", leadsTo(1) === "terminal"];
  const fd = input && output ? null : openControllingTerminal();
  return {
    stdio: [input ? "inherit" : (fd ?? "inherit"), output ? "inherit" : (fd ?? 2), "inherit"],
    close: () => {
      if (fd !== null) closeSync(fd);
    },
  };
}

function openControllingTerminal(): number | null {
  try {
    return openSync("/dev/tty", "r+");
  } catch {
    return null;
  }
}

interface CaughtSignals {
  /** The first signal that came; one to end goes before Ctrl-C. */
  caught(): NodeJS.Signals | null;
  /** Says what to do with signals to end. Ctrl-C has reached the editor by itself. */
  passTo(end: (signal: NodeJS.Signals) => void): void;
  release(): void;
}

/** Keeps signals from ending this program before it has tidied up. */
function catchSignals(): CaughtSignals {
  let first: NodeJS.Signals | null = null;
  let pass: ((signal: NodeJS.Signals) => void) | undefined;
  const onInterrupt = (): void => {
    first ??= "SIGINT";
  };
  const onEnd = (signal: NodeJS.Signals): void => {
    first = signal;
    pass?.(signal);
  };
  process.on("SIGINT", onInterrupt).on("SIGQUIT", onInterrupt).on("SIGTERM", onEnd).on("SIGHUP", onEnd);
  return {
    caught: () => first,
    passTo: (end) => {
      pass = end;
    },
    release: () => {
      process.off("SIGINT", onInterrupt).off("SIGQUIT", onInterrupt).off("SIGTERM", onEnd).off("SIGHUP", onEnd);
    },
  };
}
