/** How often, and every how many milliseconds, a held lock is tried: for a second. */
const ATTEMPTS = 20;
const PAUSE_MS = 50;

/** Tries until `action` gives something else than false; the last time counts. */
export function persist<T>(action: () => T): T | false {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    const result = action();
    if (result !== false) return result;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
  return action();
}
