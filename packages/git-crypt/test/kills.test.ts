import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lock, status, unlock } from "../src/index.ts";
import { commands, driver, isSealed, sealed, type Sealed } from "./sealed.ts";

/** How often each command is killed: hundreds before a release. */
const KILLS = Number(process.env["GIT_VAULT_KILLS"] ?? 20);
const FILES = 60;

const files = Object.fromEntries(
  Array.from({ length: FILES }, (_, at) => [`d${at % 7}/${at}.secret`, `secret ${at}\n`.repeat(1 + (at % 40))]),
);

/** Starts a program in the work tree and kills it after so many milliseconds; gives whether it was still running. */
function killed(source: Sealed, command: string[], delay: number): Promise<boolean> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd: source.repo.path, env: source.repo.env, stdio: "ignore", detached: true });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      // The group: git is stopped in the middle of what it was asked for too.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, delay);
    child.on("exit", (_, signal) => {
      clearTimeout(timer);
      resolve(signal === "SIGKILL");
    });
  });
}

/** A crash of git's own leaves its locks, which it tells to remove. */
function removeGitLocks(source: Sealed): void {
  const gitDir = join(source.repo.path, ".git");
  for (const name of readdirSync(gitDir).filter((entry) => entry.endsWith(".lock"))) {
    const path = join(gitDir, name);
    expect(["index.lock", "config.lock"]).toContain(name);
    rmSync(path);
  }
}

/** Each file is whole, encrypted or not; and adding everything stores no plaintext. */
async function expectSound(source: Sealed): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const found = readFileSync(join(source.repo.path, name));
    expect(isSealed(found) || found.toString() === content).toBe(true);
  }
  removeGitLocks(source);
  await source.repo.git("add", "--all");
  const staged = (await source.repo.git("diff", "--cached", "--name-only")).toString();
  expect(staged).toBe("");
}

const randomDelay = (longest: number): number => 20 + Math.random() * longest;

test(`unlock, killed ${KILLS} times, is finished by another, and nothing in clear is ever staged`, async () => {
  using source = await sealed(files);
  for (let count = 0; count < KILLS; count++) {
    lock(source.opened);
    await killed(source, [process.execPath, driver, "unlock", source.keyPath], randomDelay(150));
    await expectSound(source);
    unlock(source.opened, [source.key], commands);
    expect(lockedFiles(source)).toBe(0);
    expect((await source.repo.git("status", "--porcelain")).toString()).toBe("");
    expect(readdirSync(join(source.repo.path, ".git/git-crypt"))).toEqual(["keys"]);
  }
});

test(`lock, killed ${KILLS} times, is finished by another, and nothing in clear is ever staged`, async () => {
  using source = await sealed(files);
  for (let count = 0; count < KILLS; count++) {
    unlock(source.opened, [source.key], commands);
    await killed(source, [process.execPath, driver, "lock"], randomDelay(150));
    await expectSound(source);
    lock(source.opened);
    expect(lockedFiles(source)).toBe(FILES);
    expect((await source.repo.git("status", "--porcelain")).toString()).toBe("");
    expect(readdirSync(join(source.repo.path, ".git"))).not.toContain("git-crypt");
  }
});

test(`the filter, killed ${KILLS} times with the git that runs it, loses no change and stores nothing in clear`, async () => {
  using source = await sealed(files);
  const { repo } = source;
  for (let count = 0; count < KILLS; count++) {
    for (let at = 0; at < FILES; at += 3) repo.write(`d${at % 7}/${at}.secret`, `round ${count}, file ${at}\n`);
    await killed(source, ["git", "add", "--all"], randomDelay(150));
    removeGitLocks(source);
    for (let at = 0; at < FILES; at += 3) {
      expect(readFileSync(join(repo.path, `d${at % 7}/${at}.secret`), "utf8")).toBe(`round ${count}, file ${at}\n`);
    }
    await repo.git("add", "--all");
    const { files: stored, findings } = status(source.opened);
    expect([stored.length, findings]).toEqual([FILES, []]);
  }
});

function lockedFiles(source: Sealed): number {
  return Object.keys(files).filter((name) => isSealed(readFileSync(join(source.repo.path, name)))).length;
}
