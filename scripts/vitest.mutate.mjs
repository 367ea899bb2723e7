// The tests of the packages as Stryker runs them: in one project, without a build before.
import { workspaceSources } from "./sources.mjs";

export default {
  plugins: [workspaceSources],
  test: {
    include: ["**/test/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    unstubEnvs: true,
  },
};
