/*
 * The entry of a worker thread: reads, seals or opens, and writes blocks, each in its turn, until
 * the message ends.
 */
import { parentPort, workerData } from "node:worker_threads";
import { openChunks, sealChunks } from "@git-vault/sealing";
import { isVaultError } from "@git-vault/core";
import {
  blockBytes,
  CHUNKS,
  PLAIN_CHUNK,
  SEALED_CHUNK,
  Shared,
  type ChunkOrders,
  type ChunkReport,
} from "./chunk-schedule.ts";
import { bufferToRead, readSome, writePieces } from "./streams.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- chunk-pool.ts gives it
const orders = workerData as ChunkOrders;
const { job, key, source, destination } = orders;
const shared = new Shared(orders.numbers);
const begun = Buffer.from(orders.begun);
const work = job === "seal" ? sealChunks : openChunks;

const BLOCK = blockBytes(job);
/** A block, and one byte more: whether it is the last shows in what follows it. */
const buffer = bufferToRead(BLOCK + 1);

/** Reads on: what was begun, and then the source. Gives the number of bytes, 0 at the end. */
function read(into: Buffer): number {
  const { taken } = shared;
  if (taken < begun.length) {
    shared.taken = taken + begun.copy(into, 0, taken);
    return shared.taken - taken;
  }
  return source === null ? 0 : readSome(source.descriptor, into, source.title);
}

/** Fills the buffer unless the input ends before, or all is stopped. Gives the number of bytes. */
function fill(): number {
  let filled = 0;
  const { ahead } = shared;
  if (ahead !== null) filled = buffer.writeUInt8(ahead);
  while (filled < buffer.length && !shared.reading.haveEnded) {
    const length = read(buffer.subarray(filled));
    if (length === 0) break;
    filled += length;
  }
  return filled;
}

/** Does a block; false where nothing is left to do. */
function doBlock(block: number): boolean {
  if (!shared.reading.waitFor(block)) return false;
  const filled = fill();
  const isLast = filled < buffer.length;
  if (isLast) shared.reading.end();
  else {
    shared.ahead = buffer[BLOCK] ?? 0;
    shared.reading.pass(block);
  }
  const input = buffer.subarray(0, Math.min(filled, BLOCK));
  const first = orders.first + block * CHUNKS;
  let isWritten = false;
  work(key, first, input, isLast, (pieces) => {
    if (!shared.writing.waitFor(block)) return;
    writePieces(destination, pieces);
    isWritten = true;
    shared.writing.pass(block);
  });
  if (isWritten && isLast) {
    const before = block * CHUNKS * PLAIN_CHUNK;
    const tags = job === "seal" ? 0 : 16 * Math.ceil(input.length / SEALED_CHUNK);
    report({ plaintextBytes: before + input.length - tags });
  }
  return isWritten && !isLast;
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- between threads there are no origins
const report = (what: ChunkReport): void => parentPort?.postMessage(what);

let block = orders.thread;
try {
  while (doBlock(block)) block += orders.threads;
} catch (error) {
  // What comes before is written first, as it would be by a single thread.
  if (shared.writing.waitFor(block)) {
    shared.stop();
    if (!isVaultError(error)) throw error;
    report({ error: { name: error.name, code: error.code, message: error.message } });
  }
} finally {
  buffer.fill(0);
  key.fill(0);
}
