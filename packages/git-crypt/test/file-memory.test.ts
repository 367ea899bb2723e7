import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryFolder } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { whileSame } from "../src/git/file-memory.ts";

test("what is made of a file is kept as long as nothing about the file changes", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "index");
  let count = 0;
  const memory = whileSame<number>();
  const ask = (about?: string): number => memory(path, () => (count += 1), about);
  expect([ask(), ask()]).toEqual([1, 2]); // There is none.
  writeFileSync(path, "one");
  expect([ask(), ask()]).toEqual([3, 4]); // It may change within the same tick.
  await sleep(1100);
  expect([ask(), ask(), ask("other"), ask()]).toEqual([5, 5, 6, 5]);
  // The same size and time of writing, as anyone who wants to deceive would have it.
  const { atime, mtime } = statSync(path);
  writeFileSync(path, "two");
  utimesSync(path, atime, mtime);
  await sleep(1100);
  expect([ask(), ask()]).toEqual([7, 7]);
  writeFileSync(`${path}.lock`, "two");
  utimesSync(`${path}.lock`, atime, mtime);
  renameSync(`${path}.lock`, path);
  await sleep(1100);
  expect([ask(), ask()]).toEqual([8, 8]);
  rmSync(path);
  expect([ask(), ask()]).toEqual([9, 10]);
});
