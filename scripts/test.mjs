// `npm test`: installs and builds what is needed, then runs every check and every test. Arguments
// go to vitest.
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pnpm, prepare } from "./prepare.mjs";

prepare();
pnpm(["run", "check"]);

const report = join(tmpdir(), `git-vault-tests-${process.pid}.json`);
process.on("exit", () => {
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"));
    console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
  } catch {
    // vitest did not get as far as its report, and has said why
  }
  rmSync(report, { force: true });
});
pnpm([
  "exec",
  "vitest",
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
