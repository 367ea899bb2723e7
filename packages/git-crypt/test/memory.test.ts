import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runOk } from "@git-vault/testkit";
import { expect, test, vi } from "vitest";
import { driver, isSealed, sealed, type Sealed } from "./sealed.ts";

const FILES = 10_000;

/** Runs a command of the driver; gives the most memory that it held at once, in MiB. */
async function peakOf({ repo }: Sealed, ...command: string[]): Promise<number> {
  const stdout = await runOk(process.execPath, [driver, ...command, "--peak"], { cwd: repo.path, env: repo.env });
  const last = stdout.toString().trim().split("\n").at(-1) ?? "";
  return /^\{"kilobytes":(\d+)\}$/.exec(last) === null ? Number.NaN : Number(last.replaceAll(/\D/g, "")) / 1024;
}

test("10,000 files are locked, unlocked and rotated in bounded memory", async () => {
  // In memory, where the system has such a folder: this is not about the disk.
  if (existsSync("/dev/shm")) vi.stubEnv("TMPDIR", "/dev/shm");
  const names = Array.from({ length: FILES }, (_, at) => `d${at % 100}/${at}.secret`);
  using source = await sealed(Object.fromEntries(names.map((name) => [name, `the secret of ${name}\n`])));
  const { repo } = source;
  const countSealed = (): number => names.filter((name) => isSealed(readFileSync(join(repo.path, name)))).length;
  // Node itself holds some 50 MiB; measured were 170 to 250.
  expect(await peakOf(source, "lock")).toBeLessThan(320);
  expect(countSealed()).toBe(FILES);
  expect(await peakOf(source, "unlock", source.keyPath)).toBeLessThan(320);
  expect(countSealed()).toBe(0);
  expect(await peakOf(source, "status")).toBeLessThan(320);
  expect(await peakOf(source, "rotate")).toBeLessThan(400);
  expect((await repo.git("status", "--porcelain")).toString()).toBe("");
});
