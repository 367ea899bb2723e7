/*
 * Each process of git takes as long as much else that a command does, and many parts of a run ask
 * the same. So what git answered is remembered, for as long as it surely is true.
 */

/** How a git command ended. */
export interface GitOutput {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * How long git's answers are remembered:
 * - `at one moment`: until git itself is told to change something; for who changes nothing, and
 *   takes the repository as it is at one moment
 * - `until a change`: until this process writes a file of the repository, or starts a program, or
 *   waits: meanwhile others may have changed it
 */
export type Remembering = "at one moment" | "until a change";

/** How often this process changed anything. */
let changes = 0;

/**
 * Makes what is remembered until a change be forgotten: a file was written, or will be; or this
 * process waited for somebody.
 */
export function noteChange(): void {
  changes += 1;
}

/** git's answers to questions, by the environment in which it was asked. */
export class Answers {
  readonly #remembering: Remembering;
  #known = new WeakMap<NodeJS.ProcessEnv, Map<string, GitOutput>>();
  #changes = changes;

  constructor(remembering: Remembering) {
    this.#remembering = remembering;
  }

  /** The answers that hold, for more to be added. */
  of(env: NodeJS.ProcessEnv): Map<string, GitOutput> {
    if (this.#remembering === "until a change" && this.#changes !== changes) this.forget();
    if (this.#remembering === "until a change") forgetAfterWaiting();
    const known = this.#known.get(env) ?? new Map<string, GitOutput>();
    this.#known.set(env, known);
    return known;
  }

  forget(): void {
    this.#known = new WeakMap();
    this.#changes = changes;
  }
}

let isAboutToForget = false;

/** A process that waits, for an answer of a person or of a network, comes by here. */
function forgetAfterWaiting(): void {
  if (isAboutToForget) return;
  isAboutToForget = true;
  setImmediate(() => {
    isAboutToForget = false;
    noteChange();
  }).unref();
}
