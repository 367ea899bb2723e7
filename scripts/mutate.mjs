// `pnpm mutate packages/keys [FILE…]` changes the sources of a package, or those of its files, one
// place at a time, and runs the package's tests after each change. It lists the changes that no
// test noticed, and the share that one did: the score. A file of 150 lines takes minutes, a package
// hours.
import { relative, resolve } from "node:path";
import { Stryker } from "@stryker-mutator/core";
import { root } from "./prepare.mjs";

const [folder, ...files] = process.argv.slice(2).map((path) => relative(root, resolve(path)));
if (folder === undefined) {
  console.error("usage: pnpm mutate packages/NAME [FILE…]");
  process.exit(2);
}
process.chdir(root);
const stryker = new Stryker({
  mutate: files.length > 0 ? files : [`${folder}/src/**/*.ts`, "!**/index.ts", "!**/*.d.ts"],
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  vitest: { dir: folder, configFile: "scripts/vitest.mutate.mjs" },
  coverageAnalysis: "perTest",
  // What runs when a module is loaded: each such change would take the whole suite.
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 60_000,
  tempDirName: ".stryker",
  reporters: ["clear-text"],
  clearTextReporter: { allowColor: process.stdout.isTTY, logTests: false, allowEmojis: false },
  allowConsoleColors: process.stdout.isTTY,
});
await stryker.runMutationTest();
