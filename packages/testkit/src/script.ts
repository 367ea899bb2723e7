import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { run } from "./run.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { isKey, openTerminal } from "./terminal.ts";

/** What a script needs from the test that runs it. */
export interface ScriptOptions {
  /** Programs that a script runs by a name of their own: `{ vault: ["node", "/…/main.js"] }`. */
  readonly programs?: Readonly<Record<string, readonly string[]>>;
  /** Added to the minimal environment: PATH, HOME, TMPDIR, WORK, LANG and TERM. */
  readonly env?: Readonly<Record<string, string>>;
  /** Prepares the script's own folder; what it puts into `env` is visible to the script. */
  readonly setup?: (place: { folder: string; env: Record<string, string> }) => void | Promise<void>;
}

interface Word {
  readonly value: string;
  readonly quoted: boolean;
}

interface Answer {
  readonly after: RegExp;
  readonly text: string;
}

type Stream = "stdin" | "stdout" | "stderr";

/** What one script knows while it runs. */
interface State {
  readonly env: Record<string, string>;
  readonly programs: Readonly<Record<string, readonly string[]>>;
  cwd: string;
  /** For the next command only. */
  stdin: Uint8Array | undefined;
  terminal: { streams: Set<string>; answers: Answer[] } | undefined;
  /** Of the last command. */
  status: number | null;
  stdout: Buffer;
  stderr: Buffer;
  screen: string;
}

/** `prefix` is `!` before what must not hold, `?` before what need not, else empty. */
type Command = (state: State, words: readonly Word[], prefix: string) => void | Promise<void>;

const quotedText = /'((?:[^']|'')*)'/.source;

/** Cuts a line into words: `'…'` is literal, `''` in it a quote; `$NAME` and `${NAME}` are expanded outside quotes. */
function wordsOf(line: string, env: Readonly<Record<string, string>>): Word[] {
  const word = new RegExp(`(?:${quotedText}|[^\\s'])+`, "g");
  if (line.replaceAll(word, "").includes("'")) throw new Error("a quote is not closed");
  return Array.from(line.matchAll(word), ([raw]) => ({
    quoted: raw.startsWith("'"),
    value: raw.replaceAll(
      new RegExp(`${quotedText}|\\$(?:\\{(\\w+)\\}|(\\w+))`, "g"),
      (_, text?: string, braced?: string, bare?: string) => {
        if (text !== undefined) return text.replaceAll("''", "'");
        const name = braced ?? bare ?? "";
        const value = env[name];
        if (value === undefined) throw new Error(`the variable ${name} is not set`);
        return value;
      },
    ),
  }));
}

function argument(words: readonly Word[], index: number): string {
  const word = words[index];
  if (word === undefined) throw new Error(`expected argument ${index + 1}`);
  return word.value;
}

function expectThat(holds: boolean, prefix: string, what: string): void {
  if (holds === (prefix === "!")) throw new Error(`expected ${prefix === "!" ? "not " : ""}${what}`);
}

/** The bytes of a file, or of the last command's stream by the name `stdout`, `stderr` or `tty`. */
function contentOf(state: State, name: string): Uint8Array {
  if (name === "stdout" || name === "stderr") return state[name];
  if (name === "tty") return Buffer.from(state.screen);
  return readFileSync(resolve(state.cwd, name));
}

const matches: (stream: string) => Command = (stream) => (state, words, prefix) => {
  const pattern = new RegExp(argument(words, 0), "m");
  const text = Buffer.from(contentOf(state, stream)).toString();
  expectThat(pattern.test(text), prefix, `${String(pattern)} in ${stream}`);
};

async function execute(state: State, name: string, words: readonly Word[], prefix: string): Promise<void> {
  const [command = "", ...args] = [...(state.programs[name] ?? [name]), ...words.map(({ value }) => value)];
  const { cwd, env, stdin, terminal } = state;
  Object.assign(state, { stdin: undefined, terminal: undefined, screen: "", status: null });
  let signal: string | null = null;
  if (terminal === undefined) {
    const result = await run(command, args, { cwd, env, input: stdin ?? "", timeout: 30_000 });
    ({ status: state.status, signal, stdout: state.stdout } = result);
    state.stderr = Buffer.from(result.stderr);
  } else {
    const onTerminal = (stream: Stream): boolean => terminal.streams.has(stream);
    using session = openTerminal(command, args, {
      cwd,
      env,
      ...(onTerminal("stdin") ? {} : { stdin: stdin ?? "" }),
      stdout: onTerminal("stdout") ? "terminal" : "pipe",
      stderr: onTerminal("stderr") ? "terminal" : "pipe",
    });
    for (const { after, text } of terminal.answers) {
      await session.waitFor(after);
      const key = /^<(.+)>$/.exec(text)?.[1] ?? "";
      if (isKey(key)) session.press(key);
      else session.type(`${text}\r`);
    }
    const { sane, ...end } = await session.ended;
    Object.assign(state, end, { screen: session.screen });
    if (!sane) throw new Error("expected the terminal to be left as it was found");
  }
  if (prefix === "?") return;
  const ended = `${name} to ${prefix === "!" ? "fail" : "succeed"}, and it ended with ${state.status ?? signal}`;
  if (state.status === null || (state.status === 0) === (prefix === "!")) throw new Error(`expected ${ended}`);
}

const commands: Readonly<Record<string, Command>> = {
  env: (state, words) => {
    for (const { value } of words) {
      const equals = value.indexOf("=");
      if (equals < 1) throw new Error("expected NAME=value");
      state.env[value.slice(0, equals)] = value.slice(equals + 1);
    }
  },
  cd: (state, words) => {
    state.cwd = resolve(state.cwd, argument(words, 0));
    if (!statSync(state.cwd).isDirectory()) throw new Error("expected a folder");
  },
  mkdir: (state, words) => words.forEach(({ value }) => void mkdirSync(resolve(state.cwd, value), { recursive: true })),
  chmod: (state, words) => chmodSync(resolve(state.cwd, argument(words, 1)), parseInt(argument(words, 0), 8)),
  cp: (state, words) => writeFileSync(resolve(state.cwd, argument(words, 1)), contentOf(state, argument(words, 0))),
  exec: (state, words, prefix) => execute(state, argument(words, 0), words.slice(1), prefix),
  stdin: (state, words) => {
    const value = argument(words, 0);
    state.stdin = words[0]?.quoted === true ? Buffer.from(value) : contentOf(state, value);
  },
  tty: (state, words) => {
    state.terminal = { streams: new Set(words.map(({ value }) => value)), answers: [] };
  },
  ttyin: (state, words) => {
    state.terminal ??= { streams: new Set(), answers: [] };
    state.terminal.answers.push({ after: new RegExp(argument(words, 0), "m"), text: argument(words, 1) });
  },
  stdout: matches("stdout"),
  stderr: matches("stderr"),
  ttyout: matches("tty"),
  status: (state, words, prefix) =>
    expectThat(
      state.status === Number(argument(words, 0)),
      prefix,
      `status ${argument(words, 0)}, got ${state.status}`,
    ),
  cmp: (state, words, prefix) => {
    const [a, b] = [argument(words, 0), argument(words, 1)];
    expectThat(Buffer.compare(contentOf(state, a), contentOf(state, b)) === 0, prefix, `${a} and ${b} to be the same`);
  },
  exists: (state, words, prefix) =>
    words.forEach(({ value }) => expectThat(existsSync(resolve(state.cwd, value)), prefix, `${value} to exist`)),
  mode: (state, words, prefix) => {
    const mode = statSync(resolve(state.cwd, argument(words, 0))).mode & 0o7777;
    const got = `mode ${argument(words, 1)}, got 0${mode.toString(8)}`;
    expectThat(mode === parseInt(argument(words, 1), 8), prefix, got);
  },
};

async function runLine(state: State, line: string): Promise<void> {
  const [, prefix = "", rest = ""] = /^([!?]?)\s*(.*)$/.exec(line) ?? [];
  const [first, ...words] = wordsOf(rest, state.env);
  if (first === undefined) throw new Error("expected a command");
  const command = Object.hasOwn(commands, first.value) ? commands[first.value] : undefined;
  if (command !== undefined) await command(state, words, prefix);
  else if (Object.hasOwn(state.programs, first.value)) await execute(state, first.value, words, prefix);
  else throw new Error(`there is no command ${first.value}`);
}

/** Splits a script into its commands and the files after them, each begun by a line `-- name --`. */
function parseScript(text: string): { lines: string[]; files: Map<string, string> } {
  const [head = "", ...rest] = text.split(/^-- (.+) --\n/m);
  const files = new Map<string, string>();
  for (let index = 0; index < rest.length; index += 2) files.set(rest[index]?.trim() ?? "", rest[index + 1] ?? "");
  return { lines: head.split("\n").map((line) => line.trim()), files };
}

/**
 * Runs a script of commands in a private folder with its own HOME and a minimal environment; the files that follow the
 * commands are put there first. Throws at the first line that does not hold, showing the line and the streams.
 *
 * ```text
 * # A comment.                              env NAME=value           cd FOLDER           mkdir FOLDER…
 * vault share --to $NAME                    a program named by the options must succeed; quotes are '…'
 * ! vault view nothing                      it must fail             ? vault view        it may do either
 * exec cat FILE                             any program on PATH      status 2            the last exit code
 * stdin FILE  ·  stdin 'text'               what the next program reads on standard input, a pipe
 * stdout 'regex'  ·  ! stderr .             what the last program printed, lines apart
 * cmp FILE stdout  ·  cp stdout FILE        stdout, stderr and tty stand for the last program's streams
 * exists FILE…  ·  ! exists FILE…           mode FILE 0600           chmod 0644 FILE
 * tty stdin stdout stderr                   the next program runs on a terminal, on which these of its streams lie
 * ttyin 'Passphrase' 'secret'               once this is on the terminal, type that and Enter; `<ctrl-c>` presses a key
 * ttyout 'regex'                            what the last program printed to the terminal
 * ```
 *
 * Without `tty` or `ttyin` a program has no terminal at all: `/dev/tty` does not open. With them the terminal must be left
 * as it was found. A program is killed after 30 seconds.
 */
export async function runScript(path: string, options: ScriptOptions = {}): Promise<void> {
  using folder = temporaryFolder();
  const work = join(folder.path, "work");
  const home = join(folder.path, "home");
  const temporary = join(folder.path, "tmp");
  for (const place of [work, home, temporary]) mkdirSync(place, { mode: 0o700 });
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    TMPDIR: temporary,
    WORK: work,
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    ...options.env,
  };
  const { lines, files } = parseScript(readFileSync(path, "utf8"));
  for (const [name, content] of files) {
    mkdirSync(dirname(join(work, name)), { recursive: true });
    writeFileSync(join(work, name), content);
  }
  await options.setup?.({ folder: work, env });

  const none = Buffer.alloc(0);
  const state: State = {
    env,
    programs: options.programs ?? {},
    cwd: work,
    stdin: undefined,
    terminal: undefined,
    status: null,
    stdout: none,
    stderr: none,
    screen: "",
  };
  for (const [index, line] of lines.entries()) {
    if (line === "" || line.startsWith("#")) continue;
    try {
      await runLine(state, line);
    } catch (error) {
      const streams = `[stdout]\n${state.stdout.toString()}\n[stderr]\n${state.stderr.toString()}\n[terminal]\n${state.screen}`;
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${path}:${index + 1}: ${line}\n${message}\n${streams}`, { cause: error });
    }
  }
}
