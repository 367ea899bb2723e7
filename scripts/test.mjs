// `npm test`: installs and builds what is needed, then runs every check and every test. Arguments
// go to vitest.
import { existsSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pnpm, prepare } from "./prepare.mjs";

prepare();
pnpm(["run", "check"]);
writeToMemory();

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

/**
 * Where there is room, what tests write stays in memory: they write much, and each file that is
 * made sure of waits for a disk.
 */
function writeToMemory() {
  const memory = "/dev/shm";
  if (process.env.TMPDIR !== undefined || !existsSync(memory)) return;
  const { bavail, bsize } = statfsSync(memory);
  const mounts = readFileSync("/proc/self/mounts", "utf8");
  const mayRun = !new RegExp(`^\\S+ ${memory} \\S+ \\S*\\bnoexec\\b`, "m").test(mounts);
  if (bavail * bsize < 8 * 1024 ** 3 || !mayRun) return;
  process.env.TMPDIR = memory;
  console.log(`Tests write to ${memory}; TMPDIR names another place.`);
}
