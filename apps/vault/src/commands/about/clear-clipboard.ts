import { setTimeout as sleep } from "node:timers/promises";
import { clearIfUnchanged, type ClearOrder } from "../../io/clipboard.ts";
import { usageError } from "../../errors.ts";
import { readStdin } from "../../io/streams.ts";

/** The detached copy that `copy` starts: waits, then clears what is still there. */
export async function run(): Promise<void> {
  const order = parseOrder(readStdin().toString());
  process.on("SIGHUP", () => {}); // the terminal may close meanwhile
  await sleep(order.seconds * 1000);
  await clearIfUnchanged(order);
}

function parseOrder(text: string): ClearOrder {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each field is checked below
    const { seconds, salt, hash } = JSON.parse(text) as Partial<Record<keyof ClearOrder, unknown>>;
    if (typeof seconds === "number" && typeof salt === "string" && typeof hash === "string")
      return { seconds, salt, hash };
  } catch {
    // the error below says it
  }
  throw usageError("clear-clipboard is run by vault itself");
}
