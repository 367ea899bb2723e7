import { spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as fc from "fast-check";
import { cases, type Repository, throwawayRepository } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { locateRepository, type Location } from "../src/git/locate.ts";

/** What git says; null where it refuses. */
function byGit(cwd: string, env: NodeJS.ProcessEnv): Location | null {
  const args = ["rev-parse", "--git-dir", "--git-common-dir", "--show-cdup"];
  const { status, stdout } = spawnSync("git", args, { cwd, env });
  const lines = stdout.toString().split("\n").slice(0, -1);
  const [gitDir, commonDir, topLevel = null] = lines.map((line) => resolve(cwd, line));
  return status !== 0 || gitDir === undefined || commonDir === undefined ? null : { topLevel, gitDir, commonDir };
}

/** Either the same, or left to git. */
function expectNoOther(cwd: string, env: NodeJS.ProcessEnv): void {
  const found = locateRepository(cwd, env);
  expect([null, byGit(cwd, env)]).toContainEqual(found);
}

/** Many layouts in one folder; gives the folders to stand in, and those of repositories. */
async function world(repo: Repository): Promise<{ folders: string[]; gitDirs: string[] }> {
  const at = (path: string): string => join(repo.folder, path);
  const git = (...args: string[]): Promise<unknown> => repo.git("-c", "protocol.file.allow=always", ...args);
  repo.write("sub/dir/file", "");
  await repo.commit("Begin");
  await git("worktree", "add", "-q", at("linked"));
  await git("clone", "-q", "--bare", repo.path, at("bare.git"));
  await git("-C", at("bare.git"), "worktree", "add", "-q", at("of-bare"), "HEAD");
  await git("submodule", "--quiet", "add", at("bare.git"), "module");
  await git("init", "-q", `--separate-git-dir=${at("apart")}`, at("separate"));
  await git("init", "-q", "--object-format=sha256", at("sha256"));
  await git("init", "-q", join(repo.path, "sub/nested"));
  await git("clone", "-q", repo.path, at("sparse"));
  await git("-C", at("sparse"), "sparse-checkout", "set", "sub");
  await git("clone", "-q", repo.path, at("elsewhere"));
  await git("-C", at("elsewhere"), "config", "core.worktree", "../../separate");
  mkdirSync(at("odd"));
  symlinkSync(join(repo.path, ".git"), at("odd/.git"));
  mkdirSync(at("broken/.git"), { recursive: true });
  mkdirSync(at("dangling"));
  writeFileSync(at("dangling/.git"), "gitdir: ../nowhere\n");
  const inRepo = [
    "",
    "sub",
    "sub/dir",
    "sub/nested",
    "module",
    "module/sub/dir",
    ".git",
    ".git/refs",
    ".git/modules/module",
  ];
  const others = ["", "linked/sub", "bare.git", "bare.git/refs", "of-bare/sub/dir", "separate", "apart", "sha256"];
  return {
    folders: [
      ...inRepo.map((path) => join(repo.path, path)),
      ...[...others, "sparse/sub", "elsewhere/sub", "odd", "broken", "dangling"].map(at),
    ],
    gitDirs: [
      join(repo.path, ".git"),
      join(repo.path, ".git/worktrees/linked"),
      join(repo.path, ".git/modules/module"),
      ...[
        "bare.git",
        "bare.git/worktrees/of-bare",
        "apart",
        "elsewhere/.git",
        "odd/.git",
        "broken/.git",
        "dangling/.git",
      ].map(at),
    ],
  };
}

describe("where a repository lies", () => {
  test("is found as git finds it, without git in all usual layouts", async () => {
    using repo = await throwawayRepository();
    await world(repo);
    const usual = ["linked/sub", "of-bare", "separate", "sha256", "sparse/sub"].map((path) => join(repo.folder, path));
    const own = ["", "sub/dir", "sub/nested", "module", "module/sub/dir"].map((path) => join(repo.path, path));
    for (const cwd of [...usual, ...own])
      expect([cwd, locateRepository(cwd, repo.env)]).toEqual([cwd, byGit(cwd, repo.env)]);
  });

  test("is found by what git gives its filter in a linked work tree and in a submodule", async () => {
    using repo = await throwawayRepository();
    await world(repo);
    for (const [gitDir, cwd] of [
      [".git/worktrees/linked", "../linked"],
      [".git/modules/module", "module"],
    ] as const) {
      const env = { ...repo.env, GIT_DIR: join(repo.path, gitDir), GIT_PREFIX: "sub/" };
      const folder = join(repo.path, cwd);
      const found = locateRepository(folder, env);
      expect(found?.topLevel).toBe(folder);
      expect(found).toEqual(byGit(folder, env));
    }
  });

  test("is what git says, or left to git, wherever one stands and whatever the variables say", async () => {
    using repo = await throwawayRepository();
    const { folders, gitDirs } = await world(repo);
    const paths = fc.constantFrom(...gitDirs, ...folders, ".git", ".", "..", "../.git", "");
    const variables = fc.record(
      {
        GIT_DIR: paths,
        GIT_WORK_TREE: paths,
        GIT_INDEX_FILE: paths,
        GIT_COMMON_DIR: paths,
        GIT_CEILING_DIRECTORIES: paths,
        GIT_PREFIX: fc.constant("sub/"),
        GIT_CONFIG_PARAMETERS: fc.constantFrom("'core.bare'='true'", "'core.worktree'='sub'", "'user.name'='x'"),
      },
      { requiredKeys: [] },
    );
    // Mostly few variables, as in practice.
    const few = fc.oneof(fc.constant({}), fc.record({ GIT_DIR: paths }), variables);
    fc.assert(
      fc.property(fc.constantFrom(...folders), few, (cwd, env) => expectNoOther(cwd, { ...repo.env, ...env })),
      { numRuns: cases(150, 3000) },
    );
  });

  test("is what git says, or left to git, whatever the configuration says", async () => {
    using repo = await throwawayRepository();
    await world(repo);
    const line = fc.constantFrom(
      "[core]",
      "[CORE]",
      '[core "x"]',
      "[extensions]",
      "[other]",
      "[core] bare = true",
      "\tbare = true",
      "\tbare = false",
      "\tbare",
      "\tBare = yes",
      "\tbare = false ; true",
      "\tbare = \\",
      "\tworktree = ..",
      "\tworktree = ../sub",
      '\tworktree = "../sub"',
      "\tworktree = ../sub # here",
      "\tworktree = /nowhere",
      "\tworktreeConfig = true",
      "\trepositoryformatversion = 1",
      "\trepositoryformatversion = 2",
      "\tobjectformat = sha1",
      "\tobjectformat = sha256",
      "\tunknown = true",
      "\tnoop",
      "; a comment",
      "true",
      "!",
    );
    const places = [
      { cwd: repo.path, gitDir: ".git", own: ".git" },
      { cwd: join(repo.path, "sub/dir"), gitDir: ".git", own: ".git" },
      { cwd: join(repo.path, "module/sub"), gitDir: ".git/modules/module", own: ".git/modules/module" },
      { cwd: join(repo.folder, "linked/sub"), gitDir: ".git", own: ".git/worktrees/linked" },
    ];
    const some = fc.array(line, { maxLength: 4 });
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        some,
        some,
        fc.boolean(),
        ({ cwd, gitDir, own }, lines, ofWorkTree, named) => {
          const config = join(repo.path, gitDir, "config");
          const before = `${config}.before`;
          copyFileSync(config, before);
          appendFileSync(config, `${lines.join("\n")}\n`);
          writeFileSync(join(repo.path, own, "config.worktree"), `[core]\n${ofWorkTree.join("\n")}\n`);
          try {
            expectNoOther(cwd, named ? { ...repo.env, GIT_DIR: join(repo.path, own) } : repo.env);
          } finally {
            writeFileSync(config, readFileSync(before));
          }
        },
      ),
      { numRuns: cases(150, 3000) },
    );
  });
});
