import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { run, throwawayRepository, type Repository, type RunResult } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* What git's settings run where the program is not where it was, or never was for long. */

const isSealed = (content: Uint8Array): boolean =>
  Buffer.from(content).subarray(0, 10).equals(Buffer.from("\0GITCRYPT\0"));

/** A copy of the program, as another way to install it makes one. */
function installed(folder: string): string {
  const program = join(folder, "dist/main.cjs");
  cpSync(dirname(VAULT), dirname(program), { recursive: true });
  return program;
}

/** A folder for the PATH, with the program under its name. */
function folderWith(program: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  symlinkSync(program, join(folder, "git-vault"));
  return folder;
}

const by = (
  program: string,
  { path, env }: Repository,
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<RunResult> => run(process.execPath, [program, ...args], { cwd: path, env: { ...env, ...more } });

const addOf = ({ path, env }: Repository, more: Record<string, string> = {}): Promise<RunResult> =>
  run("git", ["add", "--all"], { cwd: path, env: { ...env, ...more } });

/** PATH without any program of this name. */
const bare = (env: Repository["env"]): string =>
  (env["PATH"] ?? "")
    .split(":")
    .filter((folder) => !existsSync(join(folder, "git-vault")))
    .join(":");

describe("a program that moved", () => {
  test("is found on the PATH, by the filter, the merge driver and the hook", async () => {
    using repository = await throwawayRepository();
    const old = join(repository.folder, "old");
    const program = installed(old);
    expect(await by(program, repository, ["init", "secrets/**"])).toMatchObject({ status: 0 });
    expect(await by(program, repository, ["hooks", "install"])).toMatchObject({ status: 0 });
    rmSync(old, { recursive: true });
    const path = `${folderWith(VAULT, join(repository.folder, "bin"))}:${bare(repository.env)}`;
    repository.write("secrets/a", "one\ntwo\nthree\n");
    expect(await addOf(repository, { PATH: path })).toMatchObject({ status: 0 });
    expect(isSealed(await repository.git("cat-file", "blob", ":secrets/a"))).toBe(true);
    const git = async (...args: string[]): Promise<RunResult> =>
      run("git", args, { cwd: repository.path, env: { ...repository.env, PATH: path } });
    expect(await git("commit", "--quiet", "--message=a")).toMatchObject({ status: 0 });
    await git("switch", "--quiet", "--create=other");
    repository.write("secrets/a", "ONE\ntwo\nthree\n");
    expect(await git("commit", "--quiet", "--all", "--message=one")).toMatchObject({ status: 0 });
    await git("switch", "--quiet", "main");
    repository.write("secrets/a", "one\ntwo\nTHREE\n");
    await git("commit", "--quiet", "--all", "--message=three");
    const merged = await git("merge", "--quiet", "--message=both", "other");
    expect({ status: merged.status, stderr: merged.stderr }).toMatchObject({ status: 0 });
    expect(readFileSync(join(repository.path, "secrets/a"), "utf8")).toBe("ONE\ntwo\nTHREE\n");
    expect(await by(VAULT, repository, ["doctor"], { PATH: path })).toMatchObject({ status: 0 });
  });

  test("that is nowhere stops git with a sentence, and a commit by the hook", async () => {
    using repository = await throwawayRepository();
    const PATH = bare(repository.env);
    const old = join(repository.folder, "old");
    const program = installed(old);
    await by(program, repository, ["init", "secrets/**"]);
    await by(program, repository, ["hooks", "install"]);
    renameSync(old, join(repository.folder, "new"));
    repository.write("plain", "plain\n");
    await repository.git("add", "plain");
    const told = "vault: error: git-vault is not where it was, and not on the PATH: install it, then run";
    const commit = (): Promise<RunResult> =>
      run("git", ["commit", "-m", "x"], { cwd: repository.path, env: { ...repository.env, PATH } });
    expect(await commit()).toMatchObject({ status: 1, stderr: `${told} \`vault hooks install\`\n` });
    repository.write("secrets/a", "secret");
    const added = await addOf(repository, { PATH });
    expect(added.status).toBe(128);
    expect(added.stderr).toContain(`${told} \`vault unlock\`\n`);
    expect(await by(VAULT, repository, ["doctor"], { PATH })).toMatchObject({ status: 7 });
    expect(await by(VAULT, repository, ["unlock"], { PATH })).toMatchObject({ status: 0 });
    expect(await addOf(repository, { PATH })).toMatchObject({ status: 0 });
    // The hook as well.
    expect(await commit()).toMatchObject({ status: 0 });
    expect(await by(VAULT, repository, ["doctor"], { PATH })).toMatchObject({ status: 0 });
  });

  test("a hook that is committed needs is named where it is not on the PATH", async () => {
    using repository = await throwawayRepository();
    const PATH = bare(repository.env);
    repository.write(".husky/_/h", "");
    repository.write(".husky/_/pre-commit", '#!/bin/sh\nsh -e "$(dirname "$0")/../pre-commit"\n');
    chmodSync(join(repository.path, ".husky/_/pre-commit"), 0o755);
    await repository.git("config", "core.hooksPath", ".husky/_");
    await by(VAULT, repository, ["init", "secrets/**"], { PATH });
    const told = "runs the program git-vault, which is not on the PATH: nothing is checked before a commit\n";
    for (const [args, status] of [
      [["hooks", "install"], 0],
      [["hooks", "test"], 7],
    ] as const) {
      const result = await by(VAULT, repository, args, { PATH });
      expect(result.status).toBe(status);
      expect(result.stderr).toContain(`pre-commit ${told}vault: hint: put \`git-vault\` on the PATH`);
    }
    const found = await by(VAULT, repository, ["status"], { PATH });
    expect(found.stdout.toString()).toMatch(
      /^hook-program: .*\/\.husky\/pre-commit: runs the program git-vault, which is not on the PATH/m,
    );
    expect(found.stdout.toString()).not.toContain("missing-hook");
    const on = `${folderWith(VAULT, join(repository.folder, "bin"))}:${PATH}`;
    expect(await by(VAULT, repository, ["hooks", "test"], { PATH: on })).toMatchObject({ status: 0 });
    expect(await by(VAULT, repository, ["status"], { PATH: on })).toMatchObject({ status: 0 });
  });
});

describe("a program in a cache", () => {
  test.each([
    "npm/_npx/0a1b2c3d/node_modules/git-vault",
    "pnpm/dlx/0a1b/0c-1d/node_modules/.pnpm/git-vault@1.0.0/node_modules/git-vault",
    "xfs-5f1a/dlx-4711/node_modules/git-vault",
    "bunx-1000-git-vault@latest/node_modules/git-vault",
  ])("%s never comes into git's settings", async (place) => {
    using repository = await throwawayRepository();
    const PATH = bare(repository.env);
    const program = installed(join(repository.folder, place));
    // Those who run it so put a link to it first on the PATH.
    const links = folderWith(program, join(repository.folder, place, "../.bin"));
    for (const args of [["init", "secrets/**"], ["unlock"], ["hooks", "install"]]) {
      const refused = await by(program, repository, args, { PATH: `${links}:${PATH}` });
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain("runs from a cache, and no git-vault is on the PATH\n");
      expect(refused.stderr).toContain("nothing was changed; first install it: `npm install --global git-vault`\n");
    }
    expect(existsSync(join(repository.path, ".git/git-crypt"))).toBe(false);
    const bin = folderWith(VAULT, join(repository.folder, "bin"));
    const begun = await by(program, repository, ["init", "secrets/**"], { PATH: `${links}:${bin}:${PATH}` });
    expect({ status: begun.status, stderr: begun.stderr }).toMatchObject({ status: 0 });
    expect(begun.stderr).toContain(`runs from a cache, so git will run ${bin}/git-vault\n`);
    expect(readFileSync(join(repository.path, ".git/config"), "utf8")).not.toContain(place);
    rmSync(join(repository.folder, place), { recursive: true });
    repository.write("secrets/a", "secret");
    expect(await addOf(repository, { PATH: `${bin}:${PATH}` })).toMatchObject({ status: 0 });
    expect(isSealed(await repository.git("cat-file", "blob", ":secrets/a"))).toBe(true);
    expect(await by(VAULT, repository, ["doctor"], { PATH: `${bin}:${PATH}` })).toMatchObject({ status: 0 });
  });
});
