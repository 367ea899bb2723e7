import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { cases, seed, SWITCHES, switchValue, variants } from "../src/index.ts";

const ROOT = join(import.meta.dirname, "../../..");
const LIST = "packages/testkit/src/switches.ts";
/** Of users, of hooks that are tried, and of releases; not of the tests. */
const OF_THE_COMMAND = [
  "GIT_VAULT_COMMIT",
  "GIT_VAULT_COMPLETION_MS",
  "GIT_VAULT_HOOK_TEST",
  "GIT_VAULT_IDENTITY",
  "GIT_VAULT_RELEASE",
  "GIT_VAULT_RELEASES",
  "GIT_VAULT_ROOT",
];

test("every variable that a file names is in the list of switches, and is read through it", () => {
  const files = execFileSync("git", ["grep", "-l", "GIT_VAULT_"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
  const named = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(ROOT, file), "utf8");
    for (const [name] of text.matchAll(/GIT_VAULT_[A-Z_]+/g)) named.add(name);
    // The benchmarks are no tests.
    if (file.startsWith("bench/") || file === LIST) continue;
    expect({
      file,
      reads: text.match(/env(?:\.|\[")GIT_VAULT_(?!COMMIT|COMPLETION_MS|IDENTITY|RELEASES?|ROOT|HOOK_TEST)\w+/g),
    }).toEqual({
      file,
      reads: null,
    });
  }
  expect([...named].toSorted()).toEqual([...OF_THE_COMMAND, ...Object.keys(SWITCHES)].toSorted());
});

test("the long tests run all cases, and a seed makes others", () => {
  vi.stubEnv("GIT_VAULT_LONG_TESTS", "");
  vi.stubEnv("GIT_VAULT_SEED", "");
  expect([switchValue("GIT_VAULT_SEED"), cases(2, 9), variants(3, 4), seed(5)]).toEqual([undefined, 2, [3], 5]);
  vi.stubEnv("GIT_VAULT_LONG_TESTS", "1");
  vi.stubEnv("GIT_VAULT_SEED", "77");
  expect([cases(2, 9), variants(3, 4), seed(5)]).toEqual([9, [3, 4], 77]);
});
