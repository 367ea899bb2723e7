import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, type Repository, run, runOk, throwawayRepository } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import {
  decryptBlob,
  encodeKeyFile,
  encryptBlob,
  generateKeyFile,
  openRepository,
  parseKeyFile,
} from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { vector } from "./vectors.ts";

const gitCrypt = peer("git-crypt");

const contents: Record<string, Buffer> = {
  "one.secret": Buffer.from("one byte more than nothing\n"),
  "binary.secret": Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7) % 256)),
  "large.secret": Buffer.alloc(300_000, "secret "),
  "tiny.secret": Buffer.from("x"),
  "nested.secret": Buffer.from("\0GITCRYPT\0 is how it begins"),
};

/** Runs git-crypt in the repository, or in `cwd`; it must succeed. */
const inside = (repo: Repository, args: string[], cwd: string = repo.path): Promise<Buffer> =>
  runOk(gitCrypt.path, args, { cwd, env: repo.env });

async function encryptedRepository(): Promise<Repository> {
  const repo = await throwawayRepository();
  await inside(repo, ["init"]);
  repo.write(".gitattributes", "*.secret filter=git-crypt diff=git-crypt\n");
  for (const [name, content] of Object.entries(contents)) repo.write(name, content);
  await repo.commit("Begin");
  return repo;
}

/** Clones without the key: what is on disk is encrypted. */
async function lockedClone(repo: Repository): Promise<string> {
  const clone = join(repo.folder, "clone");
  await repo.git("clone", "--quiet", repo.path, clone);
  return clone;
}

describe.skipIf(gitCrypt.missing)(`with ${gitCrypt.label}`, () => {
  test("its key is read byte for byte as it exports it", async () => {
    using repo = await encryptedRepository();
    const exported = join(repo.folder, "exported.key");
    await inside(repo, ["export-key", exported]);
    const { bytes, keyFile } = openRepository(repo.path, repo).readKey();
    expect(bytes).toEqual(readFileSync(exported));
    expect(encodeKeyFile(keyFile)).toEqual(bytes);
    expect(keyFile).toMatchObject({ name: null, legacy: false, entries: [{ version: 0 }] });
  });

  test("its blobs are ours, byte for byte, and decrypt to the content", async () => {
    using repo = await encryptedRepository();
    const { keyFile } = openRepository(repo.path, repo).readKey();
    for (const [name, content] of Object.entries(contents)) {
      const blob = await repo.git("cat-file", "blob", `HEAD:${name}`);
      expect({ name, same: encryptBlob(keyFile, content).equals(blob) }).toEqual({ name, same: true });
      expect({ name, same: decryptBlob(keyFile, blob).equals(content) }).toEqual({ name, same: true });
    }
  });

  test("an empty file, which it may store as it is, is never mistaken", async () => {
    using repo = await encryptedRepository();
    repo.write("empty.secret", "");
    await repo.commit("Add an empty file");
    const { keyFile } = openRepository(repo.path, repo).readKey();
    const blob = await repo.git("cat-file", "blob", "HEAD:empty.secret");
    expect([Buffer.alloc(0), encryptBlob(keyFile, Buffer.alloc(0))]).toContainEqual(blob);
  });

  test("a locked repository is known as locked: after lock, and after a clone", async () => {
    using repo = await encryptedRepository();
    const clone = await lockedClone(repo);
    expect(errorOf("LOCKED", () => openRepository(clone, repo).readKey()).hint).toMatch(/unlock it first/);
    await inside(repo, ["lock"]);
    expect(errorOf("LOCKED", () => openRepository(repo.path, repo).readKey()).message).toMatch(
      /this clone does not have the key/,
    );
    expect(openRepository(repo.path, repo).keyNames()).toEqual([]);
  });

  test("it unlocks with the file that we hand over, from standard input", async () => {
    using repo = await encryptedRepository();
    const clone = await lockedClone(repo);
    const { bytes } = openRepository(repo.path, repo).readKey();
    await runOk(gitCrypt.path, ["unlock", "-"], { cwd: clone, env: repo.env, input: bytes });
    expect(readFileSync(join(clone, "one.secret"))).toEqual(contents["one.secret"]);
    expect(openRepository(clone, repo).readKey().bytes).toEqual(bytes);
  });

  test("named keys are found by their names", async () => {
    using repo = await encryptedRepository();
    await inside(repo, ["init", "-k", "team-1_a"]);
    repo.write(".gitattributes", "*.secret filter=git-crypt diff=git-crypt\n*.team filter=git-crypt-team-1_a\n");
    repo.write("file.team", "for the team\n");
    await repo.commit("Add a named key");
    const opened = openRepository(repo.path, repo);
    expect(opened.keyNames()).toEqual(["default", "team-1_a"]);
    const { bytes, keyFile } = opened.readKey("team-1_a");
    expect(bytes).toHaveLength(156 + 8);
    expect(keyFile.name).toBe("team-1_a");
    expect(encodeKeyFile(keyFile)).toEqual(bytes);
    const blob = await repo.git("cat-file", "blob", "HEAD:file.team");
    expect(decryptBlob(keyFile, blob).toString()).toBe("for the team\n");
    errorOf("TAMPERED_BLOB", () => decryptBlob(opened.readKey().keyFile, blob));
    expect(errorOf("NO_SUCH_KEY", () => opened.readKey("other")).hint).toBe("the keys here are: default, team-1_a");
  });

  test("a linked worktree finds the key of its main work tree", async () => {
    using repo = await encryptedRepository();
    const worktree = join(repo.folder, "worktree");
    await repo.git("worktree", "add", "--quiet", "--no-checkout", worktree);
    expect(openRepository(worktree, repo).readKey()).toEqual(openRepository(repo.path, repo).readKey());
  });

  test("a submodule has its own key, and the repository around it none", async () => {
    using inner = await encryptedRepository();
    using outer = await throwawayRepository();
    await outer.git("submodule", "--quiet", "add", inner.path, "sub");
    const sub = join(outer.path, "sub");
    const { bytes } = openRepository(inner.path, inner).readKey();
    expect(errorOf("LOCKED", () => openRepository(sub, outer).readKey()).code).toBe("LOCKED");
    await runOk(gitCrypt.path, ["unlock", "-"], { cwd: sub, env: outer.env, input: bytes });
    expect(openRepository(sub, outer).readKey().bytes).toEqual(bytes);
    expect(errorOf("NOT_GIT_CRYPT", () => openRepository(outer.path, outer).readKey()).code).toBe("NOT_GIT_CRYPT");
  });

  test.each([
    ["generated", () => generateKeyFile()],
    ["generated and named", () => generateKeyFile("ops")],
    ["published as a vector", () => parseKeyFile(vector("default.key"))],
  ])("it unlocks with a key that was %s, reads our blobs and writes them", async (_, make) => {
    using repo = await throwawayRepository();
    const keyFile = make();
    const filter = keyFile.name === null ? "git-crypt" : `git-crypt-${keyFile.name}`;
    repo.write(".gitattributes", `*.secret filter=${filter} diff=${filter}\n`);
    for (const [name, content] of Object.entries(contents)) repo.write(name, encryptBlob(keyFile, content));
    // The filter is not configured yet, so the blobs are stored as they are.
    await repo.commit("Begin");
    await runOk(gitCrypt.path, ["unlock", "-"], { cwd: repo.path, env: repo.env, input: encodeKeyFile(keyFile) });
    for (const [name, content] of Object.entries(contents)) {
      expect({ name, same: readFileSync(join(repo.path, name)).equals(content) }).toEqual({ name, same: true });
    }
    expect((await repo.git("status", "--porcelain")).toString()).toBe("");
    repo.write("new.secret", "new");
    await repo.commit("Add a file");
    expect(await repo.git("cat-file", "blob", "HEAD:new.secret")).toEqual(encryptBlob(keyFile, Buffer.from("new")));
    expect(openRepository(repo.path, repo).readKey(keyFile.name ?? "default").keyFile).toEqual(keyFile);
  });

  test("it migrates a legacy key file to the one that we write", async () => {
    using repo = await throwawayRepository();
    const [legacy, migrated] = [join(repo.folder, "legacy.key"), join(repo.folder, "migrated.key")];
    writeFileSync(legacy, vector("legacy.key"));
    await inside(repo, ["migrate-key", legacy, migrated]);
    expect(encodeKeyFile({ ...parseKeyFile(vector("legacy.key")), legacy: false })).toEqual(readFileSync(migrated));
  });

  test("it agrees on files that are no keys", async () => {
    using repo = await encryptedRepository();
    const clone = await lockedClone(repo);
    const whole = vector("default.key");
    const files = [
      Buffer.concat([whole, Buffer.from("\n")]),
      whole.subarray(0, 147),
      Buffer.alloc(0),
      Buffer.from("text\n"),
    ];
    for (const [index, bytes] of files.entries()) {
      errorOf("MALFORMED_KEY_FILE", () => parseKeyFile(bytes));
      const path = join(repo.folder, `${index}.key`);
      writeFileSync(path, bytes);
      const { status } = await run(gitCrypt.path, ["unlock", path], { cwd: clone, env: repo.env });
      expect(status).not.toBe(0);
    }
  });
});
