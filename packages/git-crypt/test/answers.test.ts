import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { throwawayRepository, type Repository as Throwaway } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { commitOf, openRepository, tryGit, type Remembering, type Repository } from "../src/index.ts";
import { noteChange } from "../src/answers.ts";
import { changeConfig } from "../src/git/config-file.ts";
import { retry } from "../src/git/lock-files.ts";
import { SHARED, replaceFile } from "../src/git/write-file.ts";
import { WorkTree } from "../src/git/work-tree.ts";
import { runProgram } from "../src/programs.ts";

interface Asked {
  readonly repository: Repository;
  /** How many programs of git were started since this was asked last. */
  readonly count: () => number;
}

function open(source: Throwaway, remembers?: Remembering): Asked {
  const trace = join(source.folder, "trace");
  const repository = openRepository(source.path, { env: { ...source.env, GIT_TRACE: trace }, remembers });
  return {
    repository,
    count: () => {
      const text = existsSync(trace) ? readFileSync(trace, "utf8") : "";
      rmSync(trace, { force: true });
      return text.split("trace: built-in: ").length - 1;
    },
  };
}

describe("what git answered", () => {
  test("is asked again each time where nothing is said", async () => {
    using source = await throwawayRepository();
    const { repository, count } = open(source);
    commitOf(repository, "HEAD");
    commitOf(repository, "HEAD");
    expect(count()).toBe(2);
  });

  test("is remembered until this process writes, starts a program, or waits", async () => {
    using source = await throwawayRepository();
    source.write("a", "a\n");
    await source.commit("a");
    const { repository, count } = open(source, "until a change");
    const ask = (): number => {
      commitOf(repository, "HEAD");
      commitOf({ ...repository }, "HEAD");
      return count();
    };
    expect([ask(), ask()]).toEqual([1, 0]);
    const workTree = new WorkTree(source.path, repository.gitDir);
    const changes: Record<string, () => unknown> = {
      "a file is written": () => replaceFile(join(source.folder, "x"), Buffer.from("x"), SHARED),
      "a file of the work tree is": () => {
        const found = workTree.read("a");
        if (found !== null) workTree.replace("a", Buffer.from("b\n"), found.stat);
      },
      "the configuration is": () => changeConfig(repository, () => [["--replace-all", "filter.x.clean", "cat"]]),
      "git is told to write": () => tryGit(repository, ["update-index", "--refresh"]),
      "git may fetch": () => commitOf({ ...repository, isOnline: true }, "HEAD"),
      "a program is run": () => runProgram("true", []),
      "it waits": () => turn(),
      "it waits for a lock": () => {
        let tries = 0;
        retry(() => (tries += 1) > 1);
      },
      "it is said": () => noteChange(),
    };
    for (const [title, change] of Object.entries(changes)) {
      ask();
      await change();
      count();
      expect([title, ask(), ask()]).toEqual([title, 1, 0]);
    }
  });

  test("is remembered for good where the repository is taken as it is at one moment", async () => {
    using source = await throwawayRepository();
    const { repository, count } = open(source, "at one moment");
    commitOf(repository, "HEAD");
    runProgram("true", []);
    await turn();
    commitOf(repository, "HEAD");
    expect(count()).toBe(1);
  });
});
