import { setTimeout as sleep } from "node:timers/promises";
import { usageError } from "../../errors.ts";
import { clearIfUnchanged } from "../../io/clipboard.ts";
import { readStdin } from "../../io/streams.ts";

/** The detached copy that `copy` starts: waits, then clears what is still there. */
export async function run(): Promise<void> {
  const [, seconds, salt, hash] = /^(\d+) ([\da-f]+) ([\da-f]+)$/.exec(readStdin().toString()) ?? [];
  if (salt === undefined || hash === undefined) throw usageError("clear-clipboard is run by vault itself");
  process.on("SIGHUP", () => {}); // the terminal may close meanwhile
  await sleep(Number(seconds) * 1000);
  await clearIfUnchanged(salt, hash);
}
