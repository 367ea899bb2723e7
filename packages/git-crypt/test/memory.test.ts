import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cases, runOk } from "@git-vault/testkit";
import { expect, test, vi } from "vitest";
import { driver, isSealed, sealed, type Sealed } from "./sealed.ts";

const FILES = cases(2500, 10_000);
/** In MiB: Node itself holds some 50. Measured were 85 and 100, with all files 250. */
const [MOST, MOST_OF_ROTATION] = [cases(140, 320), cases(170, 400)];

/** Runs a command of the driver; gives the most memory that it held at once, in MiB. */
async function peakOf({ repo }: Sealed, ...command: string[]): Promise<number> {
  const stdout = await runOk(process.execPath, [driver, ...command, "--peak"], { cwd: repo.path, env: repo.env });
  const last = stdout.toString().trim().split("\n").at(-1) ?? "";
  return /^\{"kilobytes":(\d+)\}$/.exec(last) === null ? Number.NaN : Number(last.replaceAll(/\D/g, "")) / 1024;
}

test("thousands of files are locked, unlocked and rotated in bounded memory", async () => {
  // In memory, where the system has such a folder: this is not about the disk.
  if (existsSync("/dev/shm")) vi.stubEnv("TMPDIR", "/dev/shm");
  const names = Array.from({ length: FILES }, (_, at) => `d${at % 100}/${at}.secret`);
  using source = await sealed(Object.fromEntries(names.map((name) => [name, `the secret of ${name}\n`])));
  const { repo } = source;
  const countSealed = (): number => names.filter((name) => isSealed(readFileSync(join(repo.path, name)))).length;
  expect(await peakOf(source, "lock")).toBeLessThan(MOST);
  expect(countSealed()).toBe(FILES);
  expect(await peakOf(source, "unlock", source.keyPath)).toBeLessThan(MOST);
  expect(countSealed()).toBe(0);
  expect(await peakOf(source, "status")).toBeLessThan(MOST);
  expect(await peakOf(source, "rotate")).toBeLessThan(MOST_OF_ROTATION);
  expect((await repo.git("status", "--porcelain")).toString()).toBe("");
});
