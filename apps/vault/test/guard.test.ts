import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, run, throwawayRepository, type Repository, type RunResult } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* In a clone that lacks a key, git refuses plaintext on its paths. */

const gitCrypt = peer("git-crypt");
const isSealed = (content: Uint8Array): boolean =>
  Buffer.from(content).subarray(0, 10).equals(Buffer.from("\0GITCRYPT\0"));
const REFUSED =
  /^vault: error: \S+: the key \S+ protects it, and this clone does not have that key: it would be stored unencrypted$/m;

interface Clone {
  readonly path: string;
  readonly git: (...args: string[]) => Promise<RunResult>;
  readonly vault: (...args: string[]) => Promise<RunResult>;
  readonly text: (name: string) => string;
  readonly put: (name: string, content: string | Uint8Array) => void;
}

interface World extends Disposable {
  readonly source: Repository;
  /** The files of the keys, by their names. */
  readonly key: (name: "default" | "prod") => string;
  readonly clone: (name?: string) => Promise<Clone>;
}

/** A repository with a file for each of two keys. */
async function world(): Promise<World> {
  const source = await throwawayRepository();
  const inside = (path: string): Clone => ({
    path,
    git: (...args) => run("git", args, { cwd: path, env: source.env }),
    vault: (...args) => run(process.execPath, [VAULT, ...args], { cwd: path, env: source.env }),
    text: (name) => readFileSync(join(path, name), "utf8"),
    put: (name, content) => writeFileSync(join(path, name), content),
  });
  const key = (name: string): string => join(source.folder, `key-${name}`);
  const { vault } = inside(source.path);
  await vault("init", "dev/**");
  await vault("init", "--key-name", "prod", "prod/**");
  source.write("dev/a", "dev\n");
  source.write("prod/a", "prod\n");
  await source.commit("secrets");
  for (const name of ["default", "prod"]) await vault("export-key", "--key-name", name, "-o", key(name));
  return {
    source,
    key,
    clone: async (name = "clone") => {
      const path = join(source.folder, name);
      await source.git("clone", "--quiet", source.path, path);
      return inside(path);
    },
    [Symbol.dispose]: () => source.remove(),
  };
}

/** Expects that git refuses a new plaintext on the paths of a folder, however it is added. */
async function expectRefused({ git, put, text }: Clone, folder: string): Promise<void> {
  put(`${folder}/new`, "plaintext\n");
  const added = await git("add", "--all");
  expect(added.status).toBe(128);
  expect(added.stderr).toMatch(REFUSED);
  expect(added.stderr).toContain("vault: hint: take the key with `vault unlock`, or leave the file out\n");
  expect(await git("stash", "--include-untracked")).not.toMatchObject({ status: 0 });
  expect(text(`${folder}/new`)).toBe("plaintext\n");
  const before = (await git("stash", "list")).stdout.toString();
  expect(before).toBe("");
  await git("clean", "--quiet", "--force", `${folder}/new`);
  put(`${folder}/a`, "edited, in the clear\n");
  for (const args of [
    ["commit", "--all", "--message=x"],
    ["stash"],
    ["commit", "--message=x", "--", `${folder}/a`],
    ["update-index", "--add", `${folder}/a`],
  ]) {
    const refused = await git(...args);
    expect({ args, status: refused.status }).not.toEqual({ args, status: 0 });
    expect(refused.stderr).toMatch(REFUSED);
  }
  await git("checkout", "--quiet", "--force", "HEAD", "--", folder);
  expect((await git("status", "--porcelain")).stdout.toString()).toBe("");
}

describe("plaintext on the paths of a key that is not here is refused", () => {
  test("after unlock with another key, until that key comes", async () => {
    using made = await world();
    const clone = await made.clone();
    const { git, vault, put } = clone;
    const unlocked = await vault("unlock", made.key("default"));
    expect(unlocked).toMatchObject({ status: 0 });
    expect(unlocked.stderr).toContain("not here, so that git refuses plaintext on its paths: the key prod\n");
    await expectRefused(clone, "prod");
    put("dev/new", "encrypted\n");
    expect(await git("add", "--all")).toMatchObject({ status: 0 });
    expect(isSealed((await git("cat-file", "blob", ":dev/new")).stdout)).toBe(true);
    expect((await vault("doctor")).stdout.toString()).toContain("refuses plaintext on its paths: prod\n");
    expect(await vault("doctor")).toMatchObject({ status: 0 });
    const status = await vault("status", "--json");
    expect(status.status).toBe(0);
    expect(JSON.parse(status.stdout.toString())).toMatchObject({
      state: "partly",
      keys: [
        { name: "default", stored: true, configured: true },
        { name: "prod", stored: false, configured: false },
      ],
      findings: [],
    });

    expect(await vault("unlock", made.key("prod"))).toMatchObject({ status: 0 });
    expect((await git("config", "--get-regexp", String.raw`\.guard$`)).stdout.toString()).toBe("");
    put("prod/new", "encrypted\n");
    expect(await git("add", "--all")).toMatchObject({ status: 0 });
    expect(isSealed((await git("cat-file", "blob", ":prod/new")).stdout)).toBe(true);
    expect(await vault("status")).toMatchObject({ status: 0 });
  });

  test("after lock, and unlocking undoes it", async () => {
    using made = await world();
    const clone = await made.clone();
    await clone.vault("unlock", made.key("default"));
    await clone.vault("unlock", made.key("prod"));
    const locked = await clone.vault("lock");
    expect(locked.stderr).toContain("git refuses plaintext on protected paths until the key is here again\n");
    for (const folder of ["dev", "prod"]) await expectRefused(clone, folder);
    expect((await clone.vault("status")).stdout.toString()).toMatch(/^state: locked: /);
    expect(await clone.vault("doctor")).toMatchObject({ status: 0 });
    expect((await clone.vault("lock")).stderr).toMatch(/locked already/);
    await clone.vault("unlock", made.key("prod"));
    expect(clone.text("prod/a")).toBe("prod\n");
    await expectRefused(clone, "dev");
    expect(await clone.vault("lock", "--key-name", "prod")).toMatchObject({ status: 0 });
    await expectRefused(clone, "prod");
  });

  test("after hooks install in a clone that has none, also where no file fits yet", async () => {
    using made = await world();
    appendFileSync(join(made.source.path, ".gitattributes"), "test/** filter=git-crypt-test diff=git-crypt-test\n");
    await made.source.commit("a pattern for files to come");
    const clone = await made.clone();
    const installed = await clone.vault("hooks", "install");
    expect(installed).toMatchObject({ status: 0 });
    expect(installed.stderr).toContain("paths of the key default, prod, test, which is not here\n");
    for (const folder of ["dev", "prod"]) await expectRefused(clone, folder);
    made.source.write("test/a", "plain");
    await run("mkdir", [join(clone.path, "test")]);
    clone.put("test/a", "plain");
    expect((await clone.git("add", "--all")).stderr).toMatch(REFUSED);
  });
});

describe("attributes that come later and name a key that is not here bring its guard", () => {
  /** The source's attributes get a key that no clone has. */
  async function withNewKey({ source }: World): Promise<void> {
    appendFileSync(join(source.path, ".gitattributes"), "late/** filter=git-crypt-late diff=git-crypt-late\n");
    await source.commit("a key comes");
  }
  async function expectGuarded(clone: Clone): Promise<void> {
    await run("mkdir", ["-p", join(clone.path, "late")]);
    clone.put("late/new", "plaintext\n");
    const added = await clone.git("add", "--all");
    expect(added.stderr).toMatch(REFUSED);
    expect(added.status).toBe(128);
  }
  const TOLD = "vault: git refuses plaintext on the paths of the key late, which is not here\n";

  test.each([
    ["pull", ["pull", "--quiet", "--no-rebase"]],
    ["pull --rebase", ["pull", "--quiet", "--rebase"]],
    ["reset --hard", ["reset", "--quiet", "--hard", "origin/main"]],
    ["switch", ["switch", "--quiet", "--detach", "origin/main"]],
    ["checkout of that file", ["checkout", "--quiet", "origin/main", "--", ".gitattributes"]],
  ])("by %s, after unlock", async (_, words) => {
    using made = await world();
    const clone = await made.clone();
    expect(await clone.vault("unlock", made.key("default"))).toMatchObject({ status: 0 });
    await withNewKey(made);
    await clone.git("fetch", "--quiet");
    const taken = await clone.git(...words);
    expect(taken).toMatchObject({ status: 0 });
    expect(taken.stderr).toContain(TOLD);
    await expectGuarded(clone);
    expect(await clone.vault("status")).toMatchObject({ status: 0 });
  });

  test("in a file of a folder, after hooks install alone, and once for all", async () => {
    using made = await world();
    const clone = await made.clone();
    await clone.vault("hooks", "install");
    made.source.write("late/.gitattributes", "* filter=git-crypt-late -text\n.gitattributes !filter\n");
    await made.source.commit("a key comes");
    expect((await clone.git("pull", "--quiet")).stderr).toContain(TOLD);
    await expectGuarded(clone);
    await clone.git("checkout", "--quiet", "HEAD~1");
    const again = await clone.git("checkout", "--quiet", "main");
    expect(again).toMatchObject({ status: 0, stderr: "" });
  });

  test("by an edit of one's own, once it is staged", async () => {
    using made = await world();
    const clone = await made.clone();
    await clone.vault("unlock", made.key("default"));
    appendFileSync(join(clone.path, ".gitattributes"), "late/** filter=git-crypt-late\n");
    expect((await clone.git("add", ".gitattributes")).stderr).toContain(TOLD);
    await expectGuarded(clone);
  });

  test("and files of attributes stay as they are, byte for byte", async () => {
    using made = await world();
    const clone = await made.clone();
    await clone.vault("unlock", made.key("default"));
    const odd = Buffer.from("# \u00e9\r\n\xff\x00late/** filter=git-crypt-late", "latin1");
    clone.put(".gitattributes", odd);
    await clone.git("commit", "--quiet", "--all", "--message=odd");
    expect((await clone.git("cat-file", "blob", "HEAD:.gitattributes")).stdout).toEqual(odd);
    await clone.git("checkout", "--quiet", "HEAD~1");
    await clone.git("checkout", "--quiet", "main");
    expect(readFileSync(join(clone.path, ".gitattributes"))).toEqual(odd);
    expect((await clone.git("status", "--porcelain")).stdout.toString()).toBe("");
  });

  test("git goes on where the program is gone", async () => {
    using made = await world();
    const clone = await made.clone();
    await clone.vault("hooks", "install");
    const setting = "filter.git-vault-attributes.process";
    const command = (await clone.git("config", setting)).stdout.toString().trim();
    const nowhere = command.replaceAll(VAULT, "/nowhere/vault").replaceAll("git-vault >", "no-git-vault >");
    await clone.git("config", setting, nowhere);
    await withNewKey(made);
    const pulled = await clone.git("pull", "--quiet");
    expect(pulled).toMatchObject({ status: 0 });
    expect(pulled.stderr).toMatch(/^vault: error: git-vault is not where it was, [^\n]*\n$/);
    expect((await clone.git("status", "--porcelain")).stdout.toString()).toBe("");
    appendFileSync(join(clone.path, ".gitattributes"), "# more\n");
    expect(await clone.git("commit", "--quiet", "--all", "--no-verify", "--message=more")).toMatchObject({ status: 0 });
  });

  test("no process more is started for a git that touches no file of attributes", async () => {
    using made = await world();
    const clone = await made.clone();
    await clone.vault("unlock", made.key("default"));
    const files = [".gitattributes", "dev/a", "prod/a"].map((name) => join(clone.path, name));
    await run("touch", ["-d", "2001-01-01", ...files]);
    await clone.git("update-index", "--refresh");
    clone.put("plain", "plain\n");
    const trace = join(made.source.folder, "trace");
    const added = await run("git", ["add", "plain"], {
      cwd: clone.path,
      env: { ...made.source.env, GIT_TRACE: trace },
    });
    expect(added).toMatchObject({ status: 0 });
    expect(readFileSync(trace, "utf8")).not.toContain("run_command");
  });
});

describe("what is encrypted, empty or committed passes the guard", () => {
  test("in add, commit, stash, merge and checkout", async () => {
    using made = await world();
    const { source } = made;
    const clone = await made.clone();
    const { git, put, vault } = clone;
    await vault("hooks", "install");
    const old = readFileSync(join(clone.path, "prod/a"));
    source.write("prod/a", "prod 2\n");
    source.write("prod/b", "b\n");
    await source.commit("more");
    put("plain", "plain\n");
    expect(await git("add", "--all")).toMatchObject({ status: 0 });
    expect(await git("commit", "--quiet", "--message=plain")).toMatchObject({ status: 0 });
    expect(await git("pull", "--quiet", "--no-rebase", "--no-edit")).toMatchObject({ status: 0 });
    const merged = readFileSync(join(clone.path, "prod/a"));
    expect([isSealed(merged), merged.equals(old)]).toEqual([true, false]);
    // What is encrypted may be moved about, and stashed.
    copyFileSync(join(clone.path, "prod/b"), join(clone.path, "prod/c"));
    put("prod/a", old);
    put("prod/empty", "");
    expect(await git("stash", "--include-untracked")).toMatchObject({ status: 0 });
    expect(await git("stash", "pop")).toMatchObject({ status: 0 });
    expect(await git("add", "--all")).toMatchObject({ status: 0 });
    expect(await git("commit", "--quiet", "--message=moved")).toMatchObject({ status: 0 });
    expect(await git("checkout", "--quiet", "HEAD~2")).toMatchObject({ status: 0 });
    expect(await git("checkout", "--quiet", "main")).toMatchObject({ status: 0 });
    expect((await git("status", "--porcelain")).stdout.toString()).toBe("");
  });

  test("and plaintext that was committed is checked out, and is no change", async () => {
    using made = await world();
    const other = await made.clone("other");
    other.put("prod/clear", "committed in the clear\n");
    await other.git("add", "--all");
    await other.git("commit", "--quiet", "--message=clear");
    await other.git("push", "--quiet", "origin", "HEAD:clear");
    const clone = await made.clone();
    await clone.vault("hooks", "install");
    expect(await clone.git("checkout", "--quiet", "clear")).toMatchObject({ status: 0 });
    expect(clone.text("prod/clear")).toBe("committed in the clear\n");
    await run("touch", ["-d", "2001-01-01", join(clone.path, "prod/clear")]);
    expect(await clone.git("status", "--porcelain")).toMatchObject({ status: 0, stdout: Buffer.alloc(0) });
    clone.put("prod/clear", "Committed in the clear\n");
    expect((await clone.git("commit", "--all", "--message=x")).stderr).toMatch(REFUSED);
  });

  test("a conflict that is resolved in the clear is refused", async () => {
    using made = await world();
    const clone = await made.clone();
    const { git, put, vault } = clone;
    await vault("hooks", "install");
    made.source.write("prod/a", "theirs\n");
    await made.source.commit("theirs");
    copyFileSync(join(clone.path, "dev/a"), join(clone.path, "prod/a"));
    await git("commit", "--quiet", "--all", "--message=ours");
    expect(await git("pull", "--quiet", "--no-rebase")).not.toMatchObject({ status: 0 });
    put("prod/a", "resolved\n");
    expect((await git("commit", "--quiet", "--all", "--message=merge")).stderr).toMatch(REFUSED);
    await git("checkout", "--quiet", "--theirs", "prod/a");
    expect(await git("commit", "--quiet", "--all", "--message=merge")).toMatchObject({ status: 0 });
    expect(isSealed((await git("cat-file", "blob", "HEAD:prod/a")).stdout)).toBe(true);
  });
});

test.skipIf(gitCrypt.missing)(`${gitCrypt.label} unlocks a guarded clone, and locks it again`, async () => {
  using made = await world();
  const { source, key } = made;
  const clone = await made.clone();
  const { git, vault, put, text } = clone;
  await vault("hooks", "install");
  // git-crypt touches the files so that git writes them again. Git looks at whole seconds.
  await run("touch", ["-d", "2001-01-01", join(clone.path, "dev/a"), join(clone.path, "prod/a")]);
  expect(await git("update-index", "--refresh")).toMatchObject({ status: 0 });
  const theirs = (...args: string[]): Promise<RunResult> =>
    run(gitCrypt.path, args, { cwd: clone.path, env: source.env });
  const unlocked = await theirs("unlock", key("default"), key("prod"));
  expect({ status: unlocked.status, stderr: unlocked.stderr }).toMatchObject({ status: 0 });
  expect([text("dev/a"), text("prod/a")]).toEqual(["dev\n", "prod\n"]);
  put("prod/new", "encrypted\n");
  expect(await git("add", "--all")).toMatchObject({ status: 0 });
  expect(isSealed((await git("cat-file", "blob", ":prod/new")).stdout)).toBe(true);
  await git("commit", "--quiet", "--message=new");
  expect(await vault("status")).toMatchObject({ status: 0 });
  expect(await vault("doctor")).toMatchObject({ status: 0 });
  expect(await theirs("lock", "--all")).toMatchObject({ status: 0 });
  expect((await git("status", "--porcelain")).stdout.toString()).toBe("");
  // Their lock takes the guard away with the filter; the next lock of ours brings it back.
  expect(await vault("lock")).toMatchObject({ status: 0 });
  for (const folder of ["dev", "prod"]) await expectRefused(clone, folder);
});
