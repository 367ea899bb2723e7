import { defineConfig } from "vitest/config";

/** What every package's tests share. Peers are slow to start on a small machine, so the limits are generous; no test is timed. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
