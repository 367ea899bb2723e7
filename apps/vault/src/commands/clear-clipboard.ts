import { setTimeout as sleep } from "node:timers/promises";
import { clearIfUnchanged, type ClearOrder } from "../clipboard.ts";
import { readStdin } from "../streams.ts";

/** The detached copy that `copy` starts: waits, then clears what is still there. Nobody reads what it says. */
export async function run(): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this program
  const order = JSON.parse(readStdin().toString()) as ClearOrder;
  process.on("SIGHUP", () => {}); // the terminal may close meanwhile
  await sleep(order.seconds * 1000);
  await clearIfUnchanged(order);
}
