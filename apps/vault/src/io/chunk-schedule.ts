/*
 * What the threads of a large message share: whose turn it is to read and to write, and what they
 * know of what was read. A thread has the turn to read, reads a block of chunks and gives the turn
 * on; seals or opens the block; has the turn to write, writes it and gives the turn on.
 */
import type { VaultError } from "@git-vault/core";
import type { Destination } from "./streams.ts";

/** What the threads do. */
export type ChunkJob = "seal" | "open";

/**
 * The chunks of a block: so many, and what is made of them, the cache of a core holds, and the
 * allocator does not give back each time.
 */
export const CHUNKS = 4;
export const PLAIN_CHUNK = 64 * 1024;
export const SEALED_CHUNK = PLAIN_CHUNK + 16;

/** How many bytes are read for a block. */
export const blockBytes = (job: ChunkJob): number => CHUNKS * (job === "seal" ? PLAIN_CHUNK : SEALED_CHUNK);

/** What a thread is told when it starts. */
export interface ChunkOrders {
  readonly job: ChunkJob;
  /** The payload's key. */
  readonly key: Uint8Array;
  /** The number of the first chunk. */
  readonly first: number;
  /** What was read before. */
  readonly begun: SharedArrayBuffer;
  /** What is read after it; null where that was all. */
  readonly source: { readonly descriptor: number; readonly title: string } | null;
  readonly destination: Destination;
  readonly numbers: SharedArrayBuffer;
  /** This thread and how many there are: thread t does the blocks t, t + threads, … */
  readonly thread: number;
  readonly threads: number;
}

/** How a thread ended: the plaintext's length if it wrote the last block, or its failure. */
export type ChunkReport = { readonly plaintextBytes: number } | { readonly error: ThreadError };

/** A VaultError, as a message between threads has it. */
export type ThreadError = Pick<VaultError, "name" | "code" | "message">;

/** The shared numbers, in their order. */
const FIELDS = { readTurn: 0, writeTurn: 1, taken: 2, ahead: 3 } as const;
const NOBODY = -1;
const NONE = -1;

/** A lock that threads take in the order of the blocks that they do. */
export class OrderedLock {
  readonly #numbers: Int32Array;
  readonly #field: number;

  constructor(numbers: Int32Array, field: number) {
    this.#numbers = numbers;
    this.#field = field;
  }

  /** Sleeps until it is the turn of a block; false where nobody has a turn any more. */
  waitFor(block: number): boolean {
    for (;;) {
      // Looked at once: a turn that changes between the look and the sleep must not be slept
      // through.
      const turn = Atomics.load(this.#numbers, this.#field);
      if (turn === block) return true;
      if (turn === NOBODY) return false;
      Atomics.wait(this.#numbers, this.#field, turn);
    }
  }

  /** Gives the turn of a block to the next one; unless they ended meanwhile. */
  pass(block: number): void {
    Atomics.compareExchange(this.#numbers, this.#field, block, block + 1);
    Atomics.notify(this.#numbers, this.#field);
  }

  /** After it nobody has a turn. */
  end(): void {
    Atomics.store(this.#numbers, this.#field, NOBODY);
    Atomics.notify(this.#numbers, this.#field);
  }

  get haveEnded(): boolean {
    return Atomics.load(this.#numbers, this.#field) === NOBODY;
  }

  /** How many turns are over; null once all have ended. */
  get passed(): number | null {
    const turn = Atomics.load(this.#numbers, this.#field);
    return turn === NOBODY ? null : turn;
  }
}

/** The numbers that all threads share. */
export class Shared {
  readonly #numbers: Int32Array;
  readonly reading: OrderedLock;
  readonly writing: OrderedLock;

  constructor(numbers: SharedArrayBuffer) {
    this.#numbers = new Int32Array(numbers);
    this.reading = new OrderedLock(this.#numbers, FIELDS.readTurn);
    this.writing = new OrderedLock(this.#numbers, FIELDS.writeTurn);
  }

  /** The memory, before anything was done. */
  static memory(): SharedArrayBuffer {
    const numbers = new SharedArrayBuffer(Object.keys(FIELDS).length * Int32Array.BYTES_PER_ELEMENT);
    new Int32Array(numbers)[FIELDS.ahead] = NONE;
    return numbers;
  }

  /** How many bytes of what was begun are taken. Only whose turn it is to read may use it. */
  get taken(): number {
    return Atomics.load(this.#numbers, FIELDS.taken);
  }

  set taken(bytes: number) {
    Atomics.store(this.#numbers, FIELDS.taken, bytes);
  }

  /** The byte that was read ahead, or null. Only the thread that may read uses it. */
  get ahead(): number | null {
    const byte = Atomics.load(this.#numbers, FIELDS.ahead);
    return byte === NONE ? null : byte;
  }

  set ahead(byte: number) {
    Atomics.store(this.#numbers, FIELDS.ahead, byte);
  }

  /**
   * Nothing is read or written after it. Writing ends first: whose reading is cut short must not
   * take it for the message's end.
   */
  stop(): void {
    this.writing.end();
    this.reading.end();
  }
}
