import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run, throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* Each process of git takes as long as all else that `vault status` does with ten files. */

test("vault status asks git each question once", async () => {
  using source = await throwawayRepository();
  const trace = join(source.folder, "trace");
  const vault = (args: readonly string[], env: Record<string, string> = {}): ReturnType<typeof run> =>
    run(process.execPath, [VAULT, ...args], { cwd: source.path, env: { ...source.env, ...env } });
  await vault(["init", "--quiet", "secrets/**"]);
  source.write("secrets/a", "a\n");
  await source.commit("secrets");
  const { status, stdout } = await vault(["status"], { GIT_TRACE: trace });
  expect([status, stdout.toString()]).toEqual([0, expect.stringContaining("secrets/a")]);
  const asked = readFileSync(trace, "utf8").matchAll(/trace: built-in: git (.*)$/gm);
  // Which objects, of those that are read, is no part of the command line.
  const questions = [...asked].map(([, words = ""]) => words).filter((words) => !words.includes("cat-file"));
  expect(questions.length).toBeGreaterThan(5);
  expect(questions.filter((words, at) => questions.indexOf(words) < at)).toEqual([]);
});
