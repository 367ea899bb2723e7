// Medians of programs that take turns.

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
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]]),
  );
}
