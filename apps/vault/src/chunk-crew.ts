import { availableParallelism } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { SealingError, type PayloadState } from "@git-vault/sealing";
import { sharedMemory, Slot, slotsOf, TURN, type ChunkJob } from "./chunk-slots.ts";
import type { LargeInput } from "./input.ts";
import type { Sink } from "./output.ts";

/** With more, reading and writing are what takes the time. */
const MAX_THREADS = 4;
/** How long a signal may have to wait. */
const PATIENCE_MS = 50;

/** Whether anything is to be gained from threads. */
export const hasCores = (): boolean => availableParallelism() > 1;

/**
 * Seals or opens the rest of a large age payload: this thread reads and writes, in order; workers do the cryptography, each on
 * blocks of its own.
 *
 * @returns the number of plaintext bytes
 * @throws SealingError `TAMPERED_MESSAGE`, `MALFORMED_MESSAGE`; what reading and writing throw
 */
export async function pumpChunks(job: ChunkJob, state: PayloadState, input: LargeInput, sink: Sink): Promise<number> {
  const crew = new Crew(job, state.key);
  const read = blockReader(state.held, input);
  /** How many blocks were handed over and written, and what they held. */
  const count = { submitted: 0, written: 0, plaintext: 0 };
  const writeOut = async (): Promise<void> => {
    const slot = crew.slot(count.written);
    const length = await crew.finished(slot);
    sink.write(slot.output.subarray(0, length));
    if (job === "open") count.plaintext += length;
    count.written += 1;
  };
  try {
    let first = state.index;
    let length = read(crew.slot(0).input);
    for (let isLast = false; !isLast; count.submitted += 1) {
      const slot = crew.slot(count.submitted);
      // Whether a block is the last shows only in what follows it, so that the next one is read before it is handed over.
      if (count.submitted + 1 - count.written >= crew.size) await writeOut();
      const next = length < slot.input.length ? 0 : read(crew.slot(count.submitted + 1).input);
      isLast = next === 0;
      slot.submit(length, first, isLast);
      if (job === "seal") count.plaintext += length;
      first += Slot.chunks;
      length = next;
    }
    while (count.written < count.submitted) await writeOut();
    return count.plaintext;
  } finally {
    await crew.dismiss();
    state.key.fill(0);
    state.held.fill(0);
  }
}

/** Reads whole blocks, of what is held and then of the input; a shorter one is the last. */
function blockReader(held: Buffer, input: LargeInput): (block: Buffer) => number {
  let rest = held;
  return (block) => {
    let filled = rest.copy(block);
    rest = rest.subarray(filled);
    while (filled < block.length) {
      const read = input.readOn?.(block.subarray(filled)) ?? 0;
      if (read === 0) break;
      filled += read;
    }
    return filled;
  };
}

/** The workers, and the slots that they work on. */
class Crew {
  readonly #slots: Slot[];
  readonly #workers: Worker[];
  #failure: unknown = null;

  constructor(job: ChunkJob, key: Buffer) {
    const threads = Math.min(availableParallelism(), MAX_THREADS);
    const shared = { job, key, threads, ...sharedMemory(threads) };
    this.#slots = slotsOf(shared);
    this.#workers = Array.from({ length: threads }, (_, thread) => {
      const worker = new Worker(new URL("./chunk-worker.cjs", import.meta.url), { workerData: { ...shared, thread } });
      worker.on("error", (error) => {
        this.#failure = error;
      });
      return worker;
    });
  }

  get size(): number {
    return this.#slots.length;
  }

  /** The slot of a block, by the block's number. */
  slot(block: number): Slot {
    const slot = this.#slots[block % this.#slots.length];
    if (slot === undefined) throw new RangeError(`there is no slot for block ${block}`);
    return slot;
  }

  /** Waits until the worker is done with a slot, and gives the length of the output. */
  async finished(slot: Slot): Promise<number> {
    while (slot.turn === TURN.ready) {
      slot.waitWhile(TURN.ready, PATIENCE_MS);
      // A signal is heard in it, and a worker's failure.
      if (slot.turn === TURN.ready) await nextTurn();
      if (this.#failure !== null) throw this.#failure;
    }
    if (slot.turn === TURN.malformed)
      throw new SealingError("MALFORMED_MESSAGE", "the message is malformed: its payload ends within a chunk");
    if (slot.turn !== TURN.done) throw new SealingError("TAMPERED_MESSAGE", "the message was changed, or cut short");
    return slot.length;
  }

  /** Sends the workers away, and overwrites what they worked on. */
  async dismiss(): Promise<void> {
    for (const slot of this.#slots) if (slot.turn !== TURN.ready) slot.pass(TURN.quit);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    for (const slot of this.#slots) {
      slot.input.fill(0);
      slot.output.fill(0);
    }
  }
}
