import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, runOk, throwawayRepository, type Repository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* Each process of git takes as long as all else that `vault status` does with ten files. */

/** A repository with a members log, of which another branch has other entries. */
async function withLog(): Promise<{
  readonly source: Repository;
  /** Runs the command, which must succeed; gives what it asks git, other than for objects. */
  readonly questions: (...args: string[]) => Promise<string[]>;
}> {
  const source = await throwawayRepository();
  const trace = join(source.folder, "trace");
  const vault = (args: readonly string[], env: Record<string, string> = {}): Promise<Buffer> =>
    runOk(process.execPath, [VAULT, ...args], { cwd: source.path, env: { ...source.env, ...env } });
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
  return {
    source,
    questions: async (...args) => {
      rmSync(trace, { force: true });
      await vault(args, { GIT_TRACE: trace });
      const asked = readFileSync(trace, "utf8").matchAll(/trace: built-in: git (.*)$/gm);
      // Which objects, of those that are read, is no part of the command line.
      return [...asked].map(([, words = ""]) => words).filter((words) => !words.includes("cat-file"));
    },
  };
}

const repeated = (questions: readonly string[]): string[] =>
  questions.filter((words, at) => questions.indexOf(words) < at);

test("what changes nothing asks git each question once", async () => {
  const { source, questions } = await withLog();
  using _ = source;
  for (const args of [["status"], ["holders", "--offline"], ["log"]]) {
    const asked = await questions(...args);
    expect([args, asked.length > 2, repeated(asked)]).toEqual([args, true, []]);
  }
});

test("what writes asks again only what it may have changed", async () => {
  const { source, questions } = await withLog();
  using _ = source;
  // Nothing is left to do, but that is seen by looking.
  expect(repeated(await questions("unlock"))).toEqual([]);
  const clone = join(source.folder, "clone");
  await source.git("clone", "--quiet", source.path, clone);
  const first = await questions("-C", clone, "unlock", "--yes");
  // The log is looked at again when it was accepted, and the configuration when it was written.
  expect(first.length).toBeLessThan(25);
});
