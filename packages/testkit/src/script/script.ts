import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commands, execute, type State, type Word } from "./commands.ts";
import { temporaryFolder } from "../worlds/temporary-folder.ts";

/** What a script needs from the test that runs it. */
export interface ScriptOptions {
  /** Programs that a script runs by a name of their own: `{ vault: ["node", "/…/main.js"] }`. */
  readonly programs?: Readonly<Record<string, readonly string[]>>;
  /** Added to the minimal environment: PATH, HOME, TMPDIR, WORK, LANG and TERM. */
  readonly env?: Readonly<Record<string, string>>;
  /** Prepares the script's own folder; what it puts into `env` is visible to the script. */
  readonly setup?: (place: { folder: string; env: Record<string, string> }) => void | Promise<void>;
}

const quotedText = /'((?:[^']|'')*)'/.source;

/**
 * Cuts a line into words: `'…'` is literal, `''` in it a quote; `$NAME` and `${NAME}` are expanded
 * outside quotes.
 */
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

async function runLine(state: State, line: string): Promise<void> {
  const [, prefix = "", rest = ""] = /^([!?]?)\s*(.*)$/.exec(line) ?? [];
  const [first, ...words] = wordsOf(rest, state.env);
  if (first === undefined) throw new Error("expected a command");
  const command = Object.hasOwn(commands, first.value) ? commands[first.value] : undefined;
  if (prefix === "?" && command !== undefined && command !== commands["exec"]) {
    throw new Error("only a program may do either");
  }
  if (command !== undefined) await command(state, words, prefix);
  else if (Object.hasOwn(state.programs, first.value)) await execute(state, first.value, words, prefix);
  else throw new Error(`there is no command ${first.value}`);
}

/**
 * Splits a script into its commands and the files after them, each begun by a line `-- name --`.
 */
function parseScript(text: string): { lines: string[]; files: Map<string, string> } {
  const [head = "", ...rest] = text.split(/^-- (.+) --\n/m);
  const files = new Map<string, string>();
  for (let index = 0; index < rest.length; index += 2) files.set(rest[index]?.trim() ?? "", rest[index + 1] ?? "");
  return { lines: head.split("\n").map((line) => line.trim()), files };
}

/**
 * Runs a script of commands in a private folder with its own HOME and a minimal environment; the
 * files that follow the commands are put there first. Throws at the first line that does not hold,
 * showing the line and the streams.
 *
 * ```text
 * # A comment.                              env NAME=value    cd FOLDER      mkdir FOLDER…
 * vault share --to $NAME                    a program of the options must succeed; quotes: '…'
 * ! vault view nothing                      it must fail      ? vault view   it may do either
 * exec cat FILE                             any program       status 2       the last exit code
 * stdin FILE  ·  stdin 'text'               what the next program reads on standard input, a pipe
 * stdout 'regex'  ·  ! stderr .             what the last program printed, lines apart
 * cmp FILE stdout  ·  cp stdout FILE        stdout, stderr, tty: the last program's streams
 * exists FILE…  ·  ! exists FILE…           mode FILE 0600    chmod 0644 FILE
 * tty stdin stdout stderr                   these streams of the next program are a terminal
 * ttyin 'Passphrase' 'secret'               once this is shown, type that; `<ctrl-c>` is a key
 * ttyout 'regex'                            what the last program printed to the terminal
 * ```
 *
 * Without `tty` or `ttyin` a program has no terminal at all: `/dev/tty` does not open. With them
 * the terminal must be left as it was found. A program is killed after two minutes.
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
