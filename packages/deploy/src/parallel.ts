import { setMaxListeners } from "node:events";
import { setImmediate } from "node:timers/promises";
import { DeployError } from "./errors.ts";

/** Runs one job for each, at most `most` at once; the first error stops it. */
export async function inParallel<T, R>(items: readonly T[], most: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of waiting) results[at] = await act(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}

/** A controller whose signal is aborted with `signal`, too. */
export function controllerWith(signal: AbortSignal | undefined): {
  readonly signal: AbortSignal;
  readonly abort: () => void;
} {
  const controller = new AbortController();
  return { signal: sharedSignal(controller.signal, signal), abort: () => controller.abort() };
}

/**
 * A signal that goes with each of `signals`, and that as many may listen to as like: Node warns of
 * more than ten.
 */
export function sharedSignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  const shared = AbortSignal.any(signals.filter((signal) => signal !== undefined));
  setMaxListeners(0, shared);
  return shared;
}

/**
 * Runs a job, and gives what it tells; then throws what it threw. Nothing is done until somebody
 * listens; the one who stops listening stops the job, and waits for its clean-up.
 */
export async function* toldBy<T>(
  job: (tell: (event: T) => void, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  const stop = controllerWith(signal);
  const queue: T[] = [];
  let [wake, isOver] = [(): void => {}, false];
  const tell = (event: T): void => {
    queue.push(event);
    wake();
  };
  const done = job(tell, stop.signal).finally(() => {
    isOver = true;
    wake();
  });
  // It is thrown below.
  done.catch(() => {});
  try {
    for (;;) {
      const event = queue.shift();
      if (event !== undefined) yield event;
      else if (isOver) break;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    await done;
  } finally {
    stop.abort();
    await done.catch(() => {});
  }
}

/** What a run throws that was interrupted. */
export const interrupted = (): DeployError =>
  new DeployError("INTERRUPTED", "the run was interrupted before it was done");

/** @throws DeployError INTERRUPTED where the run was interrupted */
export function assertGoesOn(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted();
}

/**
 * Gives signals and programs that run their turn, in the middle of work that waits for nothing.
 *
 * @throws DeployError INTERRUPTED where the run was interrupted
 */
export async function giveTurn(signal: AbortSignal): Promise<void> {
  await setImmediate();
  assertGoesOn(signal);
}

/** Whether a run was interrupted. */
export const isInterrupted = (error: unknown): error is DeployError =>
  error instanceof DeployError && error.code === "INTERRUPTED";

/**
 * Does a job. Where it is interrupted, the error tells what is so then, and not what the job was
 * at.
 */
export async function tellingState<T>(job: () => Promise<T>, state: () => string): Promise<T> {
  try {
    return await job();
  } catch (error) {
    if (!isInterrupted(error)) throw error;
    throw new DeployError("INTERRUPTED", `interrupted; ${state()}`, { cause: error });
  }
}

export const NOTHING_CHANGED = "nothing was changed";
