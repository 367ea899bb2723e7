import { setImmediate } from "node:timers/promises";
import { DeployError } from "./errors.ts";
import { setMaxListeners } from "node:events";

/**
 * Does the same with each of many, at most `most` at a time, and gives the results in their order.
 * The first error ends it.
 */
export async function inParallel<T, R>(items: readonly T[], most: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of waiting) results[at] = await act(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}

/**
 * A signal that goes with `signal`, and that as many may listen to as like: Node warns of more than
 * ten.
 */
export function sharedSignal(signal: AbortSignal | undefined): AbortSignal {
  const shared = AbortSignal.any(signal === undefined ? [] : [signal]);
  setMaxListeners(0, shared);
  return shared;
}

/** What a run throws that was told to end. */
export const interrupted = (): DeployError =>
  new DeployError("INTERRUPTED", "the run was told to end before it was done");

/** @throws DeployError INTERRUPTED where the run was told to end */
export function assertGoesOn(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted();
}

/**
 * Gives signals and programs that run their turn, in the middle of work that waits for nothing.
 *
 * @throws DeployError INTERRUPTED where the run was told to end
 */
export async function giveTurn(signal: AbortSignal): Promise<void> {
  await setImmediate();
  assertGoesOn(signal);
}
