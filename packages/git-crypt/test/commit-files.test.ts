import { hash } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run, throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { commitFiles } from "../src/rotation/commit-files.ts";
import { openRepository } from "../src/git/repository.ts";

/* Committing files of the own folder. */

test("any number of files that others committed can go at once", async () => {
  using repository = await throwawayRepository();
  const { path, env } = repository;
  // More than two megabytes of names, which no command line takes.
  const folder = Array.from({ length: 8 }, () => "x".repeat(200)).join("/");
  const names = Array.from({ length: 1500 }, (_, at) => `.git-vault/sealed/${folder}/${at}.age`);
  const files = names.map((name) => `M 100644 inline ${name}\ndata 1\nx\n`);
  const input = `commit refs/heads/main\ncommitter t <t@example.org> 1 +0000\ndata 0\n${files.join("")}\n`;
  expect((await run("git", ["fast-import", "--quiet", "--force"], { cwd: path, env, input })).status).toBe(0);
  await repository.git("reset", "-q", "--hard");
  const changes = new Map<string, Buffer | null>(names.slice(1).map((name) => [name, null]));
  // What was never committed goes as well.
  changes.set(".git-vault/sealed/never", null).set(".git-vault/new", Buffer.from("new"));
  commitFiles(openRepository(path, { env }), changes, { message: "tidy" });
  const left = (await repository.git("ls-tree", "-r", "--name-only", "HEAD")).toString().trim().split("\n");
  expect(left.toSorted()).toEqual([".git-vault/.gitattributes", ".git-vault/new", names[0] ?? ""].toSorted());
  expect((await repository.git("status", "--porcelain")).toString()).toBe("");
});

test.runIf(process.platform === "linux")(
  "what a killed run left is undone, also while the system keeps its number since nobody asks how it ended",
  async () => {
    using repository = await throwawayRepository();
    const { path, env } = repository;
    await repository.git("commit", "-q", "--allow-empty", "-m", "begin");
    // sleep, which the shell becomes, asks after no process.
    const parent = spawn("sh", ["-c", "true & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
      const left = ".git-vault/sealed/left.age";
      const files = [{ path: left, entry: null, content: null, next: hash("sha256", "left", "hex") }];
      for (const [file, text] of [
        [left, "left"],
        [".git/git-vault/unfinished-files", JSON.stringify({ pid: Number(chunk.toString()), files })],
      ] as const) {
        mkdirSync(join(path, dirname(file)), { recursive: true });
        writeFileSync(join(path, file), text);
      }
      commitFiles(openRepository(path, { env }), new Map([[".git-vault/new", Buffer.from("new")]]), { message: "new" });
      expect(existsSync(join(path, left))).toBe(false);
      expect((await repository.git("status", "--porcelain")).toString()).toBe("");
    } finally {
      parent.kill("SIGKILL");
    }
  },
);
