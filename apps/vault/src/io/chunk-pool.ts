import { fstatSync, type Stats } from "node:fs";
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { VaultError } from "@git-vault/core";
import type { PayloadState } from "@git-vault/sealing";
import { embeddedFile, isStandalone } from "../own-program.ts";
import {
  blockBytes,
  Shared,
  type ChunkJob,
  type ChunkOrders,
  type ChunkReport,
  type ThreadError,
} from "./chunk-schedule.ts";
import type { LargeInput } from "./input.ts";
import type { Sink } from "./output.ts";

/** With more, reading and writing are what takes the time. */
const MAX_THREADS = 4;
/** How often the caller is told how far it is, in milliseconds. */
const LOOK_EVERY = 200;

/**
 * Seals or opens the rest of a large age payload in threads, which read, do the cryptography and
 * write, each a block of its own; they read and write in turn. This thread hears signals meanwhile.
 * On a single core, too, since threads can give memory back that the main thread cannot.
 *
 * @param reached is told now and then how many bytes were read and dealt with
 * @returns the number of plaintext bytes
 * @throws SealingError `TAMPERED_MESSAGE`, `MALFORMED_MESSAGE`; what reading and writing throw
 */
export async function pumpChunks(
  job: ChunkJob,
  state: PayloadState,
  input: LargeInput,
  sink: Sink,
  reached: (bytes: number) => void,
): Promise<number> {
  letThreadsFreeMemory();
  const { descriptor, title } = input;
  const begun = sharedCopy([state.held, input.data]);
  const threads = threadsFor([descriptor, sink.destination.descriptor]);
  const orders: Omit<ChunkOrders, "thread"> = {
    job,
    key: state.key,
    first: state.index,
    begun,
    source: descriptor === null ? null : { descriptor, title },
    destination: sink.destination,
    numbers: Shared.memory(),
    threads,
  };
  const { writing } = new Shared(orders.numbers);
  const look = (): void => reached((writing.passed ?? 0) * blockBytes(job));
  const timer = setInterval(look, LOOK_EVERY);
  const workers = Array.from({ length: threads }, (_, thread) => startWorker({ ...orders, thread }));
  try {
    return await reportOf(workers);
  } finally {
    clearInterval(timer);
    new Shared(orders.numbers).stop();
    await Promise.all(workers.map((worker) => worker.terminate()));
    for (const secret of [state.key, state.held, Buffer.from(begun)]) secret.fill(0);
  }
}

/** A thread per core, and one more for pipes, which often wait. */
function threadsFor(descriptors: readonly (number | null)[]): number {
  const cores = availableParallelism();
  const waits = descriptors.some((descriptor) => descriptor !== null && isPipe(fstatSync(descriptor)));
  return cores === 1 ? 1 : Math.min(cores + (waits ? 1 : 0), MAX_THREADS);
}

// A program that Node starts gets a socket for a pipe.
const isPipe = (stat: Stats): boolean => stat.isFIFO() || stat.isSocket();

/**
 * Lets the threads that start from now on give memory back at once, which the work on chunks gains
 * much by: Node 20 has that in its V8, behind a flag.
 */
function letThreadsFreeMemory(): void {
  if (!("transfer" in ArrayBuffer.prototype)) setFlagsFromString("--harmony-rab-gsab-transfer");
}

function sharedCopy(parts: readonly Buffer[]): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) at += part.copy(Buffer.from(memory), at);
  return memory;
}

const WORKER = "chunk-worker.cjs";

const startWorker = (orders: ChunkOrders): Worker =>
  new Worker(isStandalone() ? embeddedFile(WORKER) : new URL(`./${WORKER}`, import.meta.url), {
    eval: isStandalone(),
    workerData: orders,
    // Else Node opens this process's own streams for it, which makes a pipe non-blocking: see
    // `pause` in streams.ts.
    stdout: true,
    stderr: true,
  });

/** The error of a thread, which only its fields leave. */
const errorOf = ({ name, code, message }: ThreadError): VaultError =>
  Object.assign(new VaultError(code, message), { name });

/** What the one that ends the work reports. */
function reportOf(workers: readonly Worker[]): Promise<number> {
  return new Promise((resolve, reject) => {
    let running = workers.length;
    for (const worker of workers) {
      worker.on("message", (report: ChunkReport) => {
        if ("plaintextBytes" in report) resolve(report.plaintextBytes);
        else reject(errorOf(report.error));
      });
      worker.on("error", reject);
      worker.on("exit", () => {
        running -= 1;
        if (running === 0) reject(new Error("the threads ended before the message did"));
      });
    }
  });
}
