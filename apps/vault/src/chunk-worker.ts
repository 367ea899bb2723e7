/* The entry of a worker thread: seals or opens the blocks of its slots, in turn, until it is told to go. */
import { workerData } from "node:worker_threads";
import { openChunks, sealChunks, SealingError } from "@git-vault/sealing";
import { slotsOf, TURN, type ChunkOrders, type Slot } from "./chunk-slots.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- chunk-crew.ts gives it
const orders = workerData as ChunkOrders;
const work = orders.job === "seal" ? sealChunks : openChunks;

function finish(slot: Slot): void {
  try {
    const input = slot.input.subarray(0, slot.length);
    slot.pass(TURN.done, work(orders.key, slot.first, input, slot.isLast, slot.output));
  } catch (error) {
    slot.output.fill(0);
    slot.pass(error instanceof SealingError && error.code === "MALFORMED_MESSAGE" ? TURN.malformed : TURN.tampered);
  }
}

const slots = slotsOf(orders).filter((_, at) => at % orders.threads === orders.thread);
for (let at = 0; ; at = (at + 1) % slots.length) {
  const slot = slots[at];
  if (slot === undefined) break;
  if (slot.waitForWork() === TURN.quit) break;
  finish(slot);
}
orders.key.fill(0);
