// `pnpm fuzz TARGET SECONDS`: gives a parser damaged and random bytes for so long, beginning with
// those of its corpus. What ends in another way than all before is kept in the corpus; what crashes
// the parser, or takes it more than ten seconds or a GiB of memory, in fuzz/crashes. Where it ends
// the whole process, `pnpm fuzz TARGET SECONDS SEED` comes to the same input again. `--list` names
// the targets.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

const MOST_MS = 10_000;
const MOST_BYTES = 1 << 16;
const MOST_MIB = 1024;
const here = import.meta.dirname;

async function main(words) {
  const names = [...readFileSync(join(here, "targets.mjs"), "utf8").matchAll(/^ {2}"?([a-z\d-]+)"?: \(bytes\)/gm)];
  const targets = names.map(([, name]) => name);
  if (words[0] === "--list") {
    console.log(words[1] === "--json" ? JSON.stringify(targets) : targets.join("\n"));
    return;
  }
  const [target, seconds] = [words[0] ?? "", Number(words[1])];
  if (!targets.includes(target) || !(seconds > 0)) {
    console.error(`usage: pnpm fuzz ${targets.join("|")} SECONDS`);
    process.exitCode = 2;
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "git-vault-fuzz-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const { bundleTargets } = await import("./bundle.mjs");
  const program = await bundleTargets(folder);
  const last = new SharedArrayBuffer(MOST_BYTES + 8);
  const seed = seedOf(words[2]);
  console.log(`${target}: seed ${seed}`);
  const worker = new Worker(import.meta.filename, {
    workerData: { program, target, seconds, last, seed },
    resourceLimits: { maxOldGenerationSizeMb: MOST_MIB },
  });
  let [count, kept, seen, at] = [0, 0, -1, Date.now()];
  const watch = setInterval(() => {
    const now = Atomics.load(new Int32Array(last, 0, 2), 0);
    if (now !== seen) [seen, at] = [now, Date.now()];
    else if (Date.now() - at > MOST_MS) crash(target, bytesOf(last), new Error(`it took more than ${MOST_MS} ms`));
  }, 1000);
  worker.on("message", (report) => {
    ({ count, kept } = report);
  });
  worker.on("error", (error) => crash(target, bytesOf(last), error));
  await new Promise((resolve) => worker.on("exit", resolve));
  clearInterval(watch);
  console.log(`${target}: ${count} inputs, ${kept} new in the corpus`);
}

const seedOf = (word) => Number(word ?? Math.floor(Math.random() * 2 ** 31));

const bytesOf = (shared) => {
  const length = new Int32Array(shared, 0, 2)[1];
  return Buffer.from(new Uint8Array(shared, 8, length));
};

function crash(target, bytes, error) {
  const folder = join(here, "crashes", target);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, nameOf(bytes));
  writeFileSync(file, bytes);
  console.error(`${target}: ${error.stack}\nthe input is ${file}`);
  process.exit(1);
}

const nameOf = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

/** The thread that parses. */
async function work({ program, target, seconds, last, seed }) {
  const { parse } = await import(pathToFileURL(program).href);
  const random = randomOf(seed);
  const folder = join(here, "corpus", target);
  mkdirSync(folder, { recursive: true });
  const corpus = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  corpus.push(Buffer.alloc(0));
  const ends = new Set();
  const numbers = new Int32Array(last, 0, 2);
  const shown = new Uint8Array(last, 8);
  const until = Date.now() + seconds * 1000;
  let kept = 0;
  for (let count = 0; Date.now() < until; count += 1) {
    const isOld = count < corpus.length;
    const bytes = isOld ? corpus[count] : damaged(corpus, random);
    shown.set(bytes.subarray(0, MOST_BYTES));
    numbers[1] = Math.min(bytes.length, MOST_BYTES);
    Atomics.store(numbers, 0, count);
    const end = await parse(target, bytes);
    if (!ends.has(end) && !isOld) {
      writeFileSync(join(folder, nameOf(bytes)), bytes);
      corpus.push(bytes);
      kept += 1;
    }
    ends.add(end);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- between threads there are no origins
    if (count % 1000 === 0) parentPort.postMessage({ count, kept });
  }
}

/** A whole number below `n` each time, the same for the same seed (xorshift). */
function randomOf(seed) {
  let state = seed | 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/** One of the corpus with some of its bytes changed, cut, repeated, or mixed with another's. */
function damaged(corpus, random) {
  let bytes = Buffer.from(corpus[random(corpus.length)]);
  for (let times = 1 + random(4); times > 0; times -= 1) {
    const at = random(bytes.length + 1);
    const end = Math.min(bytes.length, at + 1 + random(32));
    const other = corpus[random(corpus.length)];
    const part = other.subarray(random(other.length + 1)).subarray(0, 1 + random(64));
    const between = [
      () => Buffer.from([random(256)]),
      () => Buffer.alloc(0),
      () => Buffer.concat([bytes.subarray(at, end), bytes.subarray(at, end)]),
      () => part,
      () => Buffer.from(["\n", "\0", "-----", "\u00ff\u00ff\u00ff\u00ff", "{", "9".repeat(20)][random(6)], "latin1"),
    ][random(5)]();
    bytes = Buffer.concat([bytes.subarray(0, at), between, bytes.subarray(end)]).subarray(0, MOST_BYTES);
  }
  return bytes;
}

if (isMainThread) await main(process.argv.slice(2));
else await work(workerData);
