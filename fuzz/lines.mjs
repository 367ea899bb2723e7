// Lets every target parse what it is given, a text in base64 on each line, and says for each how it
// ended, how many milliseconds it took of the processor, and how many MiB the process has then.
import { createInterface } from "node:readline";
import { parse, TARGETS } from "./targets.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  const bytes = Buffer.from(line, "base64");
  for (const target of TARGETS) process.stdout.write(`${JSON.stringify(await resultOf(target, bytes))}\n`);
}

async function resultOf(target, bytes) {
  const begun = process.cpuUsage();
  let defect = null;
  try {
    await parse(target, bytes);
  } catch (error) {
    defect = error.stack;
  }
  // Of the processor, since others may be busy on it.
  const { user, system } = process.cpuUsage(begun);
  const mib = Math.round(process.memoryUsage.rss() / 2 ** 20);
  return { target, defect, ms: Math.round((user + system) / 1000), mib };
}
