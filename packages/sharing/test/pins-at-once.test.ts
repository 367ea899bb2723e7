import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run, temporaryFolder } from "@git-vault/testkit";
import { bundleProgram } from "@git-vault/testkit/program";
import { expect, test } from "vitest";
import { withFileLock } from "../src/trust/file-lock.ts";

/*
 * Several commands at once, such as grants in a loop with `&`, remember their recipients in one
 * file.
 */

const PROGRAM = join(import.meta.dirname, "remember-pin.mjs");

test("sixteen processes that remember at once lose nothing", async () => {
  using folder = temporaryFolder();
  const program = await bundleProgram(PROGRAM, folder.path);
  const file = join(folder.path, "config", "known-recipients");
  const numbers = Array.from({ length: 16 }, (_, number) => String(number));
  const results = await Promise.all(numbers.map(async (number) => run(process.execPath, [program, file, number])));
  expect(results.map(({ status }) => status)).toEqual(numbers.map(() => 0));
  const remembered = readFileSync(file, "utf8").match(/user-\d+/g) ?? [];
  expect(remembered.toSorted()).toEqual(numbers.map((number) => `user-${number}`).toSorted());
});

test("the lock that a killed process left is broken", async () => {
  using folder = temporaryFolder();
  const program = await bundleProgram(PROGRAM, folder.path);
  const file = join(folder.path, "known-recipients");
  writeFileSync(`${file}.lock`, "");
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(`${file}.lock`, longAgo, longAgo);
  expect((await run(process.execPath, [program, file, "1"])).status).toBe(0);
  expect(readFileSync(file, "utf8")).toContain("user-1");
});

test("the lock of a process that is at work is waited for", async () => {
  using folder = temporaryFolder();
  const program = await bundleProgram(PROGRAM, folder.path);
  const file = join(folder.path, "known-recipients");
  writeFileSync(`${file}.lock`, "");
  const running = run(process.execPath, [program, file, "1"]);
  await sleep(1000);
  expect(existsSync(file)).toBe(false);
  rmSync(`${file}.lock`);
  expect((await running).status).toBe(0);
  expect(readFileSync(file, "utf8")).toContain("user-1");
});

test("the lock is given back after work that failed", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "known-recipients");
  const work = (): never => {
    throw new Error("the disk is full");
  };
  expect(() => withFileLock(file, work)).toThrow("the disk is full");
  expect(existsSync(`${file}.lock`)).toBe(false);
});
