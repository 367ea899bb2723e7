import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { attributesFor, initialize, lock, openRepository, unlock } from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { commands, isSealed, sealed } from "./sealed.ts";

const config = (path: string): string => readFileSync(join(path, ".git/config"), "utf8");

describe("lock", () => {
  test("encrypts the files again, removes the key and all settings, and leaves git nothing to read", async () => {
    using source = await sealed({ "a.secret": "one\n", "sub/b.secret": "two\n", "empty.secret": "" });
    const { repo, opened } = source;
    expect(lock(opened)).toEqual({
      keyNames: ["default"],
      encrypted: 3,
      clear: [],
      left: [],
      unseen: [],
      worktrees: [repo.path],
      guarded: [],
      keptByGit: [],
    });
    for (const name of ["a.secret", "sub/b.secret", "empty.secret"]) {
      expect(readFileSync(join(repo.path, name))).toEqual(await repo.git("cat-file", "blob", `HEAD:${name}`));
    }
    expect(config(repo.path)).not.toMatch(/git-crypt/);
    expect(existsSync(join(repo.path, ".git/git-crypt"))).toBe(false);
    expect((await repo.git("diff-files", "--name-only")).toString()).toBe("");
    expect(lock(opened)).toMatchObject({ keyNames: [], encrypted: 0 });
  });

  test("and unlocking again gives the same files", async () => {
    using source = await sealed({ "a.secret": "one\n", "empty.secret": "" });
    lock(source.opened);
    expect(unlock(source.opened, [source.key], commands).decrypted).toBe(2);
    expect(readFileSync(join(source.repo.path, "a.secret"), "utf8")).toBe("one\n");
    expect(readFileSync(join(source.repo.path, "empty.secret"))).toHaveLength(0);
    expect((await source.repo.git("status", "--porcelain")).toString()).toBe("");
  });

  test("refuses edits that are not staged; forced, it encrypts them, and unlocking brings them back", async () => {
    using source = await sealed({ "a.secret": "one\n", "b.secret": "two\n", "plain.txt": "plain\n" });
    const { repo, opened } = source;
    repo.write("plain.txt", "edited\n");
    repo.write("a.secret", "edited\n");
    const error = errorOf("MODIFIED", () => lock(opened));
    expect(error.message).toMatch(/have changes that are not staged: a\.secret$/);
    expect(opened.keyNames()).toEqual(["default"]);
    expect(lock(opened, { force: true }).encrypted).toBe(2);
    expect(isSealed(readFileSync(join(repo.path, "a.secret")))).toBe(true);
    unlock(opened, [source.key], commands);
    expect(readFileSync(join(repo.path, "a.secret"), "utf8")).toBe("edited\n");
    expect((await repo.git("status", "--porcelain")).toString()).toBe(" M a.secret\n M plain.txt\n");
  });

  test("takes what is staged, and leaves it staged", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    source.repo.write("a.secret", "staged\n");
    await source.repo.git("add", "a.secret");
    lock(source.opened);
    expect((await source.repo.git("status", "--porcelain")).toString()).toBe("M  a.secret\n");
    unlock(source.opened, [source.key], commands);
    expect(readFileSync(join(source.repo.path, "a.secret"), "utf8")).toBe("staged\n");
  });

  test("refuses files in conflict", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const { repo } = source;
    await repo.git("checkout", "--quiet", "-b", "side");
    repo.write("a.secret", "side\n");
    await repo.commit("Side");
    await repo.git("checkout", "--quiet", "main");
    repo.write("a.secret", "main\n");
    await repo.commit("Main");
    await expect(repo.git("merge", "--quiet", "side")).rejects.toThrow(/ended with 1/);
    expect(readFileSync(join(repo.path, "a.secret"), "utf8")).toMatch(/^<{7} ours\nmain\n={7}\nside\n>{7} theirs\n$/);
    errorOf("MODIFIED", () => lock(source.opened));
  });

  test("locks one key of several", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    initialize(source.opened, { ...commands, keyName: "ops" });
    source.repo.write("sub/.gitattributes", attributesFor("b", "ops"));
    source.repo.write("sub/b", "for ops\n");
    await source.repo.commit("Add a named key");
    expect(lock(source.opened, { keyNames: ["ops"] })).toMatchObject({ keyNames: ["ops"], encrypted: 1 });
    expect(source.opened.keyNames()).toEqual(["default"]);
    expect(readFileSync(join(source.repo.path, "a.secret"), "utf8")).toBe("one\n");
    expect(isSealed(readFileSync(join(source.repo.path, "sub/b")))).toBe(true);
    expect(config(source.repo.path)).toMatch(/\[filter "git-crypt"\]/);
    expect(config(source.repo.path)).not.toMatch(/git-crypt-ops/);
    errorOf("NO_SUCH_KEY", () => lock(source.opened, { keyNames: ["other"] }));
  });

  test("in one work tree it refuses while another is unlocked, and locks all together", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const { repo, opened } = source;
    const path = join(repo.folder, "worktree");
    await repo.git("worktree", "add", "--quiet", path);
    expect(readFileSync(join(path, "a.secret"), "utf8")).toBe("one\n");
    const linked = openRepository(path, repo);
    for (const [one, other] of [
      [linked, repo.path],
      [opened, path],
    ] as const) {
      const error = errorOf("OTHER_WORKTREES", () => lock(one));
      expect(error.message).toBe(`the work tree ${other} shares the key and holds decrypted files`);
    }
    writeFileSync(join(path, "a.secret"), "edited\n");
    expect(errorOf("MODIFIED", () => lock(opened, { allWorktrees: true })).message).toContain(path);
    expect(readFileSync(join(repo.path, "a.secret"), "utf8")).toBe("one\n");
    await repo.git("-C", path, "checkout", "--", "a.secret");
    expect(lock(linked, { allWorktrees: true })).toMatchObject({ encrypted: 2, worktrees: [path, repo.path] });
    for (const folder of [repo.path, path]) expect(isSealed(readFileSync(join(folder, "a.secret")))).toBe(true);
    expect((await repo.git("-C", path, "status", "--porcelain")).toString()).toBe("");
    expect(opened.keyNames()).toEqual([]);
    unlock(linked, [source.key], commands);
    expect(readFileSync(join(path, "a.secret"), "utf8")).toBe("one\n");
    expect(existsSync(join(repo.path, ".git/git-crypt/keys/default"))).toBe(true);
    // The main work tree is still encrypted, so that locking one is enough.
    expect(lock(linked)).toMatchObject({ encrypted: 1 });
  });

  test("refuses while a kept work tree is away, and passes over one that is gone", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const { repo, opened } = source;
    const [gone, kept] = [join(repo.folder, "gone"), join(repo.folder, "kept")];
    await repo.git("worktree", "add", "--quiet", gone);
    await repo.git("worktree", "add", "--quiet", kept);
    await repo.git("worktree", "lock", kept);
    rmSync(gone, { recursive: true });
    rmSync(kept, { recursive: true });
    expect(errorOf("OTHER_WORKTREES", () => lock(opened)).message).toContain(kept);
    expect(lock(opened, { force: true }).worktrees).toEqual([repo.path]);
  });

  test("removes settings of one work tree's own too", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    await source.repo.git("config", "extensions.worktreeConfig", "true");
    await source.repo.git("config", "--worktree", "filter.git-crypt.clean", "cat");
    lock(source.opened);
    expect((await source.repo.git("config", "--list")).toString()).not.toMatch(/filter\.git-crypt/);
  });

  test("puts everything back where a file cannot be written", async () => {
    using source = await sealed({ "a.secret": "one\n", "b.secret": "two\n" });
    const { repo, opened } = source;
    const scratch = join(repo.path, ".git/git-crypt", `unfinished.${process.pid}`);
    errorOf("UNWRITABLE", () => lock(opened, { progress: () => mkdirSync(join(scratch, "1"), { recursive: true }) }));
    expect(readFileSync(join(repo.path, "a.secret"), "utf8")).toBe("one\n");
    expect(opened.keyNames()).toEqual(["default"]);
    expect((await repo.git("status", "--porcelain")).toString()).toBe("");
    expect(lock(opened).encrypted).toBe(2);
  });

  test("refuses without a key where files are decrypted", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    rmSync(join(source.repo.path, ".git/git-crypt"), { recursive: true });
    errorOf("LOCKED", () => lock(source.opened));
    expect(config(source.repo.path)).toMatch(/git-crypt/);
  });

  test("says which file is larger than git-crypt encrypts, without reading it", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    truncateSync(join(source.repo.path, "a.secret"), 2 ** 33);
    const { message } = errorOf("GIT_FAILED", () => lock(source.opened));
    expect(message).toBe("the file a.secret cannot be read: it has 4 GiB or more");
    expect(source.opened.keyNames()).toEqual(["default"]);
  });

  test("and unlock wait for git, then say so", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    source.repo.write(".git/index.lock", "");
    expect(errorOf("INDEX_LOCKED", () => lock(source.opened)).hint).toMatch(/index\.lock$/);
    errorOf("INDEX_LOCKED", () => unlock(source.opened, [source.key], commands));
    expect(source.opened.keyNames()).toEqual(["default"]);
  });
});
