import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  encryptBlob,
  filterContent,
  fix,
  generateKeyFile,
  encodeKeyFile,
  keyId,
  KeyRing,
  lock,
  parseKeyFile,
  readProtected,
  status,
  unlock,
} from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { rotateByHand } from "./rotated.ts";
import { commands, isSealed, sealed } from "./sealed.ts";

const files = { "a.secret": "one\n", "b.secret": "two\nlines\n", "d/c.secret": "three\n" };
const text = (path: string): string => readFileSync(path, "utf8");

test("a fresh clone, unlocked with the new key, checks out old commits, and they are clean", async () => {
  using source = await sealed(files);
  const key = await rotateByHand(source, "rotated", files);
  const clone = await source.clone("clone", "--branch=rotated");
  expect(unlock(clone.opened, [key.bytes], commands)).toMatchObject({ decrypted: 3, unopened: [] });
  const local = join(clone.path, ".git/git-vault/retired/default", keyId(parseKeyFile(source.key)));
  expect(readFileSync(local)).toEqual(source.key);
  expect(statSync(local).mode & 0o777).toBe(0o600);

  await clone.git("checkout", "--quiet", "origin/main");
  expect(text(join(clone.path, "a.secret"))).toBe("one\n");
  for (const name of Object.keys(files)) writeFileSync(join(clone.path, name), readFileSync(join(clone.path, name)));
  expect((await clone.git("status", "--porcelain")).toString()).toBe("");
  await clone.git("add", "--renormalize", ".");
  expect((await clone.git("status", "--porcelain")).toString()).toBe("");
  expect((await clone.git("diff", "rotated", "--", "a.secret")).toString()).not.toContain("one");
  // What changes is encrypted with the new key.
  writeFileSync(join(clone.path, "a.secret"), "other\n");
  await clone.git("add", "--all");
  expect(await clone.git("cat-file", "blob", ":a.secret")).toEqual(encryptBlob(key.keyFile, Buffer.from("other\n")));
  await clone.git("reset", "--quiet", "--hard", "rotated");
  expect((await clone.git("status", "--porcelain")).toString()).toBe("");

  lock(clone.opened);
  expect(existsSync(join(clone.path, ".git/git-vault"))).toBe(false);
});

test("a repository with the old key takes the new one over, edits and all, once it has fetched the commit", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  const key = await rotateByHand(source, "rotated", files);
  writeFileSync(join(repo.path, "a.secret"), "edited\n");
  // The old key alone gets a clear error.
  await expect(repo.git("cat-file", "--filters", "rotated:b.secret")).rejects.toThrow(
    "the key default was replaced by another, which is not here",
  );
  expect(unlock(opened, [key.bytes], commands).keys).toEqual([{ name: "default", verified: true, wasUnlocked: false }]);
  expect((await repo.git("status", "--porcelain")).toString()).toBe(" M a.secret\n");
  await repo.git("commit", "--quiet", "--all", "--message=Edit");
  await repo.git("merge", "--quiet", "--no-edit", "rotated");
  expect(text(join(repo.path, "a.secret"))).toBe("edited\n");
  for (const name of Object.keys(files)) {
    const stored = await repo.git("cat-file", "blob", `HEAD:${name}`);
    expect(stored).toEqual(encryptBlob(key.keyFile, readFileSync(join(repo.path, name))));
  }
  expect(status(opened).findings).toEqual([]);
});

test("the retired key unlocks neither the new commit nor a repository that holds the new key", async () => {
  using source = await sealed(files);
  const key = await rotateByHand(source, "rotated", files);
  const clone = await source.clone("clone", "--branch=rotated");
  errorOf("RETIRED_KEY", () => unlock(clone.opened, [source.key], commands));
  expect(existsSync(join(clone.path, ".git/git-crypt"))).toBe(false);
  unlock(clone.opened, [key.bytes], commands);
  await clone.git("checkout", "--quiet", "origin/main");
  errorOf("RETIRED_KEY", () => unlock(clone.opened, [source.key], commands));
  expect(clone.opened.readKey().bytes).toEqual(key.bytes);
});

test("another key is none of the repository's, whatever was rotated", async () => {
  using source = await sealed(files);
  await rotateByHand(source, "rotated", files);
  const other = encodeKeyFile(generateKeyFile());
  expect(errorOf("WRONG_KEY", () => unlock(source.opened, [other], commands)).hint).toMatch(/^nothing was changed/);
});

test("status names files that are still encrypted with a retired key, however large, and fix encrypts them anew", async () => {
  const large = "large\n".repeat(200_000);
  using source = await sealed({ ...files, "large.secret": large });
  const key = await rotateByHand(source, "rotated", files);
  const clone = await source.clone("clone", "--branch=rotated");
  unlock(clone.opened, [key.bytes], commands);
  expect(status(clone.opened).findings.map(({ path, problem }) => [path, problem])).toEqual([
    ["large.secret", "retired-key"],
  ]);
  expect(fix(clone.opened).map(({ path }) => path)).toEqual(["large.secret"]);
  expect(status(clone.opened).findings).toEqual([]);
  const stored = await clone.git("cat-file", "blob", ":large.secret");
  expect(stored.equals(encryptBlob(key.keyFile, Buffer.from(large)))).toBe(true);
  expect((await clone.git("status", "--porcelain")).toString()).toBe("M  large.secret\n");
});

test("a file of an old commit is read in a locked clone, and leaves no key there", async () => {
  using source = await sealed(files);
  const key = await rotateByHand(source, "rotated", files);
  const clone = await source.clone("clone", "--branch=rotated");
  const keys = [parseKeyFile(key.bytes)];
  const [file] = readProtected(clone.opened, "origin/main", ["a.secret"], { keys });
  expect(file?.content.toString()).toBe("one\n");
  expect(
    KeyRing.of(clone.opened, parseKeyFile(key.bytes)).open(encryptBlob(parseKeyFile(source.key), Buffer.from("x"))),
  ).toEqual(Buffer.from("x"));
  expect(readdirSync(join(clone.path, ".git"))).not.toContain("git-vault");
});

test("the filter finds a retired key that another branch brings, and keeps it", async () => {
  using source = await sealed(files);
  const key = await rotateByHand(source, "rotated", files);
  const clone = await source.clone("clone", "--branch=rotated");
  unlock(clone.opened, [key.bytes], commands);
  rmSync(join(clone.path, ".git/git-vault"), { recursive: true });
  await clone.git("checkout", "--quiet", "origin/main");
  expect(text(join(clone.path, "a.secret"))).toBe("one\n");
  expect(readdirSync(join(clone.path, ".git/git-vault/retired/default"))).toHaveLength(1);
});

test("one content at a time: without a name, the index as a whole tells which key a content stays with", async () => {
  using source = await sealed(files);
  const key = await rotateByHand(source, "rotated", files);
  unlock(source.opened, [key.bytes], commands);
  const [old, fresh] = [parseKeyFile(source.key), key.keyFile];
  const clean = (content: string): Buffer => Buffer.from(filterContent(source.opened, "clean", Buffer.from(content)));
  expect(clean("one\n")).toEqual(encryptBlob(old, Buffer.from("one\n")));
  expect(clean("new\n")).toEqual(encryptBlob(fresh, Buffer.from("new\n")));
  const smudged = filterContent(source.opened, "smudge", encryptBlob(old, Buffer.from("one\n")));
  expect(Buffer.from(smudged).toString()).toBe("one\n");
});

test("lock and unlock keep the keys of the files of an old commit apart from those of a new one", async () => {
  using source = await sealed(files);
  const key = await rotateByHand(source, "rotated", files);
  unlock(source.opened, [key.bytes], commands);
  writeFileSync(join(source.repo.path, "b.secret"), "edited\n");
  lock(source.opened, { force: true });
  expect(readFileSync(join(source.repo.path, "a.secret"))).toEqual(
    encryptBlob(parseKeyFile(source.key), Buffer.from("one\n")),
  );
  expect(readFileSync(join(source.repo.path, "b.secret"))).toEqual(encryptBlob(key.keyFile, Buffer.from("edited\n")));
  expect(isSealed(readFileSync(join(source.repo.path, "d/c.secret")))).toBe(true);
  unlock(source.opened, [key.bytes], { ...commands, force: true });
  expect(text(join(source.repo.path, "b.secret"))).toBe("edited\n");
  expect((await source.repo.git("status", "--porcelain")).toString()).toBe(" M b.secret\n");
});

test("without retired keys the filter starts no process", async () => {
  using source = await sealed(files);
  const { GIT_TRACE2_EVENT: _, ...env } = { ...source.repo.env, GIT_TRACE2_EVENT: "" };
  const trace = join(source.repo.folder, "trace");
  for (const name of Object.keys(files)) writeFileSync(join(source.repo.path, name), "changed\n");
  spawnSync("git", ["add", "--all"], { cwd: source.repo.path, env: { ...env, GIT_TRACE2_EVENT: trace } });
  const started = text(trace)
    .split("\n")
    .filter((line) => line.includes('"event":"start"'))
    .map((line) => (JSON.parse(line) as { argv: string[] }).argv.slice(1));
  expect(
    started.filter((argv) => argv.some((word) => ["ls-files", "cat-file", "for-each-ref"].includes(word))),
  ).toEqual([]);
});
