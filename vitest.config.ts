import { defineConfig } from "vitest/config";
import { workspaceSources } from "./scripts/sources.mjs";

const exclude = ["**/node_modules/**", "**/dist/**"];

/**
 * One run for all packages, in two projects. The tests of `packages` run on the sources of all
 * packages. Those of `vault` run the built command, which is built first if a source is newer.
 *
 * Peers are slow to start on a small machine, so the limits are generous; no test is timed. On two
 * cores a third worker has something to do while the others wait for a cluster or a lease.
 */
export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      {
        plugins: [workspaceSources],
        test: {
          name: "packages",
          include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
          exclude,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          unstubEnvs: true,
        },
      },
      {
        plugins: [workspaceSources],
        test: {
          name: "vault",
          include: ["apps/vault/test/**/*.test.ts"],
          exclude,
          globalSetup: "apps/vault/scripts/build-if-stale.mjs",
          testTimeout: 300_000,
          hookTimeout: 300_000,
          unstubEnvs: true,
        },
      },
    ],
  },
});
