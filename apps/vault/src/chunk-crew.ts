import { availableParallelism } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { SealingError, type PayloadState } from "@git-vault/sealing";
import { sharedMemory, Slot, slotsOf, TURN, type ChunkJob } from "./chunk-slots.ts";
import type { LargeInput } from "./input.ts";
import type { Sink } from "./output.ts";

/** With more, reading and writing are what takes the time. */
const MAX_THREADS = 4;
/** How long a signal may have to wait. */
const PATIENCE_MS = 50;
/** What a pipe holds. */
const PIECE = 64 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Seals or opens the rest of a large age payload: this thread reads and writes, in order; workers do the cryptography, each on
 * blocks of its own. On a single core, too, since threads can give memory back that the main thread cannot.
 *
 * @returns the number of plaintext bytes
 * @throws SealingError `TAMPERED_MESSAGE`, `MALFORMED_MESSAGE`; what reading and writing throw
 */
export async function pumpChunks(job: ChunkJob, state: PayloadState, input: LargeInput, sink: Sink): Promise<number> {
  const crew = new Crew(job, state.key);
  const read = reader([state.held, input.data], input);
  /** How many blocks were handed over and written, and what they held. */
  const count = { submitted: 0, written: 0, plaintext: 0 };
  const takeFinished = async (): Promise<Buffer> => {
    const slot = crew.slot(count.written);
    const output = slot.output.subarray(0, await crew.finished(slot));
    if (job === "open") count.plaintext += output.length;
    count.written += 1;
    return output;
  };
  try {
    let first = state.index;
    let length = exchange(read, crew.slot(0).input, sink, NOTHING);
    for (let isLast = false; !isLast; count.submitted += 1) {
      const slot = crew.slot(count.submitted);
      const isFull = count.submitted + 1 - count.written >= crew.size;
      const finished = isFull ? await takeFinished() : NOTHING;
      // Whether a block is the last shows only in what follows it, so that the next one is read before it is handed over.
      const into = length < slot.input.length ? NOTHING : crew.slot(count.submitted + 1).input;
      const next = exchange(read, into, sink, finished);
      isLast = next === 0;
      slot.submit(length, first, isLast);
      if (job === "seal") count.plaintext += length;
      first += Slot.chunks;
      length = next;
    }
    while (count.written < count.submitted) sink.write(await takeFinished());
    return count.plaintext;
  } finally {
    await crew.dismiss();
    state.key.fill(0);
    state.held.fill(0);
  }
}

/** Reads on: first what is held already. Gives the number of bytes, 0 at the end. */
function reader(held: readonly [Buffer, Buffer], input: LargeInput): (into: Buffer) => number {
  let rests: readonly Buffer[] = held;
  return (into) => {
    rests = rests.filter(({ length }) => length > 0);
    const [rest, ...others] = rests;
    if (rest === undefined) return input.readOn?.(into) ?? 0;
    const taken = rest.copy(into);
    rests = [rest.subarray(taken), ...others];
    return taken;
  };
}

/**
 * Fills `into` unless the input ends before, and writes `output`. It does so in turns: while it does the one, the program at the
 * other end of the other pipe, which holds no more than a piece, goes on.
 *
 * @returns how many bytes it read
 */
function exchange(read: (into: Buffer) => number, into: Buffer, sink: Sink, output: Buffer): number {
  let filled = 0;
  let written = 0;
  for (let isFilled = into.length === 0; !isFilled || written < output.length;) {
    if (!isFilled) {
      const length = read(into.subarray(filled));
      filled += length;
      isFilled = length === 0 || filled === into.length;
    }
    const piece = output.subarray(written, written + PIECE);
    if (piece.length > 0) sink.write(piece);
    written += piece.length;
  }
  return filled;
}

/**
 * Lets the threads that start from now on give memory back at once, which the work on chunks gains much by: Node 20 has that in
 * its V8, behind a flag.
 */
function letThreadsFreeMemory(): void {
  if (!("transfer" in ArrayBuffer.prototype)) setFlagsFromString("--harmony-rab-gsab-transfer");
}

/** The workers, and the slots that they work on. */
class Crew {
  readonly #slots: Slot[];
  readonly #workers: Worker[];
  #failure: unknown = null;

  constructor(job: ChunkJob, key: Buffer) {
    letThreadsFreeMemory();
    const threads = Math.min(availableParallelism(), MAX_THREADS);
    const shared = { job, key, threads, ...sharedMemory(threads) };
    this.#slots = slotsOf(shared);
    this.#workers = Array.from({ length: threads }, (_, thread) => {
      const worker = new Worker(new URL("./chunk-worker.cjs", import.meta.url), {
        workerData: { ...shared, thread },
        // Else Node opens this process's own streams for it, which makes a pipe non-blocking: see `pause` in streams.ts.
        stdout: true,
        stderr: true,
      });
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
      slot.waitForWorker(PATIENCE_MS);
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
