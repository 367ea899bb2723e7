// What all benchmarks share: medians of programs that take turns, and one form of telling them.

/** Prints one object instead of lines: see `report`. */
const asJson = process.argv.includes("--json");

/** The arguments of the benchmark, without `--json`. */
export const operands = process.argv.slice(2).filter((word) => word !== "--json");

export const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/**
 * Runs each of `commands` once a round, in turn, after `before`, and gives each one's median in
 * milliseconds.
 */
export function medianOfTurns(commands, rounds, before = () => {}) {
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, command] of Object.entries(commands)) {
      before();
      const start = performance.now();
      command();
      const elapsed = performance.now() - start;
      if (round >= 0) times[name].push(elapsed); // the first round warms the disk cache
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
}

/**
 * Tells what a benchmark found: `title`, and rows of
 *
 * - `name`: what was measured; the same in each run, for it is compared by that,
 * - `ms` or `mib`: milliseconds or MiB of memory,
 * - `ratio` and `to`: that value divided by that of the peer in the same run, and which that is,
 * - `atMost`: the budget of the ratio, or of the value where there is no ratio.
 *
 * With `--json` one object with all that, and the Node that ran.
 */
export function report(title, rows) {
  if (asJson) {
    console.log(JSON.stringify({ title, node: process.version, rows }));
    return;
  }
  console.log(title);
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, ms, mib, ratio, to, atMost } of rows) {
    const value = ms === undefined ? `${mib.toFixed(0)} MiB` : showTime(ms);
    const beside = ratio === undefined ? "" : `${ratio.toFixed(2).padStart(8)} × ${to}`;
    const isOver = atMost !== undefined && (ratio ?? ms ?? mib) > atMost;
    const budget = atMost === undefined ? "" : `  ${isOver ? "!" : " "} at most ${showBudget(atMost, ratio, ms)}`;
    console.log(`  ${name.padEnd(width)} ${value.padStart(10)}${beside}${budget}`);
  }
}

function showTime(ms) {
  return ms < 1000 ? `${ms.toFixed(ms < 100 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function showBudget(atMost, ratio, ms) {
  if (ratio !== undefined) return `${atMost} ×`;
  return ms === undefined ? `${atMost} MiB` : showTime(atMost);
}
