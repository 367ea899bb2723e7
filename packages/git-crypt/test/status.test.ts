import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Repository as Throwaway, run, throwawayRepository } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import {
  checkStaged,
  decryptBlob,
  diagnose,
  fix,
  generateKeyFile,
  installHook,
  lock,
  migrateKey,
  openRepository,
  readProtected,
  removeHook,
  status,
  unlock,
} from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { attributes, commands, driver, isSealed, rotated, sealed } from "./sealed.ts";
import { vector } from "./vectors.ts";

/** Stages a file as it is. */
async function stageInClear(repo: Throwaway, name: string, content: string): Promise<void> {
  repo.write(name, content);
  const settings = ["process=", "clean=cat", "required=false"].flatMap((setting) => [
    "-c",
    `filter.git-crypt.${setting}`,
  ]);
  await repo.git(...settings, "add", name);
}

const problems = (repository: Parameters<typeof status>[0], history = false): string[] =>
  status(repository, { history }).findings.map(({ subject, id }) => `${subject}: ${id}`);

describe("status", () => {
  test("tells whether it is locked, with which keys, and which files are protected", async () => {
    using source = await sealed({ "a.secret": "one\n", "sub/é.secret": "two\n", "plain.txt": "plain\n" });
    const unlocked = status(source.opened);
    expect(unlocked).toMatchObject({
      state: "unlocked",
      keys: [{ name: "default", stored: true, configured: true, files: 2 }],
      files: [
        { path: "a.secret", keyName: "default", encrypted: true },
        { path: "sub/é.secret", keyName: "default", encrypted: true },
      ],
      findings: [],
    });
    expect(unlocked.files[1]?.bytes).toEqual(Buffer.from("sub/é.secret"));
    const clone = await source.clone();
    expect(status(clone.opened)).toMatchObject({
      state: "locked",
      keys: [{ stored: false, configured: false }],
      findings: [],
    });
    using other = await throwawayRepository();
    expect(status(openRepository(other.path, other))).toEqual({ state: "unused", keys: [], files: [], findings: [] });
  });

  test("tells of a file that a stopped merge left in conflict once", async () => {
    using source = await sealed({ "a.secret": "one\n", "b.secret": "two\n" });
    const { repo } = source;
    await repo.git("switch", "-q", "-c", "side");
    repo.write("a.secret", "side\n");
    await repo.git("commit", "-q", "-am", "side");
    await repo.git("switch", "-q", "main");
    repo.write("a.secret", "main\n");
    await repo.git("commit", "-q", "-am", "main");
    await repo.git("-c", "merge.git-crypt.driver=false", "merge", "-q", "side").catch(() => {});
    expect((await repo.git("ls-files", "-u")).toString().split("\n")).toHaveLength(4);
    const { files, keys, findings } = status(source.opened);
    expect(files).toMatchObject([
      { path: "a.secret", encrypted: true },
      { path: "b.secret", encrypted: true },
    ]);
    expect(keys).toMatchObject([{ name: "default", files: 2 }]);
    // The driver failed, and left no marks.
    expect(findings.map(({ id, subject }) => [id, subject])).toEqual([["unmerged", "a.secret"]]);
  });

  test("finds plaintext that is staged, committed, and in the history alone", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const { repo, opened } = source;
    await stageInClear(repo, "b.secret", "clear\n");
    expect(problems(opened)).toEqual(["b.secret: staged-plaintext"]);
    await repo.git("commit", "--quiet", "--message=Clear");
    expect(problems(opened)).toEqual(["b.secret: committed-plaintext"]);
    await repo.git("rm", "--quiet", "--cached", "b.secret");
    await repo.git("add", "b.secret");
    expect(problems(opened)).toEqual([]);
    await repo.git("commit", "--quiet", "--message=Encrypt");
    expect(problems(opened, true)).toEqual(["b.secret: history-plaintext"]);
  });

  test("finds attributes that damage ciphertext, and no harmless ones", async () => {
    const lines = [
      "text text",
      "eol eol=lf",
      "crlf crlf",
      "input text=input",
      "over text=auto crlf",
      "ident ident",
      "encoding working-tree-encoding=UTF-16",
      "auto text=auto eol=crlf",
      "off -text eol=lf -ident",
    ];
    using source = await sealed(Object.fromEntries(lines.map((line) => [`${line.split(" ")[0]}.secret`, "secret\n"])));
    source.repo.write(
      ".gitattributes",
      `*.secret filter=git-crypt\n${lines.map((line) => line.replace(" ", ".secret ")).join("\n")}\n`,
    );
    expect(problems(source.opened).toSorted()).toEqual([
      "crlf.secret: line-endings",
      "encoding.secret: encoding",
      "eol.secret: line-endings",
      "ident.secret: ident",
      "input.secret: line-endings",
      "text.secret: line-endings",
    ]);
  });

  test("finds links and submodules on protected paths, which stay as they are", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    using inner = await sealed({ "in.secret": "inner\n" });
    const { repo, opened } = source;
    symlinkSync("a.secret", join(repo.path, "link.secret"));
    await repo.git("submodule", "--quiet", "add", inner.repo.path, "sub.secret");
    await repo.commit("Add");
    expect(problems(opened)).toEqual(["link.secret: symlink", "sub.secret: submodule"]);
    expect(lock(opened)).toMatchObject({ encrypted: 1 });
    expect(isSealed(readFileSync(join(repo.path, "sub.secret/in.secret")))).toBe(true);
    expect((await repo.git("status", "--porcelain")).toString()).toBe("");
  });

  test("finds files that the key does not open, and key files that others may read", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    await stageInClear(source.repo, "b.secret", readFileSync(join(source.repo.path, ".git/config"), "latin1"));
    const path = join(source.repo.path, ".git/git-crypt/keys/default");
    writeFileSync(path, vector("default.key"));
    chmodSync(path, 0o640);
    expect(problems(source.opened)).toEqual([
      `${path}: loose-permissions`,
      "b.secret: staged-plaintext",
      "a.secret: unopened",
    ]);
  });

  test("finds each state in which git stores plaintext on a protected path", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const { repo, opened } = source;
    const stores = async (): Promise<string> => {
      repo.write("b.secret", "clear\n");
      await repo.git("add", "b.secret");
      return (await repo.git("cat-file", "blob", ":b.secret")).toString();
    };
    const config = join(repo.path, ".git/config");
    const whole = readFileSync(config);
    await repo.git("config", "--remove-section", "filter.git-crypt");
    expect(status(opened)).toMatchObject({ state: "partly", findings: [{ subject: "default", id: "no-filter" }] });
    expect(await stores()).toBe("clear\n");
    writeFileSync(config, whole);
    await repo.git("reset", "--quiet");
    await repo.git("config", "filter.git-crypt.required", "false");
    await repo.git("config", "filter.git-crypt.process", "/gone/vault filter");
    expect(problems(opened)).toEqual([
      "filter.git-crypt.process: missing-program",
      "filter.git-crypt.required: not-required",
    ]);
    await repo.git("config", "--unset", "filter.git-crypt.process");
    await repo.git("config", "filter.git-crypt.clean", "/gone/vault filter");
    expect(problems(opened)).toEqual([
      "filter.git-crypt.clean: missing-program",
      "filter.git-crypt.required: not-required",
    ]);
    expect(await stores()).toBe("clear\n");
    writeFileSync(config, whole);
    await repo.git("add", "--renormalize", "b.secret");
    expect(problems(opened)).toEqual([]);
  });

  test("finds each state in which git stops at protected files", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const { repo, opened } = source;
    const stops = async (): Promise<void> => {
      repo.write("b.secret", "clear\n");
      await expect(repo.git("add", "b.secret")).rejects.toThrow(/ended with 128/);
    };
    await repo.git("config", "filter.git-crypt.process", "/gone/vault filter");
    expect(problems(opened)).toEqual(["filter.git-crypt.process: missing-program"]);
    await stops();
    await repo.git("config", "filter.git-crypt.process", commands.filterCommand);
    rmSync(join(repo.path, ".git/git-crypt"), { recursive: true });
    expect(status(opened)).toMatchObject({ state: "partly", findings: [{ subject: "default", id: "no-key" }] });
    await stops();
    unlock(opened, [source.key], commands);
    expect(status(opened)).toMatchObject({ state: "unlocked", findings: [] });
  });

  test("finds the retired keys that another program left, and lock removes them", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const { repo, opened } = source;
    await rotated(opened);
    const folder = join(repo.path, ".git/git-vault");
    expect(existsSync(folder)).toBe(true);
    // As git-crypt locks.
    const left = readdirSync(join(folder, "retired/default"));
    const kept = join(repo.folder, "kept");
    cpSync(folder, kept, { recursive: true });
    lock(opened);
    expect(existsSync(folder)).toBe(false);
    cpSync(kept, folder, { recursive: true });
    expect(left).toHaveLength(1);
    expect(status(opened)).toMatchObject({ state: "partly", findings: [{ subject: "default", id: "left-keys" }] });
    expect(diagnose(opened).findings).toMatchObject([{ id: "left-keys", subject: "default", severity: "error" }]);
    repo.write("a.secret", "edited while it was locked\n");
    expect(lock(opened)).toMatchObject({ keyNames: ["default"], encrypted: 0 });
    expect(existsSync(folder)).toBe(false);
    expect(readFileSync(join(repo.path, "a.secret"), "utf8")).toBe("edited while it was locked\n");
    expect(status(opened)).toMatchObject({ state: "locked", findings: [] });
  });

  test("needs a work tree", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    for (const action of [status, lock, checkStaged, fix]) {
      errorOf("NO_WORK_TREE", () => action(openRepository(join(source.repo.path, ".git"), source.repo)));
    }
    expect(source.opened.keyNames()).toEqual(["default"]);
  });
});

test("fix encrypts what is staged in the clear, and leaves the work tree alone", async () => {
  using source = await sealed({ "a.secret": "one\n" });
  const { repo, opened } = source;
  await stageInClear(repo, "b.secret", "clear\n");
  await stageInClear(repo, "sub/run.secret", "clear\n");
  const oid = (await repo.git("rev-parse", ":sub/run.secret")).toString().trim();
  await repo.git("update-index", "--cacheinfo", `100755,${oid},sub/run.secret`);
  chmodSync(join(repo.path, "sub/run.secret"), 0o755);
  repo.write("b.secret", "clear, then edited\n");
  expect(fix(opened).map(({ path }) => path)).toEqual(["b.secret", "sub/run.secret"]);
  expect(problems(opened)).toEqual([]);
  const { keyFile } = opened.readKey();
  expect(decryptBlob(keyFile, await repo.git("cat-file", "blob", ":b.secret")).toString()).toBe("clear\n");
  expect((await repo.git("ls-files", "-s", "sub")).toString()).toMatch(/^100755 /);
  expect((await repo.git("status", "--porcelain")).toString()).toBe("AM b.secret\nA  sub/run.secret\n");
  expect(fix(opened)).toEqual([]);
  const clone = await source.clone();
  writeFileSync(join(clone.path, "c.secret"), "clear\n");
  await clone.git("add", "c.secret");
  errorOf("LOCKED", () => fix(clone.opened));
});

describe("checkStaged and its hook", () => {
  test("look at what is staged alone, by the attributes of the work tree and of the index", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const clone = await source.clone();
    writeFileSync(join(clone.path, "b.secret"), "clear\n");
    expect(checkStaged(clone.opened)).toEqual([]);
    await clone.git("add", "b.secret");
    expect(checkStaged(clone.opened)).toMatchObject([{ subject: "b.secret", id: "staged-plaintext" }]);
    writeFileSync(join(clone.path, ".gitattributes"), "");
    expect(checkStaged(clone.opened)).toHaveLength(1);
    rmSync(join(clone.path, ".gitattributes"));
    expect(checkStaged(clone.opened)).toHaveLength(1);
    await clone.git("rm", "--quiet", "--cached", ".gitattributes");
    expect(checkStaged(clone.opened)).toMatchObject([
      { subject: "b.secret", id: "exposed" },
      { subject: "a.secret", id: "unprotected" },
    ]);
    writeFileSync(join(clone.path, ".gitattributes"), attributes);
    expect(checkStaged(clone.opened)).toMatchObject([
      { subject: "b.secret", id: "staged-plaintext" },
      { subject: "a.secret", id: "unprotected" },
    ]);
    await clone.git("commit", "--quiet", "--message=Clear");
    expect(checkStaged(clone.opened)).toEqual([]);
  });

  test("know a repository before its first commit", async () => {
    using repo = await throwawayRepository();
    repo.write(".gitattributes", attributes);
    repo.write("a.secret", "clear\n");
    await repo.git("add", ".");
    expect(checkStaged(openRepository(repo.path, repo))).toHaveLength(1);
  });

  test("a hook that was there runs afterwards, and comes back", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const { repo, opened } = source;
    const mark = join(repo.folder, "ran");
    const path = repo.write(".git/hooks/pre-commit", `#!/bin/sh\necho ran >> "${mark}"\n`);
    chmodSync(path, 0o755);
    const command = { own: `"${process.execPath}" "${driver}" check-staged`, shared: "unused" };
    const first = installHook(opened, command);
    expect(first).toEqual({ path, shared: false, found: false, joined: true, manager: null });
    expect(installHook(opened, command)).toEqual(first);
    await stageInClear(repo, "b.secret", "clear\n");
    await expect(repo.git("commit", "--quiet", "--message=Clear")).rejects.toThrow(/b\.secret/);
    expect(existsSync(mark)).toBe(false);
    // A commit of some files alone has an index of its own.
    await expect(repo.git("commit", "--quiet", "--message=Clear", "--include", "a.secret")).rejects.toThrow(
      /b\.secret/,
    );
    await repo.git("add", "--renormalize", "b.secret");
    await repo.git("commit", "--quiet", "--message=Encrypted");
    expect(readFileSync(mark, "utf8")).toBe("ran\n");
    expect(removeHook(opened)).toEqual([path]);
    expect(readFileSync(path, "utf8")).toContain("echo ran");
    expect(removeHook(opened)).toEqual([]);
  });

  test("core.hooksPath is respected within the repository, and not written outside of it", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const hook = { own: "true", shared: "true" };
    await source.repo.git("config", "core.hooksPath", ".hooks");
    const path = join(source.repo.path, ".hooks/pre-commit");
    expect(installHook(source.opened, hook)).toMatchObject({ path, joined: false, shared: true });
    await source.repo.git("config", "core.hooksPath", source.repo.folder);
    errorOf("HOOKS_ELSEWHERE", () => installHook(source.opened, hook));
    expect(existsSync(join(source.repo.folder, "pre-commit"))).toBe(false);
  });

  test("a hook that may be committed holds no path of this machine, and stops nobody who lacks the program", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const { repo, opened } = source;
    await repo.git("config", "core.hooksPath", ".hooks");
    const bin = join(repo.folder, "bin");
    const hook = { own: `"${process.execPath}" "${driver}" check-staged`, shared: "the-vault check-staged" };
    const { path } = installHook(opened, hook);
    expect(readFileSync(path, "utf8")).not.toContain(driver);
    expect(diagnose(opened).findings).toMatchObject([{ id: "hook-program" }]);
    await stageInClear(repo, "b.secret", "clear\n");
    mkdirSync(bin);
    writeFileSync(join(bin, "the-vault"), `#!/bin/sh\nexec "${process.execPath}" "${driver}" "$@"\n`, { mode: 0o755 });
    const commit = ["commit", "--quiet", "--message=Clear"];
    const withProgram = { cwd: repo.path, env: { ...repo.env, PATH: `${bin}:${repo.env["PATH"]}` } };
    const stopped = await run("git", commit, withProgram);
    expect([stopped.status, stopped.stderr]).toEqual([1, expect.stringContaining("b.secret")]);
    const passed = await run("git", commit, { cwd: repo.path, env: repo.env });
    expect(passed.stderr).toContain("the-vault is not installed: protected paths are not checked");
    expect(passed.status).toBe(0);
    // In a folder that git ignores, as some tools make it, it stays on this machine.
    repo.write(".gitignore", ".hooks/\n");
    expect(installHook(opened, hook)).toMatchObject({ joined: false, shared: false });
    expect(readFileSync(path, "utf8")).toContain(driver);
    expect(removeHook(opened)).toEqual([path]);
  });
});

describe("readProtected", () => {
  test("reads files of any revision, decrypted, also in a bare clone, and touches nothing", async () => {
    using source = await sealed({
      "a.secret": "one\n",
      "plain.txt": "plain\n",
      "é b.secret": "two\n",
      "empty.secret": "",
    });
    const first = (await source.repo.git("rev-parse", "HEAD")).toString().trim();
    source.repo.write("a.secret", "changed\n");
    await source.repo.commit("Change");
    rmSync(join(source.repo.path, "a.secret"));
    const texts = (...args: Parameters<typeof readProtected>): string[] =>
      readProtected(...args).map(({ path, content, encrypted }) => `${path} ${encrypted} ${content.toString()}`);
    expect(texts(source.opened, first, ["plain.txt", "a.secret", "é b.secret", "empty.secret", "a.secret"])).toEqual([
      "plain.txt false plain\n",
      "a.secret true one\n",
      "é b.secret true two\n",
      "empty.secret true ",
      "a.secret true one\n",
    ]);
    expect(texts(source.opened, "main", ["a.secret"])).toEqual(["a.secret true changed\n"]);
    const bare = await source.clone("bare.git", "--bare", "--depth=1");
    errorOf("LOCKED", () => readProtected(openRepository(bare.path, source.repo), "HEAD", ["a.secret"]));
    const { keyFile } = source.opened.readKey();
    const keys = [generateKeyFile(), keyFile];
    expect(texts(openRepository(bare.path, source.repo), "HEAD", ["a.secret"], { keys })).toEqual([
      "a.secret true changed\n",
    ]);
    errorOf("TAMPERED_BLOB", () => readProtected(source.opened, "HEAD", ["a.secret"], { keys: [generateKeyFile()] }));
    expect(existsSync(join(source.repo.path, "a.secret"))).toBe(false);
  });

  test("names what is not there", async () => {
    using source = await sealed({ "sub/a.secret": "one\n" });
    for (const revision of ["nothing", "--help", "-z", ""]) {
      errorOf("NO_SUCH_REVISION", () => readProtected(source.opened, revision, ["sub/a.secret"]));
    }
    for (const path of ["a.secret", "sub", "../x", "sub/a.secret\n"]) {
      const { message } = errorOf("NO_SUCH_FILE", () => readProtected(source.opened, "HEAD", [path]));
      expect(message).toMatch(/is not in that revision$/);
    }
  });
});

test("diagnose tells what is wrong with the settings, without running any", async () => {
  using source = await sealed({ "a.secret": "one\n" });
  const { repo, opened } = source;
  const setup = (): string[] => diagnose(opened).findings.map(({ id, subject }) => `${id} ${subject}`);
  expect(diagnose(opened)).toMatchObject({ keyNames: ["default"], findings: [] });
  expect(diagnose(opened).gitVersion).toMatch(/^\d+\.\d+/);
  await repo.git("config", "filter.git-crypt.process", `"${process.execPath}" '/gone/main.cjs' filter`);
  await repo.git("config", "filter.git-crypt.clean", "no-such-program clean");
  await repo.git("config", "--unset", "filter.git-crypt.required");
  await repo.git("config", "diff.git-crypt.cachetextconv", "true");
  chmodSync(join(repo.path, ".git/git-crypt/keys/default"), 0o644);
  expect(setup()).toEqual([
    "missing-program filter.git-crypt.clean",
    "missing-program filter.git-crypt.process",
    "not-required filter.git-crypt.required",
    "cached-textconv diff.git-crypt.cachetextconv",
    `loose-permissions ${join(repo.path, ".git/git-crypt/keys/default")}`,
  ]);
  await repo.git("config", "--remove-section", "filter.git-crypt");
  expect(setup()).toContain("no-filter default");
  rmSync(join(repo.path, ".git/git-crypt"), { recursive: true });
  await repo.git("config", "filter.git-crypt-ops.clean", commands.filterCommand);
  expect(setup()).toEqual([
    "no-key ops",
    "no-command filter.git-crypt-ops.smudge",
    "not-required filter.git-crypt-ops.required",
  ]);
});

test("a legacy key is migrated to the current form, which stays as it is", () => {
  const migrated = migrateKey(vector("legacy.key"));
  expect(migrated).toHaveLength(148);
  expect(migrateKey(migrated)).toEqual(migrated);
  errorOf("MALFORMED_KEY_FILE", () => migrateKey(migrated.subarray(1)));
});
