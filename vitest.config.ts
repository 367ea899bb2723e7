import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { workspaceSources } from "./scripts/sources.mjs";

const exclude = ["**/node_modules/**", "**/dist/**"];

const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith("/scripts.test.ts");

/** Those that take minutes begin first, so that none runs alone in the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's own
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

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
    sequence: { sequencer: LongFirst },
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
