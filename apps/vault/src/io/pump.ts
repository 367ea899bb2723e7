import { fstatSync } from "node:fs";
import type { LargeInput } from "./input.ts";
import type { Sink } from "./output.ts";
import { progressLine, type ProgressLine } from "./progress.ts";
import { bufferToRead, readSome } from "./streams.ts";

/** About the fastest step. With larger ones V8 promotes the buffers and they pile up. */
const STEP = 256 * 1024;
/** After so many steps the event loop gets a turn, in which a signal is heard. */
const STEPS_A_TURN = 64;

/**
 * Sends an input of any size through a step, and what the step gives into a sink. Reading, working
 * and writing are synchronous, which is twice as fast as Node's streams are.
 *
 * @param reached is told after each step how many bytes were read
 */
export async function pump(
  input: LargeInput,
  step: (piece: Buffer) => Buffer | Promise<Buffer>,
  sink: Sink,
  reached: (bytes: number) => void,
): Promise<void> {
  let bytes = input.data.length;
  for (let at = 0; at < input.data.length; at += STEP) sink.write(await step(input.data.subarray(at, at + STEP)));
  if (input.descriptor === null) return;
  const chunk = bufferToRead(STEP);
  for (let steps = 1; ; steps += 1) {
    const read = readSome(input.descriptor, chunk, input.title);
    if (read === 0) break;
    sink.write(await step(chunk.subarray(0, read)));
    reached((bytes += read));
    if (steps % STEPS_A_TURN === 0) await nextTurn();
  }
  chunk.fill(0);
}

const nextTurn = async (): Promise<void> =>
  new Promise((done) => {
    setImmediate(done);
  });

/** How far a large input is that goes into a sink. */
export interface PumpProgress extends Omit<ProgressLine, "step"> {
  /** Takes how many bytes were read. */
  readonly reached: (bytes: number) => void;
}

/**
 * Shows how far a large input is. Where the result goes to a terminal, or through a pipe to a
 * program that may use the terminal itself, such as a pager, nothing is shown.
 *
 * @param done `sealed`
 */
export function pumpProgress(
  done: string,
  { descriptor }: LargeInput,
  { destination }: Sink,
  options: { readonly quiet: boolean; readonly json: boolean },
): PumpProgress {
  if (!fstatSync(destination.descriptor).isFile()) return { reached: () => {}, end: () => {} };
  const source = descriptor === null ? null : fstatSync(descriptor);
  const total = source?.isFile() === true ? source.size : null;
  const progress = progressLine({ done, unit: "bytes" }, options);
  return { reached: (bytes) => progress.step(bytes, total), end: () => progress.end() };
}
