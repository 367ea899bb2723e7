import { basename, resolve as absolute } from "node:path";
import { findProgram, startProgram } from "@git-vault/git-crypt/programs";
import { DeployError } from "./errors.ts";

/** How a program is run. */
export interface ToolRun {
  readonly program: string;
  readonly args: readonly string[];
  /** What to do where it is not there. */
  readonly ifMissing: string;
  /** Its environment, before the secrets are taken out. */
  readonly env: NodeJS.ProcessEnv;
  /** Whether the tokens of forges are left in it. */
  readonly tokens?: boolean | undefined;
  /** What it reads on standard input; nothing where left out. */
  readonly input?: string | undefined;
  /** Descriptors of this process that it gets as its own from 3 on; undefined gives it none. */
  readonly descriptors?: readonly (number | undefined)[] | undefined;
  /**
   * Whether it changes something. Interrupted, it is told with SIGTERM, once, and waited for. What
   * only reads is ended at once, with SIGKILL where it does not obey.
   */
  readonly changes?: boolean | undefined;
  /** After so many seconds, what only reads is ended. */
  readonly seconds: number;
  /** What it may take of memory, in bytes (POSIX); no limit where left out. */
  readonly memory?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended. Its output is raw: it may hold secrets. */
export interface ToolResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why this process or a signal ended it before it was done; undefined if neither did. */
  readonly ended?: string | undefined;
}

/** The most that a program may print, in bytes; of what it says on stderr, more is passed over. */
const MOST_OUTPUT = 128 * 1024 * 1024;
const MOST_SAID = 1024 * 1024;
/** How long what was interrupted by SIGTERM is waited for, in milliseconds. */
const GRACE = 1000;

/**
 * Runs a program without a shell to its end. It has a session of its own (POSIX), so that a
 * terminal's Ctrl-C, which goes to all programs in the foreground, does not reach it: it ends when
 * it is done, when its time is over, or when it is told to by `signal`. It starts in the root
 * folder, where no name leads into the work tree, whose files are from anyone who can commit.
 *
 * @throws DeployError TOOL_MISSING, INTERRUPTED
 */
export async function runTool(run: ToolRun): Promise<ToolResult> {
  const { program, ifMissing, signal } = run;
  const assertWanted = (): void => {
    if (signal?.aborted === true)
      throw new DeployError("INTERRUPTED", `interrupted before ${basename(program)} was done`);
  };
  assertWanted();
  const child = new Child(run);
  const stop = (): void => child.stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const result = await child.done.catch((cause: unknown) => {
      throw missing(program, ifMissing, cause);
    });
    assertWanted();
    return result;
  } finally {
    signal?.removeEventListener("abort", stop);
    child.forget();
  }
}

const missing = (program: string, hint: string, cause?: unknown): DeployError =>
  new DeployError("TOOL_MISSING", `${program} could not be started: it is not there, or not executable`, {
    hint,
    cause,
  });

const isPosix = process.platform !== "win32";

/** The program, by way of a shell that bounds its memory. */
function boundedOf({ program, args, env, memory }: ToolRun): Pick<ToolRun, "program" | "args"> {
  // What is not there is started as it is, to be told as missing.
  const file = findProgram(program, env);
  if (memory === undefined || !isPosix || file === null) return { program: file ?? program, args };
  const script = `ulimit -v ${Math.floor(memory / 1024)} 2>/dev/null; exec "$0" "$@"`;
  return { program: "/bin/sh", args: ["-c", script, file, ...args] };
}

/** Where no name leads into the work tree, and in a session of its own. */
const start = ({ program, args }: Pick<ToolRun, "program" | "args">, { env, tokens, descriptors = [] }: ToolRun) =>
  startProgram(program, args, {
    cwd: absolute("/"),
    env,
    tokens,
    detached: isPosix,
    stdio: ["pipe", "pipe", "pipe", ...descriptors.map((descriptor) => descriptor ?? "ignore")],
  });

/** A program that runs. */
class Child {
  readonly done: Promise<ToolResult>;
  readonly #child: ReturnType<typeof start>;
  readonly #changes: boolean;
  readonly #timer: NodeJS.Timeout | undefined;
  #killer: NodeJS.Timeout | undefined;
  #ended: string | undefined;

  constructor(run: ToolRun) {
    const { input = "", changes = false, seconds } = run;
    this.#changes = changes;
    this.#child = start(boundedOf(run), run);
    // A program may end before it read everything.
    this.#child.stdin.on("error", () => {});
    this.#child.stdin.end(input);
    if (!changes)
      this.#timer = setTimeout(
        () => this.#end(`it was not done within ${seconds} seconds, and was ended`),
        seconds * 1000,
      );
    this.done = this.#result();
  }

  /** Tells it to end: what changes something once, and what only reads for good. */
  stop(): void {
    if (this.#changes) this.#child.kill("SIGTERM");
    else this.#end("it was interrupted");
  }

  forget(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#killer);
  }

  async #result(): Promise<ToolResult> {
    const stdout = this.#collect(this.#child.stdout, MOST_OUTPUT, () =>
      this.#end(`it printed more than ${MOST_OUTPUT} bytes, and was ended`),
    );
    const stderr = this.#collect(this.#child.stderr, MOST_SAID, () => {});
    const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (...result) => resolve(result));
    });
    // Such as by the kernel, where memory is short.
    const ended = this.#ended ?? (signal === null ? undefined : `the signal ${signal} ended it`);
    return { status, stdout: stdout(), stderr: stderr(), ended };
  }

  /** What a stream gives, up to so many bytes. */
  #collect(stream: NodeJS.ReadableStream, most: number, onMore: () => void): () => string {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= most) chunks.push(chunk);
      else onMore();
    });
    return () => Buffer.concat(chunks).toString();
  }

  #end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#kill("SIGTERM");
    this.#killer = setTimeout(() => this.#kill("SIGKILL"), GRACE);
  }

  /** With all that it started. */
  #kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (isPosix) process.kill(-pid, signal);
      else this.#child.kill(signal);
    } catch {
      // It has ended.
    }
  }
}
