import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cases } from "@git-vault/testkit";
import { expect, test } from "vitest";
import {
  abortRotation,
  attributesFor,
  continueRotation,
  decryptBlob,
  initialize,
  keyId,
  status,
  unlock,
} from "../src/index.ts";
import { killOften, killOnce, type Victim } from "./killing.ts";
import { entryFor } from "./log.ts";
import { attributes, commands, driver, isSealed, logged, type Sealed } from "./sealed.ts";

const KILLS = cases(6, 60);
const FILES = 40;

const NAMES = ["default", "prod"] as const;
const files = Object.fromEntries(
  Array.from({ length: FILES }, (_, at) => [
    `d${at % 7}/${at}.${at % 3 === 0 ? "prod" : "secret"}`,
    `secret ${at}\n`.repeat(1 + (at % 40)),
  ]),
);

/** A repository with two keys, which are rotated together. */
async function withTwoKeys(): Promise<Sealed> {
  const source = await logged({});
  const { repo, opened } = source;
  initialize(opened, { ...commands, keyName: "prod" });
  repo.write(".gitattributes", `${attributes}${attributesFor("*.prod", "prod")}`);
  repo.write(...entryFor(opened, opened.readKey("prod").keyFile));
  for (const [name, content] of Object.entries(files)) repo.write(name, content);
  await repo.commit("Two keys");
  return source;
}

/**
 * A git that was killed leaves its locks, and says to the next to remove them. A lock with a second
 * name is ours. Only our next run knows that, so where git comes first the index's is removed, too.
 */
function removeLocks(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "objects") removeLocks(path);
    if (!entry.name.endsWith(".lock")) continue;
    const isOurs = lstatSync(path).nlink === 2;
    expect(entry.name !== "config.lock" || isOurs).toBe(true);
    if (!isOurs || entry.name === "index.lock") rmSync(path);
  }
}

/**
 * Nothing is lost, and what git stores of the files as they are is encrypted with a key that is
 * here.
 */
async function expectSound({ repo, opened }: Sealed): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    expect(readFileSync(join(repo.path, name), "utf8")).toBe(content);
  }
  removeLocks(join(repo.path, ".git"));
  await repo.git("add", "--all", "d0", "d1", "d2", "d3", "d4", "d5", "d6");
  const { findings, files: stored } = status(opened);
  expect(stored.map(({ encrypted }) => encrypted)).toEqual(stored.map(() => true));
  const isBegun = existsSync(join(repo.path, ".git/git-vault/rotation"));
  const problems = findings.map(({ id }) => id).filter((problem) => problem !== "retired-key");
  // One for each key.
  expect(problems).toEqual(isBegun ? NAMES.map(() => "unfinished-rotation") : []);
}

test(`a rotation of two keys, killed ${KILLS} times, can be resumed or undone`, async () => {
  using source = await withTwoKeys();
  const { repo, opened } = source;
  const journal = join(repo.path, ".git/git-vault/rotation");
  const victim = (command: string, begun: () => boolean): Victim => ({
    command: [process.execPath, driver, command, ...(command === "rotate" ? [`--key-name=${NAMES.join(",")}`] : [])],
    cwd: repo.path,
    env: repo.env,
    begun,
  });
  const stateNow = async (): Promise<{ head: string; keys: Buffer[] }> => ({
    head: (await repo.git("rev-parse", "HEAD")).toString(),
    keys: NAMES.map((name) => opened.readKey(name).bytes),
  });
  const ends = { late: 0, continued: 0, undone: 0, later: 0 };
  let before = await stateNow();
  await killOften(
    KILLS,
    victim("rotate", () => existsSync(journal)),
    async () => {
      before = await stateNow();
    },
    async (count) => {
      const isBegun = existsSync(journal);
      if (isBegun && count % 3 === 2) {
        // The resuming or undoing is killed, too.
        removeLocks(join(repo.path, ".git"));
        const way = count % 2 === 0 ? "continue" : "abort";
        await killOnce(
          victim(way, () => true),
          Math.random() * 300,
        );
      }
      await expectSound(source);
      const isStill = existsSync(journal);
      const way = !isStill ? (isBegun ? "later" : "late") : count % 2 === 0 ? "continued" : "undone";
      ends[way] += 1;
      if (way === "continued") continueRotation(opened, commands);
      if (way === "undone") abortRotation(opened, commands);
      const after = await stateNow();
      expect(way === "undone" ? after : before).toEqual(before);
      const leftovers = readdirSync(join(repo.path, ".git/git-vault"));
      expect(leftovers.filter((name) => name !== "retired" && !name.startsWith("rotation."))).toEqual([]);
      expect((await repo.git("status", "--porcelain")).toString()).toBe("");
      expect(status(opened).findings).toEqual([]);
      for (const name of NAMES) {
        expect(opened.generations(name)?.current).toBe(keyId(opened.readKey(name).keyFile));
      }
      for (const [name, content] of Object.entries(files)) {
        if (!name.startsWith("d0/")) continue;
        const { keyFile } = opened.readKey(name.endsWith("prod") ? "prod" : "default");
        expect(decryptBlob(keyFile, await repo.git("cat-file", "blob", `HEAD:${name}`)).toString()).toBe(content);
      }
    },
  );
  expect(Math.min(ends.continued, ends.undone)).toBeGreaterThanOrEqual(KILLS / 6);
  // Every commit is readable in a fresh clone, and none of them holds a file in the clear.
  const clone = await source.clone();
  unlock(
    clone.opened,
    NAMES.map((name) => opened.readKey(name).bytes),
    commands,
  );
  const commits = (await clone.git("rev-list", "HEAD", "--", "d0")).toString().trim().split("\n");
  for (const commit of [commits[0] ?? "", commits.at(-1) ?? "", commits[Math.floor(commits.length / 2)] ?? ""]) {
    await clone.git("checkout", "--quiet", commit);
    for (const [name, content] of Object.entries(files)) {
      expect(readFileSync(join(clone.path, name), "utf8")).toBe(content);
    }
    expect((await clone.git("status", "--porcelain")).toString()).toBe("");
  }
  for (const commit of commits) {
    expect(isSealed(await clone.git("cat-file", "blob", `${commit}:d0/0.prod`))).toBe(true);
  }
  expect(status(clone.opened, { history: true }).findings).toEqual([]);
});
