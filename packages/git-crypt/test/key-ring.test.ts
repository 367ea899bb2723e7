import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  diagnose,
  encryptBlob,
  filterContent,
  fix,
  generateKeyFile,
  encodeKeyFile,
  type KeyFile,
  keyId,
  KeyRing,
  lock,
  parseKeyFile,
  readKeyRing,
  readProtected,
  status,
  unlock,
} from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { type NewKey, retiredPath, rotateByHand } from "./rotated.ts";
import { type Clone, commands, isSealed, type Sealed, logged } from "./sealed.ts";

const files = { "a.secret": "one\n", "b.secret": "two\nlines\n", "d/c.secret": "three\n" };
const text = (path: string): string => readFileSync(path, "utf8");

test("a fresh clone, unlocked with the new key, checks out old commits, and they are clean", async () => {
  using source = await logged(files);
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
  // What changes is encrypted with the key of what is checked out.
  writeFileSync(join(clone.path, "a.secret"), "other\n");
  await clone.git("add", "--all");
  const old = parseKeyFile(source.key);
  expect(await clone.git("cat-file", "blob", ":a.secret")).toEqual(encryptBlob(old, Buffer.from("other\n")));
  await clone.git("reset", "--quiet", "--hard", "rotated");
  expect((await clone.git("status", "--porcelain")).toString()).toBe("");

  lock(clone.opened);
  expect(existsSync(join(clone.path, ".git/git-vault"))).toBe(false);
});

test("a repository with the old key takes the new one over, edits and all, once it has fetched the commit", async () => {
  using source = await logged(files);
  const { repo, opened } = source;
  const key = await rotateByHand(source, "rotated", files);
  writeFileSync(join(repo.path, "a.secret"), "edited\n");
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

const pulled = async (source: Sealed): Promise<{ clone: Clone; key: NewKey }> => {
  const clone = await source.clone("clone");
  unlock(clone.opened, [source.key], commands);
  const key = await rotateByHand(source, "rotated", files);
  await clone.git("fetch", "--quiet", "origin");
  return { clone, key };
};

test("a plain pull of a rotation goes through: what the old key does not open stays encrypted until it is unlocked", async () => {
  using source = await logged(files);
  const { clone, key } = await pulled(source);
  const at = (name: string): string => join(clone.path, name);
  const changes = async (): Promise<string> => (await clone.git("status", "--porcelain")).toString();
  writeFileSync(at("note"), "mine\n");
  writeFileSync(at(".gitattributes"), `${text(at(".gitattributes"))}# mine\n`);
  const { status: exit, stderr } = spawnSync("git", ["-C", clone.path, "pull", "--quiet", "origin", "rotated"], {
    env: source.repo.env,
    encoding: "utf8",
  });
  expect(exit).toBe(0);
  expect(stderr.match(/the key default was replaced by a new one, which this clone does not have/g)).toHaveLength(1);
  expect(await changes()).toBe(" M .gitattributes\n?? note\n");
  for (const name of Object.keys(files)) {
    const stored = await clone.git("cat-file", "blob", `HEAD:${name}`);
    expect(readFileSync(at(name))).toEqual(stored);
    writeFileSync(at(name), stored); // so that git asks the filter
  }
  expect(await changes()).toBe(" M .gitattributes\n?? note\n");
  expect(status(clone.opened).findings.map(({ subject, id }) => [subject, id])).toEqual(
    Object.keys(files).map((path) => [path, "newer-key"]),
  );
  expect(diagnose(clone.opened).findings).toContainEqual(
    expect.objectContaining({ id: "replaced-key", subject: "default", severity: "error" }),
  );

  expect(unlock(clone.opened, [key.bytes], commands)).toMatchObject({ decrypted: 3, unopened: [], changed: [] });
  expect(await changes()).toBe(" M .gitattributes\n?? note\n");
  for (const [name, content] of Object.entries(files)) expect(text(at(name))).toBe(content);
  expect(status(clone.opened).findings).toEqual([]);
  expect(diagnose(clone.opened).findings).toEqual([]);
});

test.each([["checked out"], ["sparse"]])(
  "where the key was replaced, nothing new is encrypted with it: %s",
  async (how) => {
    using source = await logged(files);
    const { clone, key } = await pulled(source);
    if (how === "sparse") await clone.git("sparse-checkout", "set", "--no-cone", "*.secret", ".gitattributes");
    await clone.git("merge", "--quiet", "--ff-only", "origin/rotated");
    writeFileSync(join(clone.path, "new.secret"), "new\n");
    await expect(clone.git("add", "new.secret")).rejects.toThrow("the key default was replaced by a new one");
    errorOf("RETIRED_KEY", () => filterContent(clone.opened, "clean", Buffer.from("new\n")));
    writeFileSync(join(clone.path, "a.secret"), "edited\n");
    await expect(clone.git("commit", "--all", "--message=Edit")).rejects.toThrow(
      "the key default was replaced by a new one",
    );
    const clear = await clone.git("hash-object", "-w", "--no-filters", "new.secret");
    await clone.git("update-index", "--add", "--cacheinfo", `100644,${clear.toString().trim()},new.secret`);
    errorOf("RETIRED_KEY", () => fix(clone.opened));
    // An older commit is not of the new key.
    await clone.git("checkout", "--quiet", "--force", "origin/main");
    writeFileSync(join(clone.path, "a.secret"), "edited\n");
    await clone.git("add", "a.secret");
    await clone.git("checkout", "--quiet", "--force", "main");
    unlock(clone.opened, [key.bytes], commands);
    writeFileSync(join(clone.path, "new.secret"), "new\n");
    await clone.git("add", "new.secret");
    expect(await clone.git("cat-file", "blob", ":new.secret")).toEqual(encryptBlob(key.keyFile, Buffer.from("new\n")));
  },
);

test.each([
  ["merge", ["merge", "--quiet", "--no-edit", "origin/rotated"]],
  ["rebase", ["rebase", "--quiet", "origin/rotated"]],
])("a %s that needs the new key is undone, and done again with it", async (operation, command) => {
  using source = await logged(files);
  const { clone, key } = await pulled(source);
  writeFileSync(join(clone.path, "a.secret"), "edited\n");
  await clone.git("commit", "--quiet", "--all", "--message=Edit");
  await expect(clone.git(...command)).rejects.toThrow("the key default was replaced by a new one");
  await clone.git(operation, "--abort");
  expect((await clone.git("status", "--porcelain")).toString()).toBe("");
  unlock(clone.opened, [key.bytes], commands);
  await clone.git(...command);
  expect((await clone.git("status", "--porcelain")).toString()).toBe("");
  expect(await clone.git("cat-file", "blob", "HEAD:a.secret")).toEqual(
    encryptBlob(key.keyFile, Buffer.from("edited\n")),
  );
  expect(status(clone.opened).findings).toEqual([]);
});

test("the retired key does not unlock the new commit, nor take the new one's place", async () => {
  using source = await logged(files);
  const key = await rotateByHand(source, "rotated", files);
  const clone = await source.clone("clone", "--branch=rotated");
  errorOf("RETIRED_KEY", () => unlock(clone.opened, [source.key], commands));
  expect(existsSync(join(clone.path, ".git/git-crypt"))).toBe(false);
  unlock(clone.opened, [key.bytes], commands);
  expect(unlock(clone.opened, [source.key], commands).keys).toMatchObject([{ wasUnlocked: true }]);
  expect(clone.opened.readKey().bytes).toEqual(key.bytes);
});

test("what the names of retired keys' files say is not believed", async () => {
  using source = await logged(files);
  const { repo, opened } = source;
  const [own, other] = [keyId(parseKeyFile(source.key)), keyId(generateKeyFile())];
  const claims = [`${own}.${other}`, `${other}.${own}`].map((ids) => `.git-vault/retired/default/${ids}.key`);
  for (const path of claims) repo.write(path, "anything");
  repo.write("new.secret", "new\n");
  await repo.git("add", "--all");
  expect(status(opened).findings).toEqual([]);
  expect(await repo.git("cat-file", "blob", ":new.secret")).toEqual(
    encryptBlob(parseKeyFile(source.key), Buffer.from("new\n")),
  );
  await repo.git("commit", "--quiet", "--message=Claim");
  const clone = await source.clone();
  expect(unlock(clone.opened, [source.key], commands)).toMatchObject({ decrypted: 4, unopened: [] });
});

test("another key is none of the repository's, whatever was rotated", async () => {
  using source = await logged(files);
  await rotateByHand(source, "rotated", files);
  const other = encodeKeyFile(generateKeyFile());
  const before = source.opened.readKey().bytes;
  expect(errorOf("WRONG_KEY", () => unlock(source.opened, [other], commands)).hint).toMatch(/^nothing was changed/);
  errorOf("WRONG_KEY", () => unlock(source.opened, [source.key, other], commands));
  expect(source.opened.readKey().bytes).toEqual(before);
});

test("status names files that are still encrypted with a retired key, however large, and fix encrypts them again", async () => {
  const large = "large\n".repeat(200_000);
  using source = await logged({ ...files, "large.secret": large });
  const key = await rotateByHand(source, "rotated", files);
  const clone = await source.clone("clone", "--branch=rotated");
  unlock(clone.opened, [key.bytes], commands);
  expect(status(clone.opened).findings.map(({ subject, id }) => [subject, id])).toEqual([
    ["large.secret", "retired-key"],
  ]);
  expect(fix(clone.opened).map(({ path }) => path)).toEqual(["large.secret"]);
  expect(status(clone.opened).findings).toEqual([]);
  const stored = await clone.git("cat-file", "blob", ":large.secret");
  expect(stored.equals(encryptBlob(key.keyFile, Buffer.from(large)))).toBe(true);
  expect((await clone.git("status", "--porcelain")).toString()).toBe("M  large.secret\n");
});

test("a file of an old commit is read in a locked clone, and leaves no key there", async () => {
  using source = await logged(files);
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

test("a retired key that is another than its name says is not used, wherever it lies", async () => {
  using source = await logged(files);
  const key = await rotateByHand(source, "rotated", files);
  const clone = await source.clone("clone", "--branch=rotated");
  unlock(clone.opened, [key.bytes], commands);
  const [old, other] = [parseKeyFile(source.key), generateKeyFile()];
  const opens = (keyFile: KeyFile): boolean =>
    readKeyRing(clone.opened, "default").tryOpen(encryptBlob(keyFile, Buffer.from("x"))) !== null;
  writeFileSync(join(clone.path, ".git/git-vault/retired/default", keyId(old)), encodeKeyFile(other));
  expect([opens(old), opens(other)]).toEqual([true, false]);
  rmSync(join(clone.path, ".git/git-vault"), { recursive: true });
  const swapped = encryptBlob(key.keyFile, encodeKeyFile(other));
  writeFileSync(join(clone.path, retiredPath(old, key.keyFile)), swapped);
  await clone.git("commit", "--quiet", "--all", "--message=Swap");
  for (const branch of ["refs/remotes/origin/rotated", "refs/remotes/origin/HEAD"]) {
    await clone.git("update-ref", "-d", branch);
  }
  expect([opens(old), opens(other)]).toEqual([false, false]);
});

test("the filter finds a retired key that another branch brings, and keeps it", async () => {
  using source = await logged(files);
  const key = await rotateByHand(source, "rotated", files);
  const clone = await source.clone("clone", "--branch=rotated");
  unlock(clone.opened, [key.bytes], commands);
  rmSync(join(clone.path, ".git/git-vault"), { recursive: true });
  await clone.git("checkout", "--quiet", "origin/main");
  expect(text(join(clone.path, "a.secret"))).toBe("one\n");
  expect(readdirSync(join(clone.path, ".git/git-vault/retired/default"))).toHaveLength(1);
});

test("one content at a time: without a name, the index as a whole tells which key a content stays with", async () => {
  using source = await logged(files);
  const key = await rotateByHand(source, "rotated", files);
  unlock(source.opened, [key.bytes], commands);
  const [old, fresh] = [parseKeyFile(source.key), key.keyFile];
  const clean = (content: string): Buffer => Buffer.from(filterContent(source.opened, "clean", Buffer.from(content)));
  await source.repo.git("checkout", "--quiet", "rotated");
  await source.repo.git("rm", "--quiet", "--cached", "a.secret");
  const blob = source.repo.write("old", encryptBlob(old, Buffer.from("one\n")));
  const oid = (await source.repo.git("hash-object", "-w", "--no-filters", blob)).toString().trim();
  await source.repo.git("update-index", "--add", "--cacheinfo", `100644,${oid},a.secret`);
  expect(clean("one\n")).toEqual(encryptBlob(old, Buffer.from("one\n")));
  expect(clean("new\n")).toEqual(encryptBlob(fresh, Buffer.from("new\n")));
  const smudged = filterContent(source.opened, "smudge", encryptBlob(old, Buffer.from("one\n")));
  expect(Buffer.from(smudged).toString()).toBe("one\n");
});

test("lock and unlock keep the keys of the files of an old commit apart from those of a new one", async () => {
  using source = await logged(files);
  const key = await rotateByHand(source, "rotated", files);
  unlock(source.opened, [key.bytes], commands);
  writeFileSync(join(source.repo.path, "b.secret"), "edited\n");
  lock(source.opened, { force: true });
  expect(readFileSync(join(source.repo.path, "a.secret"))).toEqual(
    encryptBlob(parseKeyFile(source.key), Buffer.from("one\n")),
  );
  expect(readFileSync(join(source.repo.path, "b.secret"))).toEqual(
    encryptBlob(parseKeyFile(source.key), Buffer.from("edited\n")),
  );
  expect(isSealed(readFileSync(join(source.repo.path, "d/c.secret")))).toBe(true);
  unlock(source.opened, [key.bytes], commands);
  expect(text(join(source.repo.path, "b.secret"))).toBe("edited\n");
  expect((await source.repo.git("status", "--porcelain")).toString()).toBe(" M b.secret\n");
});

test("the filter starts no process, unless a blob fits no key", async () => {
  using source = await logged(files);
  const { GIT_TRACE2_EVENT: _, ...env } = { ...source.repo.env, GIT_TRACE2_EVENT: "" };
  const trace = join(source.repo.folder, "trace");
  for (const name of Object.keys(files)) writeFileSync(join(source.repo.path, name), "changed\n");
  spawnSync("git", ["add", "--all"], { cwd: source.repo.path, env: { ...env, GIT_TRACE2_EVENT: trace } });
  // The stand-in for a log starts its own.
  const started = text(trace)
    .split("\n")
    .filter((line) => line.includes('"event":"start"'))
    .map((line) => (JSON.parse(line) as { argv: string[] }).argv.slice(1));
  expect(
    started.filter(
      ([first, ...argv]) =>
        first?.startsWith("--git-dir=") !== true &&
        argv.some((word) => ["ls-files", "cat-file", "for-each-ref"].includes(word)),
    ),
  ).toEqual([]);
});
