import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cases } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { lock, status, unlock } from "../src/index.ts";
import { killOften } from "./killing.ts";
import { commands, driver, isSealed, sealed, type Sealed } from "./sealed.ts";

/** How often each command is killed. */
const TIMES = cases(5, 50);
const FILES = 60;

/** Large enough that most of a command's time is spent on them. */
const files = Object.fromEntries(
  Array.from({ length: FILES }, (_, at) => [`d${at % 7}/${at}.secret`, `secret ${at}\n`.repeat(1 + 400 * (at % 40))]),
);

const gitDirOf = ({ repo }: Sealed): string => join(repo.path, ".git");

/** Whether files are being written again: that happens in a folder within the repository's own. */
function isRewriting(source: Sealed): boolean {
  try {
    return readdirSync(join(gitDirOf(source), "git-crypt")).some((name) => name.startsWith("unfinished."));
  } catch {
    return false;
  }
}

function countSealed(source: Sealed): number {
  return Object.keys(files).filter((name) => isSealed(readFileSync(join(source.repo.path, name)))).length;
}

/** Locks and half-written files in the repository's own folder. */
const leftovers = (source: Sealed): string[] =>
  readdirSync(gitDirOf(source)).filter((name) => /\.lock$|^config\.|^index\./.test(name));

/**
 * Each file is whole, encrypted or not; nothing that somebody must remove lies about; and adding
 * everything stores no plaintext. A lock of ours is the second name of a file, by which the next
 * run knows and removes it.
 */
async function expectSound(source: Sealed): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const found = readFileSync(join(source.repo.path, name));
    expect(isSealed(found) || found.toString() === content).toBe(true);
  }
  const locks = leftovers(source).filter((name) => /^(?:index|config)\.lock$/.test(name));
  for (const name of locks) expect(lstatSync(join(gitDirOf(source), name)).nlink).toBe(2);
  if (locks.includes("index.lock")) return;
  await source.repo.git("add", "--all");
  expect((await source.repo.git("diff", "--cached", "--name-only")).toString()).toBe("");
}

async function expectFinished(source: Sealed, sealedFiles: number): Promise<void> {
  expect(countSealed(source)).toBe(sealedFiles);
  expect((await source.repo.git("status", "--porcelain")).toString()).toBe("");
  expect(leftovers(source)).toEqual([]);
}

test.each(["is configured", "decrypts"])(
  "unlock, killed while it %s, is finished by another, and nothing in the clear is ever staged",
  async (phase) => {
    using source = await sealed(files);
    const stored = join(gitDirOf(source), "git-crypt/keys/default");
    let partly = 0;
    await killOften(
      TIMES,
      {
        command: [process.execPath, driver, "unlock", source.keyPath],
        cwd: source.repo.path,
        env: source.repo.env,
        begun: () => (phase === "decrypts" ? isRewriting(source) : existsSync(stored)),
      },
      () => lock(source.opened),
      async () => {
        const count = countSealed(source);
        if (count > 0 && count < FILES) partly += 1;
        await expectSound(source);
        unlock(source.opened, [source.key], commands);
        await expectFinished(source, 0);
        expect(readdirSync(join(gitDirOf(source), "git-crypt"))).toEqual(["keys"]);
        expect(status(source.opened).findings).toEqual([]);
      },
    );
    expect(partly).toBeGreaterThanOrEqual(phase === "decrypts" ? TIMES / 5 : 0);
  },
);

test("lock, killed while it encrypts, is finished by another, and nothing in the clear is ever staged", async () => {
  using source = await sealed(files);
  let partly = 0;
  await killOften(
    TIMES,
    {
      command: [process.execPath, driver, "lock"],
      cwd: source.repo.path,
      env: source.repo.env,
      begun: () => isRewriting(source),
    },
    () => unlock(source.opened, [source.key], commands),
    async () => {
      const count = countSealed(source);
      if (count > 0 && count < FILES) partly += 1;
      await expectSound(source);
      lock(source.opened);
      await expectFinished(source, FILES);
      expect(readdirSync(gitDirOf(source))).not.toContain("git-crypt");
    },
  );
  expect(partly).toBeGreaterThanOrEqual(TIMES / 5);
});

test("the filter, killed with the git that runs it, loses no change and stores nothing in the clear", async () => {
  using source = await sealed(files);
  const { repo } = source;
  const held = join(gitDirOf(source), "index.lock");
  const changed = Object.keys(files).filter((_, at) => at % 3 === 0);
  let round = 0;
  const contentOf = (name: string): string => `round ${round}, file ${name}\n`.repeat(3000);
  await killOften(
    TIMES,
    { command: ["git", "add", "--all"], cwd: repo.path, env: repo.env, begun: () => existsSync(held) },
    () => {
      round += 1;
      for (const name of changed) repo.write(name, contentOf(name));
    },
    async () => {
      // A git that is killed leaves its lock, and says so to the next.
      rmSync(held, { force: true });
      expect(leftovers(source)).toEqual([]);
      for (const name of changed) expect(readFileSync(join(repo.path, name), "utf8")).toBe(contentOf(name));
      await repo.git("add", "--all");
      const { files: stored, findings } = status(source.opened);
      expect([stored.length, findings]).toEqual([FILES, []]);
      expect((await repo.git("diff", "--name-only")).toString()).toBe("");
    },
  );
});
