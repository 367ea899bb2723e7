import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, runOk } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { encryptBlob, fix, isEncryptedBlob, readProtected, status, unlock } from "../src/index.ts";
import { commands, logged, rotated, type Sealed } from "./sealed.ts";

const gitCrypt = peer("git-crypt");
const lines = (...changed: string[]): string =>
  ["1", "2", "3", "4", "5", "6", "7", "8", "9"]
    .map((line) => `${changed.find((other) => other.startsWith(line)) ?? line}\n`)
    .join("");
const files = { "a.secret": lines(), "b.secret": lines(), "c.secret": "c\n", "plain.txt": "plain\n" };
const text = (source: Sealed, name: string): string => readFileSync(join(source.repo.path, name), "utf8");
const clean = async ({ repo }: Sealed): Promise<void> =>
  expect((await repo.git("status", "--porcelain")).toString()).toBe("");

/** A rotated repository with a branch that began before. */
async function branched(): Promise<Sealed> {
  const source = await logged(files);
  const { repo } = source;
  await repo.git("checkout", "--quiet", "-b", "old");
  repo.write("a.secret", lines("1 old"));
  repo.write("b.secret", lines("8 old"));
  repo.write("new.secret", "new on old\n");
  await repo.commit("Old");
  await repo.git("checkout", "--quiet", "main");
  repo.write("b.secret", lines("2 main"));
  await repo.commit("Main");
  await rotated(source.opened);
  await repo.git("checkout", "--quiet", "old");
  return source;
}

/** Which of the files in a commit the present key encrypted. */
async function present({ repo, opened }: Sealed, revision: string): Promise<string[]> {
  const { keyFile } = opened.readKey();
  const names = (await repo.git("ls-tree", "--name-only", revision)).toString().split("\n");
  const result: string[] = [];
  for (const name of names.filter((path) => path.endsWith(".secret"))) {
    const [file] = readProtected(opened, revision, [name]);
    const blob = await repo.git("cat-file", "blob", `${revision}:${name}`);
    if (encryptBlob(keyFile, file?.content ?? Buffer.alloc(0)).equals(blob)) result.push(name);
  }
  return result;
}

describe("over a rotation", () => {
  test("old commits are checked out and diffed, and their files are clean", async () => {
    using source = await branched();
    const { repo } = source;
    expect(text(source, "a.secret")).toBe(lines("1 old"));
    for (const name of ["a.secret", "b.secret", "c.secret"]) repo.write(name, text(source, name));
    await clean(source);
    const diff = (await repo.git("diff", "main", "old", "--", "*.secret")).toString();
    expect(diff).toContain("\n-1\n+1 old\n");
    expect(diff).not.toContain("c.secret b/c.secret\n@@");
    const log = (await repo.git("log", "-p", "--format=%s", "main", "--", "b.secret")).toString();
    expect(log.match(/^[-+](?![-+]).*/gm)?.slice(0, 2)).toEqual(["-2", "+2 main"]);
    await repo.git("checkout", "--quiet", "main");
    await clean(source);
    await repo.git("switch", "--quiet", "--detach", "old~1");
    await clean(source);
  });

  test("a branch with the old key is merged, and what is left under the old key is named and encrypted again", async () => {
    using source = await branched();
    const { repo, opened } = source;
    await repo.git("checkout", "--quiet", "main");
    await repo.git("merge", "--quiet", "--no-edit", "old");
    expect(text(source, "a.secret")).toBe(lines("1 old"));
    expect(text(source, "b.secret")).toBe(lines("2 main", "8 old"));
    await clean(source);
    expect(await present(source, "HEAD")).toEqual(["a.secret", "b.secret", "c.secret"]);
    const left = ["new.secret"];
    expect(status(opened).findings).toMatchObject(left.map((subject) => ({ subject, id: "retired-key" })));
    expect(fix(opened).map(({ path }) => path)).toEqual(left);
    expect(status(opened).findings).toEqual([]);
    await repo.git("commit", "--quiet", "--message=Fix");
    expect(await present(source, "HEAD")).toEqual(["a.secret", "b.secret", "c.secret", "new.secret"]);
    await clean(source);
  });

  test("a branch with the old key is rebased, and its commits are picked", async () => {
    using source = await branched();
    const { repo } = source;
    await repo.git("branch", "copy");
    await repo.git("rebase", "--quiet", "main");
    expect(text(source, "b.secret")).toBe(lines("2 main", "8 old"));
    expect(text(source, "new.secret")).toBe("new on old\n");
    await clean(source);
    await repo.git("checkout", "--quiet", "main");
    await repo.git("cherry-pick", "copy");
    expect(text(source, "b.secret")).toBe(lines("2 main", "8 old"));
    await clean(source);
    await repo.git("revert", "--no-edit", "HEAD");
    expect(text(source, "b.secret")).toBe(lines("2 main"));
    await clean(source);
  });

  test("the new commit is picked onto a branch with the old key", async () => {
    using source = await branched();
    const { repo } = source;
    await repo.git("cherry-pick", "main");
    expect(text(source, "b.secret")).toBe(lines("8 old"));
    await clean(source);
  });

  test("what was stashed before comes back after", async () => {
    using source = await logged(files);
    const { repo, opened } = source;
    repo.write("a.secret", lines("5 stashed"));
    await repo.git("stash", "--quiet");
    await rotated(opened);
    await repo.git("stash", "pop", "--quiet");
    expect(text(source, "a.secret")).toBe(lines("5 stashed"));
    await repo.git("commit", "--quiet", "--all", "--message=Stashed");
    expect(await present(source, "HEAD")).toEqual(["a.secret", "b.secret", "c.secret"]);
  });

  test("two rotations later every commit is still readable in a fresh clone, and one key is enough", async () => {
    using source = await logged(files);
    const { repo, opened } = source;
    for (const round of ["first", "second", "third"]) {
      await rotated(opened);
      repo.write("c.secret", `${round}\n`);
      await repo.commit(round);
    }
    expect(
      (await repo.git("ls-tree", "-r", "--name-only", "HEAD", ".git-vault/retired")).toString().split("\n"),
    ).toHaveLength(4);
    const clone = await source.clone();
    unlock(clone.opened, [opened.readKey().bytes], commands);
    const contents: string[] = [];
    for (const commit of (await clone.git("rev-list", "HEAD")).toString().trim().split("\n")) {
      await clone.git("checkout", "--quiet", commit);
      contents.push(readFileSync(join(clone.path, "c.secret"), "utf8"));
      expect((await clone.git("status", "--porcelain")).toString()).toBe("");
    }
    expect(contents).toEqual(["third\n", "second\n", "second\n", "first\n", "first\n", "c\n", "c\n", "c\n"]);
  });

  test.skipIf(gitCrypt.missing)(
    `a clone with the old key alone cannot read the new commit; ${gitCrypt.label} can with the new one`,
    async () => {
      using source = await logged(files);
      const { repo, opened } = source;
      await rotated(opened);
      const newKey = join(repo.folder, "new-key");
      writeFileSync(newKey, opened.readKey().bytes);
      const [theirs, revoked] = [await source.clone("theirs"), await source.clone("revoked")];
      const inside = (path: string): object => ({ cwd: path, env: repo.env });
      await runOk(gitCrypt.path, ["unlock", newKey], inside(theirs.path));
      for (const [name, content] of Object.entries(files)) {
        expect(readFileSync(join(theirs.path, name), "utf8")).toBe(content);
      }
      expect((await theirs.git("status", "--porcelain")).toString()).toBe("");
      writeFileSync(join(theirs.path, "a.secret"), "theirs\n");
      await theirs.git("commit", "--quiet", "--all", "--message=Theirs");
      await repo.git("pull", "--quiet", theirs.path, "main");
      expect(text(source, "a.secret")).toBe("theirs\n");
      expect(await present(source, "HEAD")).toEqual(["a.secret", "b.secret", "c.secret"]);
      await expect(runOk(gitCrypt.path, ["unlock", source.keyPath], inside(revoked.path))).rejects.toThrow("git-crypt");
      expect(() => unlock(revoked.opened, [source.key], commands)).toThrow("the key default was replaced by a new one");
      expect(isEncryptedBlob(readFileSync(join(revoked.path, "b.secret")))).toBe(true);
    },
  );
});
