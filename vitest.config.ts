import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { workspaceSources } from "./scripts/sources.mjs";

// It makes each Node that a test starts read all certificates of the system, which takes longer
// than the rest of its start.
delete process.env["NODE_EXTRA_CA_CERTS"];

const exclude = ["**/node_modules/**", "**/dist/**"];

/** Those that take a minute or more, the longest of all first. */
const LONG = [
  "vault/test/scripts",
  "test/site",
  "vault/test/members/stories",
  "deploy/test/control-plane",
  "deploy/test/apply",
  "vault/test/deploy-attacks",
  "vault/test/members/attack-files",
  "vault/test/members/stories-keys",
  "vault/test/members/attacks",
  "sharing/test/holders",
  "deploy/test/good-revision",
  "vault/test/members/attack-entries",
  "vault/test/members/newcomer",
  "sharing/test/rotation",
  "sharing/test/grant",
  "vault/test/hooks",
  "vault/test/guard",
  "vault/test/deploy-rollout",
  "vault/test/members/kills",
  "vault/test/deploy-ci",
  "vault/test/members/attack-clones",
  "deploy/test/two-actors",
  "vault/test/deploy-apply",
  "vault/test/members/attack-keys",
  "vault/test/ssh-vault",
];

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return rank < 0 ? LONG.length : rank;
};

/** They begin first, so that none of them runs alone in the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's own
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
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
          include: ["apps/*/test/**/*.test.ts"],
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
