import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, runOk } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { parseKeyFile, type Repository, status, unlock } from "../src/index.ts";
import { retiredPath } from "./rotated.ts";
import { type Clone, commands, driver, isSealed, logged, rotated, type Sealed } from "./sealed.ts";

/*
 * Two clones rotate the key, each on its own, and one merges the other.
 */

const gitCrypt = peer("git-crypt");
const files = { "a.secret": "one\n", "b.secret": "two\n" };
const keyOf = (repository: Repository): Buffer => repository.readKey().bytes;
const text = ({ path }: Clone, name: string): string => readFileSync(join(path, name), "utf8");
const problems = ({ opened }: Clone): string[] => status(opened).findings.map(({ id }) => id);
const changes = async ({ git }: Clone): Promise<string> => (await git("status", "--porcelain")).toString();
const add = async ({ path, git }: Clone, name: string, content: string): Promise<void> => {
  writeFileSync(join(path, name), content);
  await git("add", "--all");
  await git("commit", "--quiet", `--message=${name}`);
};

/**
 * Two clones that rotated; the second has fetched what the first did, and its own is not pushed.
 */
async function twice(source: Sealed): Promise<{ first: Clone; second: Clone }> {
  const [first, second] = [await source.clone("first"), await source.clone("second")];
  for (const { opened } of [first, second]) unlock(opened, [source.key], commands);
  await rotated(first.opened);
  await add(first, "first.secret", "of the first\n");
  await rotated(second.opened);
  await add(second, "second.secret", "of the second\n");
  await second.git("fetch", "--quiet", first.path, "main:first");
  return { first, second };
}

describe("a key that was rotated on two branches", () => {
  test("is told by a merge that lacks the other one, which then goes through, and becomes one again", async () => {
    using source = await logged(files);
    const { first, second } = await twice(source);
    await expect(second.git("merge", "--quiet", "--no-edit", "first")).rejects.toThrow(
      "the key default was replaced by a new one, which this clone does not have",
    );
    expect(isSealed(readFileSync(join(second.path, "first.secret")))).toBe(true);
    expect(problems(second)).toContain("newer-key");
    await second.git("merge", "--abort");
    expect(await changes(second)).toBe("");

    const own = keyOf(second.opened);
    expect(unlock(second.opened, [keyOf(first.opened)], commands).keys).toMatchObject([{ wasUnlocked: false }]);
    expect(keyOf(second.opened)).toEqual(own);
    await second.git("merge", "--quiet", "--no-edit", "first");
    expect(await changes(second)).toBe("");
    const contents = { ...files, "first.secret": "of the first\n", "second.secret": "of the second\n" };
    for (const [name, content] of Object.entries(contents)) expect(text(second, name)).toBe(content);
    expect(problems(second)).toEqual([]);
    // Until one key takes the place of both, nothing new is encrypted.
    writeFileSync(join(second.path, "new.secret"), "new\n");
    await expect(second.git("add", "new.secret")).rejects.toThrow("two branches replaced it");
    rmSync(join(second.path, "new.secret"));

    await rotated(second.opened);
    expect(problems(second)).toEqual([]);
    const kept = (await second.git("ls-files", ".git-vault/retired")).toString();
    const present = second.opened.readKey().keyFile;
    const retired = [source.key, keyOf(first.opened), own].map((key) => retiredPath(parseKeyFile(key), present));
    expect(kept.trim().split("\n")).toEqual(retired.toSorted());

    // The one new key opens all of it, in a clone that knows no other.
    const fresh = join(source.repo.folder, "fresh");
    await source.repo.git("clone", "--quiet", second.path, fresh);
    const clone: Clone = { ...first, path: fresh, git: (...args) => source.repo.git("-C", fresh, ...args) };
    await runOk(process.execPath, [driver, "unlock", await keyPath(source, second)], {
      cwd: fresh,
      env: { ...source.repo.env },
    });
    for (const [name, content] of Object.entries(contents)) expect(text(clone, name)).toBe(content);
    for (const revision of (await clone.git("rev-list", "HEAD")).toString().trim().split("\n")) {
      await clone.git("checkout", "--quiet", revision);
      expect(text(clone, "a.secret")).toBe("one\n");
      expect(await changes(clone)).toBe("");
    }

    // Who rotated first takes it as after any rotation.
    await first.git("pull", "--quiet", "--ff-only", second.path, "main");
    unlock(first.opened, [keyOf(second.opened)], commands);
    expect(keyOf(first.opened)).toEqual(keyOf(second.opened));
    for (const [name, content] of Object.entries(contents)) expect(text(first, name)).toBe(content);
    expect(await changes(first)).toBe("");
  });

  test.skipIf(gitCrypt.missing)(`is one again for ${gitCrypt.label}`, async () => {
    using source = await logged(files);
    const { first, second } = await twice(source);
    unlock(second.opened, [keyOf(first.opened)], commands);
    await second.git("merge", "--quiet", "--no-edit", "first");
    await rotated(second.opened);
    const fresh = join(source.repo.folder, "fresh");
    await source.repo.git("clone", "--quiet", second.path, fresh);
    await runOk(gitCrypt.path, ["unlock", await keyPath(source, second)], { cwd: fresh, env: { ...source.repo.env } });
    expect(readFileSync(join(fresh, "first.secret"), "utf8")).toBe("of the first\n");
    expect(readFileSync(join(fresh, "a.secret"), "utf8")).toBe("one\n");
  });

  test("is not rotated again while one of the two is missing that files need", async () => {
    using source = await logged(files);
    const { first, second } = await twice(source);
    unlock(second.opened, [keyOf(first.opened)], commands);
    await second.git("merge", "--quiet", "--no-edit", "first");
    await first.git("pull", "--quiet", "--ff-only", second.path, "main");
    expect(isSealed(readFileSync(join(first.path, "second.secret")))).toBe(true);
    await expect(rotated(first.opened)).rejects.toMatchObject({ code: "UNOPENED" });
    expect(unlock(first.opened, [keyOf(second.opened)], commands)).toMatchObject({ decrypted: 3, unopened: [] });
    await rotated(first.opened);
    expect(problems(first)).toEqual([]);
  });

  test("is whole in a fresh clone with both, where nothing is encrypted until it is rotated", async () => {
    using source = await logged(files);
    const { first, second } = await twice(source);
    const keys = [keyOf(first.opened), keyOf(second.opened)];
    unlock(second.opened, keys, commands);
    await second.git("merge", "--quiet", "--no-edit", "first");
    await source.repo.git("fetch", "--quiet", second.path, "main:merged");
    const clone = await source.clone("fresh", "--branch=merged");
    expect(unlock(clone.opened, keys, commands)).toMatchObject({ decrypted: 4, unopened: [] });
    expect(keyOf(clone.opened)).toEqual(keys[0]);
    expect(await changes(clone)).toBe("");
    await expect(add(clone, "new.secret", "new\n")).rejects.toThrow("two branches replaced it");
    rmSync(join(clone.path, "new.secret"));
    await rotated(clone.opened);
    await add(clone, "new.secret", "new\n");
    expect(problems(clone)).toEqual([]);
  });
});

/** The key of a clone, as a file. */
async function keyPath({ repo }: Sealed, clone: Clone): Promise<string> {
  const path = join(repo.folder, `key-of-${(await clone.git("rev-parse", "HEAD")).toString().trim()}`);
  writeFileSync(path, keyOf(clone.opened));
  return path;
}
