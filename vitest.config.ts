import { defineConfig } from "vitest/config";

/** One run for all packages. Peers are slow to start on a small machine, so the limits are generous; no test is timed. On two
 * cores a third worker has something to do while the others wait for a cluster or a lease. */
export default defineConfig({
  test: {
    include: ["**/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 3,
    unstubEnvs: true,
  },
});
