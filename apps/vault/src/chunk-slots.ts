/*
 * The memory that the threads of a large message share: slots, each with a block of chunks as it was read, a block as it is to be
 * written, and a few numbers. A slot belongs to the main thread until it is ready, and again when it is done.
 */

/** What the threads do. */
export type ChunkJob = "seal" | "open";

/** What a thread is told when it starts. */
export interface ChunkOrders {
  readonly job: ChunkJob;
  /** The payload's key. */
  readonly key: Uint8Array;
  readonly blocks: SharedArrayBuffer;
  readonly numbers: SharedArrayBuffer;
  /** Which of the threads this is, and how many there are: thread t does the slots t, t + threads, … */
  readonly thread: number;
  readonly threads: number;
}

const CHUNKS = 8;
const PLAIN_BLOCK = CHUNKS * 64 * 1024;
const SEALED_BLOCK = CHUNKS * (64 * 1024 + 16);
const SLOTS_A_THREAD = 2;

/** Whose turn a slot is: the main thread's (free, done, failed) or its worker's (ready); or that the worker may go. */
export const TURN = { free: 0, ready: 1, done: 2, tampered: 3, malformed: 4, quit: 5 } as const;
type Turn = (typeof TURN)[keyof typeof TURN];

/** The numbers of a slot, in their order. */
const FIELDS = { turn: 0, length: 1, first: 2, isLast: 3 } as const;
const FIELD_COUNT = 4;

/** The shared memory for so many threads. */
export const sharedMemory = (threads: number): Pick<ChunkOrders, "blocks" | "numbers"> => ({
  blocks: new SharedArrayBuffer(threads * SLOTS_A_THREAD * (PLAIN_BLOCK + SEALED_BLOCK)),
  numbers: new SharedArrayBuffer(threads * SLOTS_A_THREAD * FIELD_COUNT * Int32Array.BYTES_PER_ELEMENT),
});

/** The slots, in the order of the blocks. */
export const slotsOf = (orders: Omit<ChunkOrders, "thread">): Slot[] =>
  Array.from({ length: orders.threads * SLOTS_A_THREAD }, (_, at) => new Slot(orders, at));

/** One slot. */
export class Slot {
  /** A block as it is read: plaintext to seal, or what is sealed to open. */
  readonly input: Buffer;
  /** A block as it is to be written. */
  readonly output: Buffer;
  readonly #numbers: Int32Array;

  constructor({ job, blocks, numbers }: Pick<ChunkOrders, "job" | "blocks" | "numbers">, at: number) {
    const [inputSize, outputSize] = job === "seal" ? [PLAIN_BLOCK, SEALED_BLOCK] : [SEALED_BLOCK, PLAIN_BLOCK];
    const start = at * (inputSize + outputSize);
    this.input = Buffer.from(blocks, start, inputSize);
    this.output = Buffer.from(blocks, start + inputSize, outputSize);
    this.#numbers = new Int32Array(numbers, at * FIELD_COUNT * Int32Array.BYTES_PER_ELEMENT, FIELD_COUNT);
  }

  /** How many chunks a full block has. */
  static readonly chunks: number = CHUNKS;

  get turn(): number {
    return Atomics.load(this.#numbers, FIELDS.turn);
  }

  /** The length of the input, or of the output when it is done. */
  get length(): number {
    return Atomics.load(this.#numbers, FIELDS.length);
  }

  /** The number of the first chunk. */
  get first(): number {
    return Atomics.load(this.#numbers, FIELDS.first);
  }

  /** Whether the message ends in this block. */
  get isLast(): boolean {
    return Atomics.load(this.#numbers, FIELDS.isLast) === 1;
  }

  /** Hands the input over to the worker. */
  submit(length: number, first: number, isLast: boolean): void {
    Atomics.store(this.#numbers, FIELDS.first, first);
    Atomics.store(this.#numbers, FIELDS.isLast, isLast ? 1 : 0);
    this.pass(TURN.ready, length);
  }

  /** Gives the turn to the other side. */
  pass(turn: Turn, length = 0): void {
    Atomics.store(this.#numbers, FIELDS.length, length);
    Atomics.store(this.#numbers, FIELDS.turn, turn);
    Atomics.notify(this.#numbers, FIELDS.turn);
  }

  /** The worker sleeps until the slot is ready, or it may go; tells which. */
  waitForWork(): number {
    for (;;) {
      // Looked at once: a turn that changes between the look and the sleep must not be slept through.
      const { turn } = this;
      if (turn === TURN.ready || turn === TURN.quit) return turn;
      Atomics.wait(this.#numbers, FIELDS.turn, turn);
    }
  }

  /** The main thread sleeps until the worker is done, for at most so many milliseconds. */
  waitForWorker(milliseconds: number): void {
    Atomics.wait(this.#numbers, FIELDS.turn, TURN.ready, milliseconds);
  }
}
