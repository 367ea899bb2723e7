import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, run, throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* Each process of git takes as long as all else that `vault status` does with ten files. */

test("vault status asks git each question once", async () => {
  using source = await throwawayRepository();
  const trace = join(source.folder, "trace");
  const vault = (args: readonly string[], env: Record<string, string> = {}): ReturnType<typeof run> =>
    run(process.execPath, [VAULT, ...args], { cwd: source.path, env: { ...source.env, ...env } });
  // With a key to sign with, init begins a members log.
  mkdirSync(join(source.folder, "home/.ssh"), { mode: 0o700 });
  await makeSshKey({ type: "ed25519", folder: join(source.folder, "home/.ssh") });
  await vault(["init", "--quiet", "secrets/**"]);
  source.write("secrets/a", "a\n");
  await source.commit("secrets");
  // Another branch has a log of its own to be looked at.
  await source.git("checkout", "-q", "-b", "other");
  source.write(`.git-vault/members/${"0".repeat(64)}`, "junk\n");
  await source.commit("another log");
  await source.git("checkout", "-q", "-");
  const { status, stdout } = await vault(["status"], { GIT_TRACE: trace });
  expect([status, stdout.toString()]).toEqual([0, expect.stringContaining("secrets/a")]);
  const asked = readFileSync(trace, "utf8").matchAll(/trace: built-in: git (.*)$/gm);
  // Which objects, of those that are read, is no part of the command line.
  const questions = [...asked].map(([, words = ""]) => words).filter((words) => !words.includes("cat-file"));
  expect(questions.length).toBeGreaterThan(5);
  expect(questions.filter((words, at) => questions.indexOf(words) < at)).toEqual([]);
});
