import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, type Repository as Throwaway, run, runOk, throwawayRepository } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import {
  attributesFor,
  encodeKeyFile,
  generateKeyFile,
  initialize,
  installHook,
  openRepository,
  parseKeyFile,
  lock,
  status,
  unlock,
} from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { type Clone, cloneOf, commands, driver, isSealed, sealed } from "./sealed.ts";

/*
 * What git-crypt 0.7.0 does wrong, each shown with the program itself where that takes little, and
 * that this package does not.
 */

const gitCrypt = peer("git-crypt");
const gitCryptAttributes = "*.secret filter=git-crypt diff=git-crypt\n";

async function theirs(
  files: Record<string, string>,
  attributes = gitCryptAttributes,
): Promise<{ repo: Throwaway; key: string } & Disposable> {
  const repo = await throwawayRepository();
  await runOk(gitCrypt.path, ["init"], { cwd: repo.path, env: repo.env });
  const key = join(repo.folder, "key");
  await runOk(gitCrypt.path, ["export-key", key], { cwd: repo.path, env: repo.env });
  repo.write(".gitattributes", attributes);
  for (const [name, content] of Object.entries(files)) repo.write(name, content);
  await repo.commit("Begin");
  return { repo, key, [Symbol.dispose]: () => repo.remove() };
}

const theyUnlock = (repo: Throwaway, path: string, key: string): Promise<{ status: number | null }> =>
  run(gitCrypt.path, ["unlock", key], { cwd: path, env: repo.env });

const weUnlock = (clone: Clone, key: string): unknown => unlock(clone.opened, [readFileSync(key)], commands);

const contentOf = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");

/** Stores a file as it is, as a program without the filter would. */
async function commitInClear(repo: Throwaway, name: string, content: string): Promise<void> {
  repo.write(name, content);
  const settings = ["-c", "filter.git-crypt.clean=cat"];
  await repo.git(...settings, "add", name);
  await repo.git(...settings, "commit", "--quiet", "--message=Clear");
}

describe.skipIf(gitCrypt.missing)(`with ${gitCrypt.label}, what it gets wrong`, () => {
  test("1: it empties an unencrypted file of 22 bytes or less; vault keeps it whole", async () => {
    using source = await theirs({ "a.secret": "one\n" });
    await commitInClear(source.repo, "tiny.secret", "tiny\n");
    const [their, our] = [await cloneOf(source.repo, "their"), await cloneOf(source.repo, "our")];
    await theyUnlock(source.repo, their.path, source.key);
    expect(contentOf(their.path, "tiny.secret")).toBe("");
    weUnlock(our, source.key);
    expect(contentOf(our.path, "tiny.secret")).toBe("tiny\n");
    await our.git("rm", "--quiet", "--force", "tiny.secret");
    await our.git("checkout", "--quiet", "HEAD", "--", "tiny.secret");
    expect(contentOf(our.path, "tiny.secret")).toBe("tiny\n");
    expect(status(our.opened).findings).toMatchObject([{ subject: "tiny.secret", id: "committed-plaintext" }]);
  });

  test("2: with text set, its ciphertext is damaged in silence; vault reports the attribute and writes -text", async () => {
    const content = `${Array.from({ length: 100_000 }, (_, line) => `line ${line}`).join("\n")}\n`;
    using source = await theirs({ "a.secret": content }, `${gitCryptAttributes.trim()} text eol=crlf\n`);
    const clone = await cloneOf(source.repo, "clone");
    expect(status(clone.opened).findings).toMatchObject([{ subject: "a.secret", id: "line-endings" }]);
    const blob = await source.repo.git("cat-file", "blob", "HEAD:a.secret");
    expect(blob.length).not.toBe(22 + content.length);
    using ours = await sealed({ "a.secret": content });
    ours.repo.write(".gitattributes", `* text eol=crlf\n${attributesFor("*.secret")}`);
    ours.repo.write("b.secret", content);
    await ours.repo.commit("Set text");
    expect(await ours.repo.git("cat-file", "blob", "HEAD:b.secret")).toHaveLength(22 + content.length);
    expect(status(ours.opened).findings).toEqual([]);
  });

  test("3: a wrong key is stored, a file lost, and the right key refused; vault changes nothing", async () => {
    using source = await theirs({ "a.secret": "one\n" });
    const wrong = join(source.repo.folder, "wrong");
    writeFileSync(wrong, encodeKeyFile(generateKeyFile()));
    const their = await cloneOf(source.repo, "their");
    expect((await theyUnlock(source.repo, their.path, wrong)).status).not.toBe(0);
    expect(existsSync(join(their.path, "a.secret"))).toBe(false);
    expect((await theyUnlock(source.repo, their.path, source.key)).status).not.toBe(0);
    const our = await cloneOf(source.repo, "our");
    errorOf("WRONG_KEY", () => weUnlock(our, wrong));
    expect((await our.git("status", "--porcelain")).toString()).toBe("");
    weUnlock(our, source.key);
    expect(contentOf(our.path, "a.secret")).toBe("one\n");
  });

  test("4: a work tree cannot be added to an unlocked repository; with vault it can", async () => {
    using source = await theirs({ "a.secret": "one\n" });
    await expect(source.repo.git("worktree", "add", join(source.repo.folder, "their"))).rejects.toThrow(/ended with/);
    const our = await cloneOf(source.repo, "our");
    weUnlock(our, source.key);
    const worktree = join(source.repo.folder, "worktree");
    await our.git("worktree", "add", "--quiet", worktree);
    expect(contentOf(worktree, "a.secret")).toBe("one\n");
    writeFileSync(join(worktree, "a.secret"), "two\n");
    await our.git("-C", worktree, "commit", "--quiet", "--all", "--message=Two");
    expect(isSealed(await our.git("-C", worktree, "cat-file", "blob", "HEAD:a.secret"))).toBe(true);
  });

  test("5: lock in a linked work tree lets the main one store plaintext; vault refuses", async () => {
    using source = await theirs({ "a.secret": "one\n" });
    const their = join(source.repo.folder, "their");
    await source.repo.git("worktree", "add", "--quiet", "--no-checkout", their);
    const keys = join(source.repo.path, ".git/worktrees/their/git-crypt/keys");
    mkdirSync(keys, { recursive: true });
    copyFileSync(join(source.repo.path, ".git/git-crypt/keys/default"), join(keys, "default"));
    await runOk("git", ["reset", "--quiet", "--hard"], { cwd: their, env: source.repo.env });
    await runOk(gitCrypt.path, ["lock"], { cwd: their, env: source.repo.env });
    source.repo.write("a.secret", "leaked\n");
    await source.repo.git("add", "a.secret");
    expect((await source.repo.git("cat-file", "blob", ":a.secret")).toString()).toBe("leaked\n");

    using ours = await sealed({ "a.secret": "one\n" });
    const our = join(ours.repo.folder, "our");
    await ours.repo.git("worktree", "add", "--quiet", our);
    errorOf("OTHER_WORKTREES", () => lock(openRepository(our, ours.repo)));
    ours.repo.write("a.secret", "kept\n");
    await ours.repo.git("add", "a.secret");
    expect(isSealed(await ours.repo.git("cat-file", "blob", ":a.secret"))).toBe(true);
  });

  test("6: an empty file makes git merge die; vault's driver merges empty contents, and status tells of the file", async () => {
    using source = await sealed({ "a.secret": "begin\n" });
    const { repo } = source;
    await repo.git("checkout", "--quiet", "-b", "side");
    repo.write("a.secret", "");
    await repo.commit("Empty it");
    await repo.git("checkout", "--quiet", "main");
    repo.write("b.secret", "more\n");
    await repo.commit("More");
    await repo.git("merge", "--quiet", "--no-edit", "side");
    expect(contentOf(repo.path, "a.secret")).toBe("");
    expect(status(source.opened).findings).toMatchObject([{ subject: "a.secret", id: "empty" }]);
    // The other way round, an edit against an emptied file is a conflict like any other.
    await repo.git("checkout", "--quiet", "-b", "edit", "HEAD~1");
    repo.write("a.secret", "edited\n");
    await repo.commit("Edit");
    await expect(repo.git("merge", "--quiet", "--no-edit", "side")).rejects.toThrow(/ended with 1/);
    expect(contentOf(repo.path, "a.secret")).toMatch(/^<{7} ours\nedited\n={7}\n>{7} theirs\n$/);
    // From an empty file, rebase and cherry-pick work.
    await repo.git("checkout", "--quiet", "--force", "side");
    await repo.git("cherry-pick", "main~1");
    expect([contentOf(repo.path, "a.secret"), contentOf(repo.path, "b.secret")]).toEqual(["", "more\n"]);
  });

  test("7: it cannot unlock a sparse checkout; vault can, and leaves what is outside", async () => {
    using source = await theirs({ "in/a.secret": "one\n", "out/b.secret": "two\n" });
    const clones = [];
    for (const name of ["their", "our"]) {
      const clone = await cloneOf(source.repo, name);
      await clone.git("sparse-checkout", "set", "in");
      clones.push(clone);
    }
    const [their, our] = clones as [Clone, Clone];
    expect((await theyUnlock(source.repo, their.path, source.key)).status).not.toBe(0);
    expect(weUnlock(our, source.key)).toMatchObject({ decrypted: 1, outside: 1 });
    expect(contentOf(our.path, "in/a.secret")).toBe("one\n");
    expect((await our.git("status", "--porcelain")).toString()).toBe("");
    await our.git("sparse-checkout", "disable");
    expect(contentOf(our.path, "out/b.secret")).toBe("two\n");
    await our.git("sparse-checkout", "set", "in");
    expect(lock(our.opened)).toMatchObject({ encrypted: 1 });
    expect(existsSync(join(our.path, "out/b.secret"))).toBe(false);
  });

  test("8: a key by the name default is written without a name, and read", () => {
    const keyFile = generateKeyFile("default");
    expect(keyFile.name).toBeNull();
    expect(encodeKeyFile(keyFile)).toHaveLength(148);
    expect(parseKeyFile(encodeKeyFile(keyFile))).toEqual(keyFile);
  });

  test("9: in a locked clone plaintext is committed without a word; vault's hook refuses it", async () => {
    using source = await theirs({ "a.secret": "one\n" });
    const clone = await cloneOf(source.repo, "clone");
    writeFileSync(join(clone.path, "b.secret"), "leaked\n");
    await clone.git("add", "b.secret");
    installHook(clone.opened, { own: `"${process.execPath}" "${driver}" check-staged`, shared: "unused" });
    await expect(clone.git("commit", "--quiet", "--message=Leak")).rejects.toThrow(/b\.secret/);
    await clone.git("commit", "--quiet", "--message=Leak", "--no-verify");
    expect(status(clone.opened).findings).toMatchObject([
      { subject: "default", id: "no-guard" },
      { subject: "b.secret", id: "committed-plaintext" },
    ]);
  });

  test("10: an unrelated change stops its unlock; vault's goes on", async () => {
    using source = await theirs({ "a.secret": "one\n", "plain.txt": "plain\n" });
    const clone = await cloneOf(source.repo, "clone");
    writeFileSync(join(clone.path, "plain.txt"), "edited\n");
    expect((await theyUnlock(source.repo, clone.path, source.key)).status).not.toBe(0);
    weUnlock(clone, source.key);
    expect(contentOf(clone.path, "a.secret")).toBe("one\n");
    expect((await clone.git("status", "--porcelain")).toString()).toBe(" M plain.txt\n");
  });

  test("11: init in a fresh clone makes a second key; vault refuses", async () => {
    using source = await theirs({ "a.secret": "one\n" });
    const [their, our] = [await cloneOf(source.repo, "their"), await cloneOf(source.repo, "our")];
    expect((await run(gitCrypt.path, ["init"], { cwd: their.path, env: source.repo.env })).status).toBe(0);
    expect(errorOf("ALREADY_USED", () => initialize(our.opened, commands)).hint).toMatch(/unlock it instead/);
    expect(our.opened.keyNames()).toEqual([]);
    errorOf("OTHER_KEY", () => initialize(openRepository(source.repo.path, source.repo), commands));
    initialize(our.opened, { ...commands, force: true });
    expect(our.opened.readKey().bytes).not.toEqual(readFileSync(source.key));
  });
});
