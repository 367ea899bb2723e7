import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Repository as Throwaway, runOk, temporaryFolder, throwawayRepository } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { encodeKeyFile, generateKeyFile, openRepository, parseKeyFile } from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { vector } from "./vectors.ts";

/** Puts a key where git-crypt stores it. */
function storeKey(gitDir: string, name: string, bytes: Uint8Array = vector("default.key")): string {
  const folder = join(gitDir, "git-crypt", "keys");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, bytes, { mode: 0o600 });
  return path;
}

const attributes = "*.secret filter=git-crypt diff=git-crypt\n";

describe("openRepository finds the repository", () => {
  test("from its top and from a subfolder", async () => {
    using repo = await throwawayRepository();
    repo.write("a/b/file", "");
    const gitDir = join(repo.path, ".git");
    const expected = { topLevel: repo.path, gitDir, commonDir: gitDir };
    expect(openRepository(repo.path, repo)).toMatchObject(expected);
    expect(openRepository(join(repo.path, "a/b"), repo)).toMatchObject(expected);
  });

  test("through a symbolic link, from a folder with an odd name", async () => {
    using repo = await throwawayRepository();
    repo.write("é 'x' $(y)/file", "");
    const link = join(repo.folder, "link");
    symlinkSync(join(repo.path, "é 'x' $(y)"), link);
    expect(openRepository(link, repo).topLevel).toBe(repo.path);
  });

  test("from a linked worktree, which has a folder of its own", async () => {
    using repo = await throwawayRepository();
    repo.write("file", "");
    await repo.commit("Begin");
    const worktree = join(repo.folder, "worktree");
    await repo.git("worktree", "add", "--quiet", worktree);
    expect(openRepository(worktree, repo)).toMatchObject({
      topLevel: worktree,
      gitDir: join(repo.path, ".git/worktrees/worktree"),
      commonDir: join(repo.path, ".git"),
    });
  });

  test("that is bare, and from inside .git: there is no work tree", async () => {
    using repo = await throwawayRepository();
    const bare = join(repo.folder, "bare.git");
    await repo.git("init", "--quiet", "--bare", bare);
    for (const [path, gitDir] of [
      [bare, bare],
      [join(bare, "refs"), bare],
      [join(repo.path, ".git"), join(repo.path, ".git")],
    ] as const) {
      expect(openRepository(path, repo)).toMatchObject({ topLevel: null, gitDir, commonDir: gitDir });
    }
  });

  test("of a submodule, not the one around it", async () => {
    using repo = await throwawayRepository();
    using inner = await throwawayRepository();
    inner.write("file", "");
    await inner.commit("Begin");
    await repo.git("submodule", "--quiet", "add", inner.path, "sub");
    const gitDir = join(repo.path, ".git/modules/sub");
    expect(openRepository(join(repo.path, "sub"), repo)).toMatchObject({
      topLevel: join(repo.path, "sub"),
      gitDir,
      commonDir: gitDir,
    });
  });

  test("that GIT_DIR names, absolute or relative", async () => {
    using repo = await throwawayRepository();
    const gitDir = join(repo.path, ".git");
    for (const value of [gitDir, "../repository/.git"]) {
      const env = { ...repo.env, GIT_DIR: value };
      expect(openRepository(join(repo.folder, "home"), { env })).toMatchObject({ gitDir, commonDir: gitDir });
    }
  });
});

describe("openRepository refuses", () => {
  test("a folder outside of any repository, and one that is not there", async () => {
    using repo = await throwawayRepository();
    const outside = errorOf("NOT_A_REPOSITORY", () => openRepository(repo.folder, repo));
    expect(outside.message).toBe("not inside a git repository");
    for (const path of [join(repo.path, "nothing"), repo.write("file", "")]) {
      const absent = errorOf("NOT_A_REPOSITORY", () => openRepository(path, repo));
      expect(absent.message).toMatch(/but the folder does not exist$/);
    }
    const env = { ...repo.env, GIT_DIR: join(repo.folder, "nothing") };
    expect(errorOf("NOT_A_REPOSITORY", () => openRepository(repo.path, { env })).hint).toBe("change to the repository");
  });

  test("a repository of another user, and says how to trust it", async () => {
    using repo = await throwawayRepository();
    // git's own switch to test this without a second user.
    const env = { ...repo.env, GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" };
    const error = errorOf("UNTRUSTED_REPOSITORY", () => openRepository(repo.path, { env }));
    expect(error.message).toBe("git refuses this repository because it belongs to another user");
    expect(error.hint).toMatch(/safe\.directory/);
  });

  test("a repository whose configuration git cannot read, with git's reason", async () => {
    using repo = await throwawayRepository();
    writeFileSync(join(repo.path, ".git/config"), "[core\n");
    const error = errorOf("GIT_FAILED", () => openRepository(repo.path, repo));
    expect(error.message).toMatch(/^git could not read the repository: bad config line 1 in file/);
  });

  test("a path that git cannot print on one line", async () => {
    using repo = await throwawayRepository();
    const odd = join(repo.folder, "a\nb");
    mkdirSync(join(odd, "sub"), { recursive: true });
    await repo.git("init", "--quiet", odd);
    expect(openRepository(odd, repo).topLevel).toBe(odd);
    const error = errorOf("GIT_FAILED", () => openRepository(join(odd, "sub"), repo));
    expect(error.message).toBe("the repository's path holds a line break");
  });

  test("to go on without git where only that can tell", async () => {
    using repo = await throwawayRepository();
    const env = { ...repo.env, PATH: repo.folder };
    const error = errorOf("GIT_MISSING", () => openRepository(join(repo.path, ".git"), { env }));
    expect(error.message).toBe("git is not installed, or not on PATH");
  });
});

describe("readKey", () => {
  test("gives the stored bytes and what they say", async () => {
    using repo = await throwawayRepository();
    storeKey(join(repo.path, ".git"), "default");
    storeKey(join(repo.path, ".git"), "team-1_a", vector("named.key"));
    const opened = openRepository(repo.path, repo);
    expect(opened.keyNames()).toEqual(["default", "team-1_a"]);
    const keyFile = parseKeyFile(vector("default.key"));
    expect(opened.readKey()).toEqual({ bytes: vector("default.key"), keyFile });
    expect(opened.readKey("default").bytes).toEqual(vector("default.key"));
    expect(opened.readKey("team-1_a").keyFile.name).toBe("team-1_a");
  });

  test("looks in a linked worktree's own folder first, then in the shared one", async () => {
    using repo = await throwawayRepository();
    repo.write("file", "");
    await repo.commit("Begin");
    const worktree = join(repo.folder, "worktree");
    await repo.git("worktree", "add", "--quiet", worktree);
    const opened = openRepository(worktree, repo);
    storeKey(opened.commonDir, "default");
    storeKey(opened.commonDir, "shared", vector("named.key"));
    expect(opened.readKey().bytes).toEqual(vector("default.key"));
    const own = encodeKeyFile(generateKeyFile());
    storeKey(opened.gitDir, "default", own);
    expect(opened.readKey().bytes).toEqual(own);
    expect(opened.keyNames()).toEqual(["default", "shared"]);
  });

  test("names the keys that are there when the one asked for is not", async () => {
    using repo = await throwawayRepository();
    storeKey(join(repo.path, ".git"), "staging");
    storeKey(join(repo.path, ".git"), "prod");
    storeKey(join(repo.path, ".git"), ".prod.tmp");
    const error = errorOf("NO_SUCH_KEY", () => openRepository(repo.path, repo).readKey());
    expect(error.message).toBe("there is no key named default in this repository");
    expect(error.hint).toBe("the keys here are: prod, staging");
  });

  test.each(["", ".", "..", "../../x", "/etc/passwd", "a/b", "a\0b", "a b", "é", "a\n", "a".repeat(129)])(
    "never takes the name %j to the file system",
    async (name) => {
      using repo = await throwawayRepository();
      storeKey(join(repo.path, ".git"), "default");
      writeFileSync(join(repo.path, ".git/x"), vector("default.key"));
      const opened = openRepository(repo.path, repo);
      rmSync(repo.path, { recursive: true });
      const { message, hint } = errorOf("INVALID_KEY_NAME", () => opened.readKey(name));
      expect(message).toMatch(/^expected a key name of letters, digits, - and _, got /);
      expect(hint).toMatch(/1 to 128/);
    },
  );

  test("refuses a stored file that is not a key file", async () => {
    using repo = await throwawayRepository();
    const path = storeKey(
      join(repo.path, ".git"),
      "default",
      Buffer.concat([vector("default.key"), Buffer.from("\n")]),
    );
    const opened = openRepository(repo.path, repo);
    expect(errorOf("MALFORMED_KEY_FILE", () => opened.readKey()).hint).toMatch(/newline/);
    writeFileSync(path, "");
    expect(errorOf("MALFORMED_KEY_FILE", () => opened.readKey()).message).toBe("the key file is empty");
    truncateSync(path, 2 ** 40);
    expect(errorOf("MALFORMED_KEY_FILE", () => opened.readKey()).message).toMatch(/larger than 1048576 bytes/);
  });

  test("follows a symbolic link to a key file, and to nothing else", async () => {
    using repo = await throwawayRepository();
    const gitDir = join(repo.path, ".git");
    const path = storeKey(gitDir, "default");
    symlinkSync(path, join(gitDir, "git-crypt/keys/link"));
    const opened = openRepository(repo.path, repo);
    expect(opened.readKey("link").bytes).toEqual(vector("default.key"));
    symlinkSync("/dev/zero", join(gitDir, "git-crypt/keys/zero"));
    mkdirSync(join(gitDir, "git-crypt/keys/folder"));
    await runOk("mkfifo", [join(gitDir, "git-crypt/keys/fifo")]);
    for (const name of ["zero", "folder", "fifo"]) {
      const error = errorOf("KEY_FILE_UNREADABLE", () => opened.readKey(name));
      expect(error.message).toBe("the key file cannot be read: it is not a regular file");
    }
    symlinkSync("loop", join(gitDir, "git-crypt/keys/loop"));
    expect(errorOf("KEY_FILE_UNREADABLE", () => opened.readKey("loop")).message).toMatch(/cannot be opened$/);
  });

  test("says that permission is denied", async () => {
    using repo = await throwawayRepository();
    for (const folder of [repo.folder, repo.path]) chmodSync(folder, 0o755);
    const path = storeKey(join(repo.path, ".git"), "default");
    const opened = openRepository(repo.path, repo);
    const user = process.geteuid?.();
    chmodSync(path, 0);
    try {
      // Root may read everything.
      if (user === 0) process.seteuid?.(65534);
      const error = errorOf("KEY_FILE_UNREADABLE", () => opened.readKey());
      expect(error.message).toBe("the key file cannot be read: permission is denied");
      expect(error.hint).toMatch(/permissions/);
    } finally {
      if (user === 0) process.seteuid?.(0);
    }
  });
});

describe("readKey, where there is no key, tells", () => {
  const codes = { locked: "LOCKED", foreign: "NOT_GIT_CRYPT" } as const;
  const cases: [keyof typeof codes, string, (repo: Throwaway) => unknown][] = [
    ["foreign", "an empty repository", () => {}],
    [
      "foreign",
      "a repository with other attributes, filters and a comment",
      async (repo) => {
        repo.write(".gitattributes", "*.png filter=lfs\n# *.secret filter=git-crypt\n");
        repo.write("notes.txt", attributes);
        await repo.git("config", "filter.lfs.clean", "cat");
        await repo.commit("Begin");
      },
    ],
    ["locked", "attributes in the work tree, not added", (repo) => repo.write(".gitattributes", attributes)],
    ["locked", "attributes of a named key", (repo) => repo.write(".gitattributes", "a filter=git-crypt-ops\n")],
    ["locked", "attributes in a subfolder", (repo) => repo.write("deep/down/.gitattributes", attributes)],
    ["locked", "attributes in .git/info", (repo) => repo.write(".git/info/attributes", attributes)],
    [
      "locked",
      "attributes in the index alone",
      async (repo) => {
        const path = repo.write(".gitattributes", attributes);
        await repo.git("add", ".gitattributes");
        rmSync(path);
      },
    ],
    [
      "locked",
      "attributes in HEAD alone",
      async (repo) => {
        repo.write("deep/.gitattributes", attributes);
        await repo.commit("Begin");
        await repo.git("rm", "--quiet", "-r", "deep");
      },
    ],
    ["locked", "the folder of grants in the work tree", (repo) => repo.write(".git-crypt/keys/default/0/x.gpg", "x")],
    [
      "locked",
      "the folder of grants in HEAD alone",
      async (repo) => {
        repo.write(".git-crypt/.gitattributes", "* !filter !diff\n");
        await repo.commit("Begin");
        await repo.git("rm", "--quiet", "-r", ".git-crypt");
      },
    ],
    ["locked", "the filter's configuration", (repo) => repo.git("config", "filter.git-crypt.clean", "cat")],
    [
      "locked",
      "the filter's configuration for a named key",
      (repo) => repo.git("config", "filter.git-crypt-ops.clean", "cat"),
    ],
    ["locked", "another folder of grants", (repo) => repo.git("config", "git-crypt.repoStateDir", ".keys")],
  ];
  test.each(cases)("%s: %s", async (expected, _, prepare) => {
    using repo = await throwawayRepository();
    repo.write("sub/file", "");
    await prepare(repo);
    for (const path of [repo.path, join(repo.path, "sub")]) {
      const opened = openRepository(path, repo);
      expect(opened.keyNames()).toEqual([]);
      const { message, hint } = errorOf(codes[expected], () => opened.readKey("any"));
      expect(message).toMatch(expected === "locked" ? /the repository is locked/ : /does not use git-crypt/);
      expect(hint ?? "").toMatch(expected === "locked" ? /unlock it first/ : /^$/);
    }
  });

  test("a bare clone by its HEAD", async () => {
    using repo = await throwawayRepository();
    repo.write(".gitattributes", attributes);
    await repo.commit("Begin");
    const bare = join(repo.folder, "bare.git");
    await repo.git("clone", "--quiet", "--bare", repo.path, bare);
    expect(errorOf("LOCKED", () => openRepository(bare, repo).readKey()).hint).toMatch(/share it with you/);
  });

  test("without fetching what a partial clone lacks", async () => {
    using repo = await throwawayRepository();
    repo.write(".gitattributes", attributes);
    await repo.commit("Begin");
    await repo.git("config", "uploadpack.allowFilter", "true");
    const clone = join(repo.folder, "clone");
    await repo.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", `file://${repo.path}`, clone);
    const missing = (): Promise<Buffer> =>
      repo.git("-C", clone, "rev-list", "--objects", "--missing=print", "--no-object-names", "HEAD");
    expect((await missing()).toString()).toMatch(/^\?[0-9a-f]{40}$/m);
    const before = await missing();
    errorOf("NOT_GIT_CRYPT", () => openRepository(clone, repo).readKey());
    expect(await missing()).toEqual(before);
  });

  test("without running a program that the repository's configuration names", async () => {
    using repo = await throwawayRepository();
    using outside = temporaryFolder();
    const mark = join(outside.path, "ran");
    repo.write(".gitattributes", "*.txt filter=evil diff=evil\n");
    repo.write("file.txt", "text");
    await repo.commit("Begin");
    for (const name of [
      "core.fsmonitor",
      "core.pager",
      "diff.evil.textconv",
      "filter.evil.clean",
      "filter.evil.process",
    ]) {
      await repo.git("config", name, `touch ${mark}; false`);
    }
    errorOf("NOT_GIT_CRYPT", () => openRepository(repo.path, repo).readKey());
    expect(() => rmSync(mark)).toThrow(/ENOENT/);
  });
});
