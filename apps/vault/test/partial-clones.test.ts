import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, run, throwawayRepository, type Repository, type RunResult } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* Clones that lack contents: what is asked for is fetched, and nothing by `status`. */

interface Clone {
  readonly path: string;
  readonly git: (...args: string[]) => Promise<RunResult>;
  readonly vault: (...args: string[]) => Promise<RunResult>;
  /** How many objects it lacks. */
  readonly lacking: () => Promise<number>;
}

interface World extends Disposable {
  readonly source: Repository;
  readonly key: string;
  readonly clone: (...options: string[]) => Promise<Clone>;
}

/** A repository with two versions of a secret, and one that was once committed in the clear. */
async function world(withMembers = false): Promise<World> {
  const source = await throwawayRepository();
  if (withMembers) {
    const folder = join(source.folder, "home/.ssh");
    mkdirSync(folder, { mode: 0o700 });
    await makeSshKey({ type: "ed25519", folder });
  }
  const key = join(source.folder, "key");
  const inside = (path: string): Clone => {
    const git = (...args: string[]): Promise<RunResult> => run("git", args, { cwd: path, env: source.env });
    return {
      path,
      git,
      vault: (...args) => run(process.execPath, [VAULT, ...args], { cwd: path, env: source.env }),
      lacking: async () => {
        const { stdout } = await git("rev-list", "--objects", "--all", "--missing=print");
        return stdout.toString().match(/^\?/gm)?.length ?? 0;
      },
    };
  };
  const { vault } = inside(source.path);
  await source.git("config", "uploadpack.allowFilter", "true");
  await source.git("config", "uploadpack.allowAnySHA1InWant", "true");
  source.write("secrets/b", "once in the clear\n");
  source.write("docs/.gitattributes", "*.txt -text\n");
  await source.commit("clear");
  await vault("init", "secrets/**");
  for (const content of ["first\n", "second\n"]) {
    source.write("secrets/a", content);
    source.write("secrets/b", content);
    await source.commit(content);
  }
  await vault("export-key", "-o", key);
  return {
    source,
    key,
    clone: async (...options) => {
      const path = join(source.folder, "clone");
      await source.git("clone", "--quiet", ...options, `file://${source.path}`, path);
      return inside(path);
    },
    [Symbol.dispose]: () => source.remove(),
  };
}

const SPARSE = ["--filter=blob:none", "--sparse"];

test("a clone without blobs says where it does not know what was protected, and knows it once it is unlocked", async () => {
  using made = await world();
  const { source } = made;
  const attributes = readFileSync(join(source.path, ".gitattributes"), "utf8");
  source.write(".gitattributes", `${attributes}old/** filter=git-crypt\n`);
  await source.commit("protects more");
  source.write(".gitattributes", attributes);
  source.write("old/x", "plaintext\n");
  await source.commit("protects less");
  const { vault } = await made.clone("--filter=blob:none");
  const before = await vault("status");
  expect(before.status).toBe(7);
  expect(before.stdout.toString()).toMatch(/^history-not-here: \.gitattributes /m);
  await vault("unlock", made.key);
  const after = await vault("status");
  expect(after.status).toBe(7);
  expect(after.stdout.toString()).toMatch(/^exposed: old\/x /m);
  expect(after.stdout.toString()).not.toContain("history-not-here");
});

describe("a clone without blobs, of which no protected file is checked out", () => {
  test("has a status, which fetches nothing and says what is not here", async () => {
    using made = await world();
    const { vault, lacking } = await made.clone(...SPARSE);
    const before = await lacking();
    expect(before).toBeGreaterThan(0);
    const status = await vault("status");
    expect({ status: status.status, stderr: status.stderr }).toEqual({ status: 0, stderr: "" });
    expect(status.stdout.toString()).toMatch(/^not here +default +secrets\/a$/m);
    expect((await vault("status", "--json")).stdout.toString()).toMatch(
      /\{"path":"secrets\/a","keyName":"default",[^}]*"encrypted":null\}/,
    );
    expect(await lacking()).toBe(before);
  });

  test("is unlocked by the right key, and not by a wrong one", async () => {
    using made = await world();
    const { vault, git, path } = await made.clone(...SPARSE);
    const wrong = join(made.source.folder, "wrong");
    await vault("keygen", "-o", wrong);
    expect(await vault("unlock", wrong)).toMatchObject({ status: 3 });
    const unlocked = await vault("unlock", "--json", made.key);
    expect({ status: unlocked.status, stderr: unlocked.stderr }).toMatchObject({ status: 0 });
    expect(JSON.parse(unlocked.stdout.toString())).toMatchObject({
      keys: [{ name: "default", verified: true }],
      outside: 2,
    });
    expect(await vault("unlock")).toMatchObject({ status: 0 });
    expect(await git("sparse-checkout", "disable")).toMatchObject({ status: 0 });
    expect(readFileSync(join(path, "secrets/a"), "utf8")).toBe("second\n");
    expect((await git("status", "--porcelain")).stdout.toString()).toBe("");
    expect(await vault("lock")).toMatchObject({ status: 0 });
  });
});

describe("a clone without blobs", () => {
  test("fetches the file that decrypt names, and no other", async () => {
    using made = await world();
    const { vault, lacking } = await made.clone(...SPARSE);
    const before = await lacking();
    const old = await vault("decrypt", "--key-file", made.key, "HEAD~1:secrets/a");
    expect({ status: old.status, stderr: old.stderr }).toMatchObject({ status: 0 });
    expect(old.stdout.toString()).toBe("first\n");
    expect(await lacking()).toBe(before - 1);
  });

  test("is searched as a whole one by status --history, and by nothing less", async () => {
    using made = await world();
    const { vault, lacking } = await made.clone("--filter=blob:none");
    await vault("unlock", made.key);
    const before = await lacking();
    expect(await vault("status")).toMatchObject({ status: 0 });
    expect(await lacking()).toBe(before);
    const history = await vault("status", "--history");
    expect({ status: history.status, stderr: history.stderr }).toMatchObject({ status: 7 });
    expect(history.stdout.toString()).toMatch(/^history-plaintext: secrets\/b /m);
    expect(history.stdout.toString()).not.toContain("secrets/a was");
  });

  test("whose remote is gone names what is not here", async () => {
    using made = await world();
    const { vault, git } = await made.clone(...SPARSE);
    rmSync(made.source.path, { recursive: true });
    const old = await vault("decrypt", "--key-file", made.key, "HEAD~1:secrets/a");
    expect(old.status).toBe(1);
    expect(old.stderr).toContain("the file secrets/a is in that revision, but not in this clone\n");
    expect((await vault("decrypt", "--key-file", made.key, "HEAD:secrets/none")).stderr).toContain(
      "is not in that revision\n",
    );
    expect(await vault("status")).toMatchObject({ status: 0 });
    const history = await vault("status", "--history");
    expect({ status: history.status, stderr: history.stderr }).toMatchObject({ status: 7 });
    expect(history.stdout.toString()).toMatch(/^history-not-here: secrets\/b /m);
    const unlocked = await vault("unlock", made.key);
    expect(unlocked.stderr).toContain("the key could not be tried on any");
    expect((await git("config", "filter.git-crypt.required")).stdout.toString()).toBe("true\n");
  });

  test("and without trees is unlocked, and decrypts, and then knows what attributes said", async () => {
    using made = await world();
    made.source.write("open", "may have been protected once\n");
    await made.source.commit("open");
    const { vault, path, lacking } = await made.clone("--filter=tree:0");
    const before = await lacking();
    const unknown = await vault("status");
    expect({ status: unknown.status, stderr: unknown.stderr }).toEqual({ status: 7, stderr: "" });
    expect(unknown.stdout.toString()).toMatch(/^history-not-here: \.gitattributes /m);
    expect(await lacking()).toBe(before);
    expect(await vault("unlock", made.key)).toMatchObject({ status: 0 });
    expect(readFileSync(join(path, "secrets/a"), "utf8")).toBe("second\n");
    expect(await vault("status")).toMatchObject({ status: 0 });
    const old = await vault("decrypt", "HEAD~2:secrets/a");
    expect({ status: old.status, stderr: old.stderr }).toMatchObject({ status: 0 });
  });

  test("or trees is searched by status --history, or told where that cannot be", async () => {
    using made = await world();
    const { vault, git } = await made.clone("--filter=tree:0");
    await git("config", "remote.origin.url", "/nowhere");
    const cannot = await vault("status", "--history");
    expect({ status: cannot.status, stderr: cannot.stderr }).toEqual({ status: 7, stderr: "" });
    expect(cannot.stdout.toString()).toMatch(/^history-not-here: \.gitattributes /m);
    await git("config", "remote.origin.url", `file://${made.source.path}`);
    const found = await vault("status", "--history");
    expect(found.stdout.toString()).toMatch(/^history-plaintext: secrets\/b /m);
  });
});

describe("a clone without the blobs of the members log", () => {
  test("fetches them to unlock, and status says that they are not here", async () => {
    using made = await world(true);
    const { vault, lacking } = await made.clone(...SPARSE);
    const before = await lacking();
    const status = await vault("status");
    expect({ status: status.status, stderr: status.stderr }).toEqual({ status: 7, stderr: "" });
    expect(status.stdout.toString()).toMatch(/^log-not-here: /m);
    expect(await lacking()).toBe(before);
    const unlocked = await vault("unlock", "--yes", "--json");
    expect({ status: unlocked.status, stderr: unlocked.stderr }).toMatchObject({ status: 0 });
    expect(JSON.parse(unlocked.stdout.toString())).toMatchObject({ source: "members", keys: [{ verified: true }] });
    expect(await vault("status")).toMatchObject({ status: 0 });
  });

  test("replaces the key without what the sparse checkout leaves out, and the remote has it whole", async () => {
    using made = await world(true);
    for (const name of ["apps/one", "apps/two"]) made.source.write(name, `${name}\n`);
    await made.source.commit("apps");
    const { vault, git } = await made.clone(...SPARSE);
    await git("sparse-checkout", "add", "secrets");
    await vault("unlock", "--yes");
    const rotated = await vault("rotate", "--yes");
    expect({ status: rotated.status, stderr: rotated.stderr }).toMatchObject({ status: 0 });
    expect((await git("push", "origin", "HEAD:refs/heads/rotated")).status).toBe(0);
    await made.source.git("fsck", "--connectivity-only");
    expect((await made.source.git("show", "rotated:apps/two")).toString()).toBe("apps/two\n");
  });

  test("takes a log that cannot be fetched not for none", async () => {
    using made = await world(true);
    const { vault } = await made.clone(...SPARSE);
    rmSync(made.source.path, { recursive: true });
    const unlocked = await vault("unlock", made.key);
    expect(unlocked.status).toBe(1);
    expect(unlocked.stderr).toContain("files of .git-vault are not in this clone, and could not be fetched\n");
    expect((await vault("status")).stdout.toString()).toMatch(/^log-not-here: /m);
  });
});
