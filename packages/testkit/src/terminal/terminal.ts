import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { spawn } from "@lydell/node-pty";
import { environmentOf } from "../peers/run.ts";
import { temporaryFolder } from "../worlds/temporary-folder.ts";

const keys = {
  enter: "\r",
  tab: "\t",
  backspace: "\x7f",
  escape: "\x1b",
  up: "\x1b[A",
  down: "\x1b[B",
  right: "\x1b[C",
  left: "\x1b[D",
  "ctrl-c": "\x03",
  "ctrl-d": "\x04",
  "ctrl-t": "\x14",
  "ctrl-z": "\x1a",
  "ctrl-\\": "\x1c",
} as const;

/** A key that {@link Terminal.press} knows. */
export type Key = keyof typeof keys;

/** Tells whether `name` is the name of a {@link Key}. */
export const isKey = (name: string): name is Key => Object.hasOwn(keys, name);

/** How a program is started under a terminal. */
export interface TerminalOptions {
  readonly cwd?: string;
  /**
   * The whole environment; the parent's where it is left out. TERM is `xterm-256color` where it is
   * not set.
   */
  readonly env?: NodeJS.ProcessEnv;
  readonly cols?: number;
  readonly rows?: number;
  /**
   * What the program reads from a pipe on standard input; its standard input is the terminal where
   * it is left out.
   */
  readonly stdin?: Uint8Array | string;
  /** Where standard output goes: to the terminal, unless it is a pipe. */
  readonly stdout?: "pipe" | "terminal";
  /** Where standard error goes: to the terminal, unless it is a pipe. */
  readonly stderr?: "pipe" | "terminal";
  /** The program is killed when it runs for longer: milliseconds, 120,000 where it is left out. */
  readonly deadline?: number;
}

/** How a program under a terminal ended. */
export interface TerminalEnd {
  /** What a shell says: the exit code, or 128 + n where signal n ended the program. */
  readonly status: number;
  /** What came out of the pipe; empty where standard output was the terminal. */
  readonly stdout: Buffer;
  /** What came out of the pipe; empty where standard error was the terminal. */
  readonly stderr: Buffer;
  /**
   * Whether the terminal was left as it was found: it echoes, edits lines and turns Ctrl-C into a
   * signal.
   */
  readonly sane: boolean;
}

/**
 * A program that runs with a pseudo-terminal as its controlling terminal: `/dev/tty` is that
 * terminal.
 */
export interface Terminal extends Disposable {
  /** Every byte that was printed to the terminal so far, control sequences included. */
  readonly raw: string;
  /**
   * The text that was printed to the terminal so far: no control sequences, lines ended by `\n`.
   */
  readonly screen: string;
  /**
   * Waits until `pattern` matches the text that was printed since the last match, so that the same
   * prompt can be awaited twice. Rejects, showing the screen, when the program ends or its deadline
   * passes before that.
   */
  waitFor(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Types `text` as it is: add `\r` for Enter. */
  type(text: string): void;
  press(key: Key): void;
  /**
   * How the program ended. Rejects, showing the screen, when its deadline passed or it was killed
   * by {@link close}.
   */
  readonly ended: Promise<TerminalEnd>;
  /** Kills what still runs on the terminal. */
  close(): void;
}

/*
 * The shell stays on the terminal to ask for the terminal's state afterwards. Its traps keep it
 * alive when Ctrl-C reaches the whole foreground group; the program itself gets the default signal
 * actions back.
 */
function wrapperScript(options: TerminalOptions): string {
  const pipes = (["stdout", "stderr"] as const).filter((stream) => options[stream] === "pipe");
  const readers = pipes.map((name) => `mkfifo "$folder/${name}.pipe"; cat "$folder/${name}.pipe" >"$folder/${name}" &`);
  const redirections = pipes.map((name) => `${name === "stdout" ? 1 : 2}>"$folder/${name}.pipe"`);
  return [
    "folder=$1; shift; trap : INT QUIT",
    ...readers,
    `${options.stdin === undefined ? "" : 'cat "$folder/stdin" | '}"$@" ${redirections.join(" ")}`,
    'status=$?; stty -a </dev/tty >"$folder/stty"; wait; exit $status',
  ].join("\n");
}

function isSane(sttyOutput: string): boolean {
  const settings = new Set(sttyOutput.split(/[\s;]+/));
  return ["echo", "icanon", "isig", "icrnl", "opost"].every((setting) => settings.has(setting));
}

/**
 * Starts a program under a real pseudo-terminal. Each of its standard streams is that terminal, or
 * a pipe where the options say so.
 */
export function openTerminal(command: string, args: readonly string[], options: TerminalOptions = {}): Terminal {
  const folder = temporaryFolder();
  const read = (name: string): Buffer =>
    existsSync(join(folder.path, name)) ? readFileSync(join(folder.path, name)) : Buffer.alloc(0);
  if (options.stdin !== undefined) writeFileSync(join(folder.path, "stdin"), options.stdin, { mode: 0o600 });

  const { env = process.env } = options;
  const pty = spawn("/bin/sh", ["-c", wrapperScript(options), "sh", folder.path, command, ...args], {
    name: env["TERM"] ?? "xterm-256color",
    cols: options.cols ?? 80,
    rows: options.rows ?? 24,
    cwd: options.cwd ?? process.cwd(),
    env: environmentOf(env),
  });

  let raw = "";
  let consumed = 0;
  let failure: string | undefined;
  let running = true;
  const waiting = new Set<() => void>();
  const screen = (): string => stripVTControlCharacters(raw).replaceAll("\r\n", "\n");
  const failed = (what: string): Error => new Error(`${command}: ${what}; the screen shows:\n${screen()}`);
  const notify = (): void => waiting.forEach((wake) => wake());

  pty.onData((data) => {
    raw += data;
    notify();
  });
  const kill = (reason: string): void => {
    if (!running) return;
    failure ??= reason;
    // The shell leads the terminal's session and its only process group.
    try {
      process.kill(-pty.pid, "SIGKILL");
    } catch {
      // It ended a moment ago and the terminal has not said so yet.
    }
  };
  const deadline = options.deadline ?? 120_000;
  const timer = setTimeout(() => kill(`still running after ${deadline} ms`), deadline);

  const ended = new Promise<TerminalEnd>((resolve, reject) => {
    pty.onExit(({ exitCode }) => {
      running = false;
      clearTimeout(timer);
      const end = {
        status: exitCode,
        stdout: read("stdout"),
        stderr: read("stderr"),
        sane: isSane(read("stty").toString()),
      };
      folder.remove();
      if (failure === undefined) resolve(end);
      else reject(failed(failure));
      notify();
    });
  });
  // A test that only looks at the screen need not await the end.
  ended.catch(() => {});

  const waitFor = (pattern: RegExp): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = screen().slice(consumed).match(pattern);
        if (match?.index === undefined) {
          if (running) return;
          reject(failed(`${failure ?? "ended"} before ${String(pattern)} was printed`));
        } else {
          consumed += match.index + match[0].length;
          resolve(match);
        }
        waiting.delete(look);
      };
      waiting.add(look);
      look();
    });

  const close = (): void => kill("closed by the test");
  return {
    get raw() {
      return raw;
    },
    get screen() {
      return screen();
    },
    waitFor,
    type: (text) => pty.write(text),
    press: (key) => pty.write(keys[key]),
    ended,
    close,
    [Symbol.dispose]: close,
  };
}
