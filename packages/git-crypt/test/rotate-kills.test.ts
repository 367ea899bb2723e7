import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { abortRotation, continueRotation, decryptBlob, rotate, status, unlock } from "../src/index.ts";
import { commands, driver, isSealed, sealed, type Sealed } from "./sealed.ts";

/** How often a rotation is killed: hundreds before a release. */
const KILLS = Number(process.env["GIT_VAULT_KILLS"] ?? 10);
const FILES = 40;

const files = Object.fromEntries(
  Array.from({ length: FILES }, (_, at) => [`d${at % 7}/${at}.secret`, `secret ${at}\n`.repeat(1 + (at % 40))]),
);

/** A crash of git's own leaves its locks, which it tells to remove. */
function removeLocks(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "objects") removeLocks(path);
    else if (entry.name.endsWith(".lock")) rmSync(path);
  }
}

/** Rotates in a process that is killed after so long, with the git that it runs. */
function killedRotation({ repo }: Sealed, command: string, delay: number): Promise<void> {
  const child = spawn(process.execPath, [driver, command], {
    cwd: repo.path,
    env: repo.env,
    stdio: "ignore",
    detached: true,
  });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, delay);
    child.on("exit", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Nothing is lost, and what git stores of the files as they are is encrypted with a key that is here. */
async function expectSound({ repo, opened }: Sealed): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    expect(readFileSync(join(repo.path, name), "utf8")).toBe(content);
  }
  removeLocks(join(repo.path, ".git"));
  await repo.git("add", "--all", "d0", "d1", "d2", "d3", "d4", "d5", "d6");
  const { findings, files: stored } = status(opened);
  expect(stored.map(({ encrypted }) => encrypted)).toEqual(stored.map(() => true));
  const isBegun = existsSync(join(repo.path, ".git/git-vault/rotation"));
  const problems = findings.map(({ problem }) => problem).filter((problem) => problem !== "retired-key");
  expect(problems).toEqual(isBegun ? ["unfinished-rotation"] : []);
}

test(`a rotation, killed ${KILLS} times, can be resumed or undone`, async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  const journal = join(repo.path, ".git/git-vault/rotation");
  const ends = { none: 0, continued: 0, undone: 0, later: 0 };
  const started = performance.now();
  await rotate(opened, commands);
  const took = performance.now() - started;
  for (let count = 0; count < KILLS; count++) {
    const before = { head: (await repo.git("rev-parse", "HEAD")).toString(), key: opened.readKey().bytes };
    await killedRotation(source, "rotate", 60 + Math.random() * (took + 120));
    const isBegun = existsSync(journal);
    if (isBegun && count % 3 === 2) {
      // The resuming or undoing is killed, too.
      removeLocks(join(repo.path, ".git"));
      await killedRotation(source, count % 2 === 0 ? "continue" : "abort", 60 + Math.random() * took);
    }
    await expectSound(source);
    const isStill = existsSync(journal);
    const way = !isStill ? (isBegun ? "later" : "none") : count % 2 === 0 ? "continued" : "undone";
    ends[way] += 1;
    if (way === "continued") continueRotation(opened, commands);
    if (way === "undone") abortRotation(opened, commands);
    const after = { head: (await repo.git("rev-parse", "HEAD")).toString(), key: opened.readKey().bytes };
    expect(way === "undone" ? after : before).toEqual(before);
    const leftovers = readdirSync(join(repo.path, ".git/git-vault"));
    expect(leftovers.filter((name) => name !== "retired" && !name.startsWith("rotation."))).toEqual([]);
    expect((await repo.git("status", "--porcelain")).toString()).toBe("");
    expect(status(opened).findings).toEqual([]);
    const { keyFile } = opened.readKey();
    for (const [name, content] of Object.entries(files)) {
      if (!name.startsWith("d0/")) continue;
      expect(decryptBlob(keyFile, await repo.git("cat-file", "blob", `HEAD:${name}`)).toString()).toBe(content);
    }
  }
  // Every commit is readable in a fresh clone, and none of them holds a file in clear.
  const clone = await source.clone();
  unlock(clone.opened, [opened.readKey().bytes], commands);
  const commits = (await clone.git("rev-list", "HEAD")).toString().trim().split("\n");
  for (const commit of [commits[0] ?? "", commits.at(-1) ?? "", commits[Math.floor(commits.length / 2)] ?? ""]) {
    await clone.git("checkout", "--quiet", commit);
    for (const [name, content] of Object.entries(files)) {
      expect(readFileSync(join(clone.path, name), "utf8")).toBe(content);
    }
    expect((await clone.git("status", "--porcelain")).toString()).toBe("");
  }
  for (const commit of commits) {
    expect(isSealed(await clone.git("cat-file", "blob", `${commit}:d0/0.secret`))).toBe(true);
  }
  expect(status(clone.opened, { history: true }).findings).toEqual([]);
  // Of many kills, many come while the rotation is at work.
  expect({ ...ends, many: KILLS < 100 || Math.min(ends.continued, ends.undone) > KILLS / 20 }).toMatchObject({
    many: true,
  });
});
