import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { peer, run, throwawayRepository, type Repository, type RunResult } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * Whatever happened to a clone, `vault unlock` mends it: on the built program, with real git and
 * git-crypt.
 */

const gitCrypt = peer("git-crypt");
const isSealed = (content: Uint8Array): boolean =>
  Buffer.from(content).subarray(0, 10).equals(Buffer.from("\0GITCRYPT\0"));

/** A repository with secrets, and the file of its key. */
async function withSecrets(names: readonly string[]): Promise<{ source: Repository; key: string } & Disposable> {
  const source = await throwawayRepository();
  const key = join(source.folder, "key");
  await vault(source, source.path, "init", "secrets/**");
  for (const name of names) source.write(`secrets/${name}`, `secret ${name}\n`);
  await source.commit("secrets");
  await vault(source, source.path, "export-key", "-o", key);
  return { source, key, [Symbol.dispose]: () => source.remove() };
}

const by = (program: string, { env }: Repository, cwd: string, ...args: string[]): Promise<RunResult> =>
  run(process.execPath, [program, ...args], { cwd, env });
const vault = (repository: Repository, cwd: string, ...args: string[]): Promise<RunResult> =>
  by(VAULT, repository, cwd, ...args);

async function cloneOf(source: Repository, ...options: string[]): Promise<string> {
  const path = join(source.folder, "clone");
  await source.git("clone", "--quiet", ...options, `file://${source.path}`, path);
  return path;
}

const textOf = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");

/** Commits a protected file with a byte behind it, as somebody does who edits a locked clone. */
async function damage(source: Repository, name: string): Promise<void> {
  const other = join(source.folder, "damaging");
  await source.git("clone", "--quiet", source.path, other);
  appendFileSync(join(other, name), "x");
  await source.git("-C", other, "commit", "--quiet", "--all", "--message=Damage");
  await source.git("-C", other, "push", "--quiet", "origin", "HEAD:damaged");
  await source.git("fetch", "--quiet", ".", "damaged");
}

describe("a damaged file", () => {
  test("is named by each unlocking, and keeps no other from being opened", async () => {
    using made = await withSecrets(["a", "b"]);
    const { source, key } = made;
    await damage(source, "secrets/a");
    const clone = await cloneOf(source, "--branch=damaged");
    for (const args of [[key], [], [key]]) {
      const { status, stderr } = await vault(source, clone, "unlock", ...args);
      expect({ status, stderr }).toMatchObject({ status: 7 });
      expect(stderr).toContain("not opened by the key: damaged, or encrypted with another:\n  secrets/a\n");
      expect(textOf(clone, "secrets/b")).toBe("secret b\n");
    }
  });

  test("that is the only one does not make the key a wrong one, since an older version opens", async () => {
    using made = await withSecrets(["a"]);
    const { source, key } = made;
    await damage(source, "secrets/a");
    const clone = await cloneOf(source, "--branch=damaged");
    for (const args of [[key], []]) {
      const { status, stderr } = await vault(source, clone, "unlock", ...args);
      expect({ status, stderr }).toMatchObject({ status: 7 });
      expect(stderr).toContain("\n  secrets/a\n");
    }
    await vault(source, source.path, "keygen", "-o", join(source.folder, "wrong"));
    await vault(source, clone, "lock");
    expect(await vault(source, clone, "unlock", join(source.folder, "wrong"))).toMatchObject({ status: 3 });
    await source.git("-C", clone, "checkout", "--quiet", "HEAD~1");
    expect(await vault(source, clone, "unlock", key)).toMatchObject({ status: 0 });
  });
});

describe("edits", () => {
  test("are kept in a clone that was locked, and encrypted when they are added", async () => {
    using made = await withSecrets(["a", "b"]);
    const { source, key } = made;
    const clone = await cloneOf(source);
    writeFileSync(join(clone, "secrets/a"), "mine\n");
    const { status, stderr } = await vault(source, clone, "unlock", key);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toContain("left as they are, since they have changes:\n  secrets/a\n");
    expect([textOf(clone, "secrets/a"), textOf(clone, "secrets/b")]).toEqual(["mine\n", "secret b\n"]);
    await source.git("-C", clone, "add", "--all");
    expect(isSealed(await source.git("-C", clone, "cat-file", "blob", ":secrets/a"))).toBe(true);
  });

  test("are kept where the program moved, and the filter leads to it again", async () => {
    using made = await withSecrets(["a"]);
    const { source, key } = made;
    const clone = await cloneOf(source);
    const program = join(source.folder, "old", "dist/main.cjs");
    cpSync(dirname(VAULT), dirname(program), { recursive: true });
    expect(await by(program, source, clone, "unlock", key)).toMatchObject({ status: 0 });
    rmSync(join(source.folder, "old"), { recursive: true });
    writeFileSync(join(clone, "secrets/a"), "mine\n");
    await expect(source.git("-C", clone, "add", "--all")).rejects.toThrow(/ended with 128/);
    expect(await vault(source, clone, "unlock")).toMatchObject({ status: 0 });
    expect(textOf(clone, "secrets/a")).toBe("mine\n");
    await source.git("-C", clone, "add", "--all");
    expect(isSealed(await source.git("-C", clone, "cat-file", "blob", ":secrets/a"))).toBe(true);
  });

  test.skipIf(gitCrypt.missing)(`are kept in a clone that ${gitCrypt.label} unlocked`, async () => {
    using made = await withSecrets(["a"]);
    const { source, key } = made;
    const clone = await cloneOf(source);
    await run(gitCrypt.path, ["unlock", key], { cwd: clone, env: source.env });
    writeFileSync(join(clone, "secrets/a"), "mine\n");
    expect(await vault(source, clone, "unlock")).toMatchObject({ status: 0 });
    expect(textOf(clone, "secrets/a")).toBe("mine\n");
    const setting = await source.git("-C", clone, "config", "filter.git-crypt.process");
    expect(setting.toString()).toContain(VAULT);
  });

  test("a file of another key, put there encrypted, is named and stays as it is", async () => {
    using made = await withSecrets(["a", "b"]);
    using other = await withSecrets(["a"]);
    const { source, key } = made;
    const clone = await cloneOf(source);
    const foreign = await other.source.git("cat-file", "blob", "HEAD:secrets/a");
    writeFileSync(join(clone, "secrets/a"), foreign);
    const { status, stderr } = await vault(source, clone, "unlock", key);
    expect({ status, stderr }).toMatchObject({ status: 7 });
    expect(stderr).toContain("not opened by the key: damaged, or encrypted with another:\n  secrets/a\n");
    expect(readFileSync(join(clone, "secrets/a"))).toEqual(foreign);
  });

  test("a conflict of a locked clone is opened, to be resolved", async () => {
    using made = await withSecrets(["a"]);
    const { source, key } = made;
    const clone = await cloneOf(source);
    source.write("secrets/a", "theirs\n");
    await source.commit("theirs");
    const other = join(source.folder, "other");
    await source.git("clone", "--quiet", clone, other);
    await vault(source, other, "unlock", key);
    writeFileSync(join(other, "secrets/a"), "ours\n");
    await source.git("-C", other, "commit", "--quiet", "--all", "--message=ours");
    await source.git("-C", clone, "pull", "--quiet", "--ff-only", other, "HEAD");
    await expect(source.git("-C", clone, "pull", "--quiet", "--no-rebase")).rejects.toThrow(/ended with 1/);
    expect(await vault(source, clone, "unlock", key)).toMatchObject({ status: 0 });
    expect(textOf(clone, "secrets/a")).toBe("ours\n");
  });
});

test("a key file that was damaged is replaced by the one that is given", async () => {
  using made = await withSecrets(["a"]);
  const { source, key } = made;
  const clone = await cloneOf(source);
  await vault(source, clone, "unlock", key);
  writeFileSync(join(clone, ".git/git-crypt/keys/default"), "damaged");
  const env = { ...source.env, GIT_CRYPT_KEY: key };
  const result = await run(process.execPath, [VAULT, "unlock"], { cwd: clone, env });
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  expect(readFileSync(join(clone, ".git/git-crypt/keys/default"))).toEqual(readFileSync(key));
});
