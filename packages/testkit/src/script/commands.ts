import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { run } from "../peers/run.ts";
import { isKey, openTerminal } from "../terminal/terminal.ts";

/** A word of a script's line; a quoted one began with a quote. */
export interface Word {
  readonly value: string;
  readonly quoted: boolean;
}

interface Answer {
  readonly after: RegExp;
  readonly text: string;
}

type Stream = "stdin" | "stdout" | "stderr";

/** What one script knows while it runs. */
export interface State {
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

/** Runs one of the script's programs, or one on PATH, and holds it to its prefix. */
export async function execute(state: State, name: string, words: readonly Word[], prefix: string): Promise<void> {
  const [command = "", ...args] = [...(state.programs[name] ?? [name]), ...words.map(({ value }) => value)];
  const { cwd, env, stdin, terminal } = state;
  Object.assign(state, { stdin: undefined, terminal: undefined, screen: "", status: null });
  let signal: string | null = null;
  if (terminal === undefined) {
    const result = await run(command, args, { cwd, env, input: stdin ?? "", timeout: 120_000 });
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

/** Every command but the script's programs, as `runScript` describes them. */
export const commands: Readonly<Record<string, Command>> = {
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
    const unknown = words.find(({ value }) => !["stdin", "stdout", "stderr"].includes(value));
    if (unknown !== undefined) throw new Error(`there is no stream ${unknown.value}`);
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
