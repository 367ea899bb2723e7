import { defineConfig } from "vitest/config";

/** One run for all packages. Peers are slow to start on a small machine, so the limits are generous; no test is timed. */
export default defineConfig({
  test: {
    include: ["**/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
    unstubEnvs: true,
  },
});
