import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  diagnose,
  encodeKeyFile,
  encryptBlob,
  filterContent,
  fix,
  type Generations,
  generateKeyFile,
  type KeyFile,
  keyId,
  lock,
  openRepository,
  parseKeyFile,
  readKeyRing,
  type Repository,
  rotate,
  status,
  unlock,
} from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { openLogged } from "./log.ts";
import { rotateByHand } from "./rotated.ts";
import { commands, isSealed, logged, rotated, sealed, type Sealed } from "./sealed.ts";

/*
 * Which key encrypts is what the caller says of the branch, wherever the keys lie.
 */

const files = { "a.secret": "one\n", "b.secret": "two\n" };
const text = (path: string): string => readFileSync(path, "utf8");

/** A repository with a log of whatever the test says, and how often it was asked. */
function answering({ repo }: Sealed, answer: { now: Generations | null }): { opened: Repository; asked: string[] } {
  const asked: string[] = [];
  const generations = (_: Repository, keyName: string): Generations | null => {
    asked.push(keyName);
    return answer.now;
  };
  return { opened: openRepository(repo.path, { env: repo.env, generations }), asked };
}

const naming = (current: KeyFile | null, ...known: KeyFile[]): Generations => ({
  current: current === null ? null : keyId(current),
  known: new Set(known.map(keyId)),
  problem: current === null ? "two branches replaced it" : null,
});

const clean = (opened: Repository, content: string): Buffer =>
  Buffer.from(filterContent(opened, "clean", Buffer.from(content)));

test("the log is asked for new content alone, each time, and by the name of the key", async () => {
  using source = await sealed(files);
  const { keyFile } = source.opened.readKey();
  const answer = { now: naming(keyFile, keyFile) };
  const { opened, asked } = answering(source, answer);
  expect(clean(opened, "one\n")).toEqual(encryptBlob(keyFile, Buffer.from("one\n")));
  expect(clean(opened, "two\n")).toEqual(encryptBlob(keyFile, Buffer.from("two\n")));
  expect(asked).toEqual([]);
  expect(clean(opened, "new\n")).toEqual(encryptBlob(keyFile, Buffer.from("new\n")));
  expect(clean(opened, "new\n")).toEqual(encryptBlob(keyFile, Buffer.from("new\n")));
  expect(asked).toEqual(["default", "default"]);
  expect(opened.generations("default")).toBe(answer.now);
  expect(source.opened.generations("default")).toBeNull();
});

test("new content is encrypted with the current key, stored or retired, and with no other", async () => {
  using source = await sealed(files);
  const { keyFile: old } = source.opened.readKey();
  await rotated(source.opened);
  const { keyFile: fresh } = source.opened.readKey();
  const missing = generateKeyFile();
  const answer: { now: Generations | null } = { now: naming(old, old, fresh) };
  const { opened } = answering(source, answer);
  const content = Buffer.from("new\n");
  expect(clean(opened, "new\n")).toEqual(encryptBlob(old, content));
  answer.now = naming(fresh, old, fresh);
  expect(clean(opened, "new\n")).toEqual(encryptBlob(fresh, content));
  answer.now = naming(missing, old, fresh, missing);
  errorOf("RETIRED_KEY", () => clean(opened, "new\n"));
  answer.now = naming(null, old, fresh);
  expect(errorOf("NO_CURRENT_KEY", () => clean(opened, "new\n")).message).toBe(
    "nothing can be encrypted with the key default: two branches replaced it",
  );
  // What is committed already stays readable, and is not modified.
  expect(clean(opened, "one\n")).toEqual(encryptBlob(fresh, Buffer.from("one\n")));
  answer.now = null;
  expect(clean(opened, "new\n")).toEqual(encryptBlob(fresh, content));
});

test("an unmerged branch: a clone that holds both keys follows what is checked out", async () => {
  using source = await logged(files);
  const clone = await source.clone();
  unlock(clone.opened, [source.key], commands);
  await clone.git("checkout", "--quiet", "-b", "rotation");
  await rotated(clone.opened);
  const [old, fresh] = [parseKeyFile(source.key), clone.opened.readKey().keyFile];
  for (const [branch, key] of [
    ["main", old],
    ["rotation", fresh],
    ["main", old],
  ] as const) {
    await clone.git("checkout", "--quiet", branch);
    for (const [name, content] of Object.entries(files)) expect(text(join(clone.path, name))).toBe(content);
    const name = `${branch}-${keyId(key).slice(0, 4)}.secret`;
    writeFileSync(join(clone.path, name), "new\n");
    await clone.git("add", name);
    expect(await clone.git("cat-file", "blob", `:${name}`)).toEqual(encryptBlob(key, Buffer.from("new\n")));
    await clone.git("reset", "--quiet", "--hard");
    expect(status(clone.opened).findings).toEqual([]);
  }
  // The branch is given up: what is on main was never encrypted for anybody else.
  await clone.git("branch", "--quiet", "-D", "rotation");
  expect(unlock(clone.opened, [source.key], commands).keys).toMatchObject([{ verified: true }]);
  expect(clone.opened.readKey().bytes).toEqual(source.key);
  await rotated(clone.opened);
  expect(status(clone.opened).findings).toEqual([]);
});

test("a rotation on main replaces the key of main, though that of another branch is stored", async () => {
  using source = await logged(files);
  const { repo, opened } = source;
  await repo.git("checkout", "--quiet", "-b", "rotation");
  const first = await rotated(opened);
  await repo.git("checkout", "--quiet", "main");
  const [one] = first.keys;
  expect(keyId(opened.readKey().keyFile)).toBe(one?.keyId);
  const second = await rotated(opened);
  expect(second.keys).toMatchObject([{ keyName: "default", retiredKeyId: keyId(parseKeyFile(source.key)) }]);
  expect(keyId(opened.readKey().keyFile)).toBe(second.keys[0]?.keyId);
  // Both branches are readable, and neither key was lost.
  for (const branch of ["rotation", "main"]) {
    await repo.git("checkout", "--quiet", branch);
    expect(text(join(repo.path, "a.secret"))).toBe("one\n");
    expect(status(opened).findings).toEqual([]);
  }
});

test("unlock takes what the log names and nothing else, several at once, and stores the current one", async () => {
  using source = await sealed(files);
  const old = parseKeyFile(source.key);
  const key = await rotateByHand(source, "rotated", files);
  const [stranger, third] = [generateKeyFile(), generateKeyFile()];
  const answer = { now: naming(old, old, key.keyFile) };
  const { opened } = answering(source, answer);
  lock(opened);
  const error = errorOf("WRONG_KEY", () => unlock(opened, [source.key, encodeKeyFile(stranger)], commands));
  expect([error.message, error.subject]).toEqual(["the members log does not name this key", "default"]);
  expect(opened.keyNames()).toEqual([]);
  unlock(opened, [key.bytes, source.key], commands);
  expect(opened.readKey().bytes).toEqual(source.key);
  expect(readKeyRing(opened, "default").retired.map(keyId)).toEqual([keyId(key.keyFile)]);

  // The key of another branch is current there, and takes the place of the stored one.
  answer.now = naming(key.keyFile, old, key.keyFile);
  unlock(opened, [source.key], commands);
  expect(opened.readKey().bytes).toEqual(key.bytes);

  // One that the log does not name any more is kept to read with.
  answer.now = naming(old, old);
  unlock(opened, [source.key], commands);
  expect(opened.readKey().bytes).toEqual(source.key);
  expect(readKeyRing(opened, "default").keyOf(encryptBlob(key.keyFile, Buffer.from("x")))).not.toBeNull();

  answer.now = naming(third, old, key.keyFile, third);
  lock(opened);
  // Nobody may have the current one: what another opens can be read.
  expect(unlock(opened, [source.key], commands)).toMatchObject({ decrypted: 2, unopened: [] });
  errorOf("RETIRED_KEY", () => clean(opened, "new\n"));
  expect(diagnose(opened).findings.map(({ id, subject }) => [id, subject])).toEqual([["replaced-key", "default"]]);
  lock(opened);
  // Nothing can be encrypted, but everything read.
  answer.now = naming(null, old, key.keyFile);
  expect(unlock(opened, [source.key], commands)).toMatchObject({ decrypted: 2, unopened: [] });
  errorOf("NO_CURRENT_KEY", () => clean(opened, "new\n"));
  unlock(opened, [key.bytes, source.key], commands);
  expect(opened.readKey().bytes).toEqual(source.key);
});

test("a sealed key counts only where the log names both, and it is what its name says", async () => {
  using source = await sealed(files);
  const old = parseKeyFile(source.key);
  const key = await rotateByHand(source, "rotated", files);
  const answer = { now: naming(key.keyFile, old, key.keyFile) };
  const { repo } = source;
  await repo.git("checkout", "--quiet", "rotated");
  const { opened } = answering(source, answer);
  const opens = (): boolean => {
    rmSync(join(repo.path, ".git/git-vault"), { recursive: true, force: true });
    return readKeyRing(opened, "default").keyOf(encryptBlob(old, Buffer.from("x"))) !== null;
  };
  rmSync(join(repo.path, ".git/git-crypt"), { recursive: true });
  unlock(opened, [key.bytes], commands);
  expect(opens()).toBe(true);
  expect(existsSync(join(repo.path, ".git/git-vault/retired/default", keyId(old)))).toBe(true);
  answer.now = naming(key.keyFile, key.keyFile);
  expect(opens()).toBe(false);
});

test("a file of a retired key is named and mended; of a key that is missing, it waits", async () => {
  using source = await sealed(files);
  const { keyFile: old } = source.opened.readKey();
  const key = await rotateByHand(source, "rotated", { "a.secret": "one\n" });
  const answer = { now: naming(key.keyFile, old, key.keyFile) };
  const { repo } = source;
  const { opened } = answering(source, answer);
  await repo.git("merge", "--quiet", "--ff-only", "rotated");
  const problems = (): string[] => status(opened).findings.map(({ id, subject }) => `${id} ${subject}`);
  expect(isSealed(readFileSync(join(repo.path, "a.secret")))).toBe(true);
  expect(problems()).toEqual(["newer-key a.secret", "retired-key b.secret"]);
  expect(diagnose(opened).findings.map(({ id, subject }) => [id, subject])).toEqual([["replaced-key", "default"]]);
  errorOf("RETIRED_KEY", () => fix(opened));
  unlock(opened, [key.bytes], commands);
  expect(problems()).toEqual(["retired-key b.secret"]);
  answer.now = naming(null, old, key.keyFile);
  expect(problems()).toEqual([]);
  expect(fix(opened)).toEqual([]);
  answer.now = naming(key.keyFile, old, key.keyFile);
  expect(fix(opened).map(({ path }) => path)).toEqual(["b.secret"]);
  expect(problems()).toEqual([]);
  expect(diagnose(opened).findings).toEqual([]);
  // All keys that are known are here, so that what none of them opens is damaged.
  const stranger = repo.write("stranger", encryptBlob(generateKeyFile(), Buffer.from("x")));
  const oid = (await repo.git("hash-object", "-w", "--no-filters", stranger)).toString().trim();
  await repo.git("update-index", "--add", "--cacheinfo", `100644,${oid},c.secret`);
  expect(problems()).toContain("unopened c.secret");
});

test("a rotation takes any keys that open the files, whichever the branch names; else it may leave them", async () => {
  using source = await sealed(files);
  const { keyFile: old } = source.opened.readKey();
  const key = await rotateByHand(source, "rotated", files);
  const answer = { now: naming(key.keyFile, old, key.keyFile) };
  const { opened } = answering(source, answer);
  const options = { ...commands, keyNames: ["default"], message: "Rotate\n" };
  await source.repo.git("reset", "--quiet", "--hard", "rotated");
  const error: unknown = await rotate(opened, options).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "UNOPENED", message: "no key here opens 2 protected files: a.secret, b.secret" });
  expect(opened.readKey().bytes).toEqual(source.key);
  answer.now = naming(null, old, key.keyFile);
  // Where no key may encrypt, a rotation is the way out.
  unlock(opened, [key.bytes], commands);
  const result = await rotate(opened, options);
  expect(status(openRepository(source.repo.path, source.repo)).findings).toEqual([]);
  expect(result.files).toHaveLength(2);
  await expect(rotate(opened, { ...options, keyNames: [] })).rejects.toThrow(RangeError);
});

test("merging a rotation, what is merged gets its key; another key of theirs does not count", async () => {
  using source = await logged({ "a.secret": "one\n".repeat(9) });
  const { repo, opened } = source;
  const old = parseKeyFile(source.key);
  await repo.git("checkout", "--quiet", "-b", "rotation");
  await rotated(opened);
  const fresh = opened.readKey().keyFile;
  const edit = async (name: string, content: string): Promise<void> => {
    repo.write(name, content);
    await repo.git("commit", "--quiet", "--all", "--message=Edit");
  };
  await edit("a.secret", `${"one\n".repeat(9)}below\n`);
  await repo.git("checkout", "--quiet", "main");
  await edit("a.secret", `above\n${"one\n".repeat(9)}`);
  const stored = (): Promise<Buffer> => repo.git("cat-file", "blob", "HEAD:a.secret");
  const merged = Buffer.from(`above\n${"one\n".repeat(9)}below\n`);

  // The edit alone stays with the key of main.
  await repo.git("cherry-pick", "rotation");
  expect(await stored()).toEqual(encryptBlob(old, merged));
  await repo.git("reset", "--quiet", "--hard", "HEAD~1");
  await repo.git("merge", "--quiet", "--no-edit", "rotation");
  expect(await stored()).toEqual(encryptBlob(fresh, merged));
  expect(status(opened).findings).toEqual([]);

  // Anyone who has but the old key cannot bring the branch back to it.
  await repo.git("checkout", "--quiet", "-b", "back");
  repo.write(`.git-vault/retired/default/${keyId(fresh)}.${keyId(old)}.key`, encryptBlob(old, Buffer.from("no key")));
  repo.write("a.secret", encryptBlob(old, Buffer.from(`theirs\n${merged.toString()}`)));
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "--message=Back");
  expect(await stored()).not.toEqual(encryptBlob(fresh, Buffer.from(`theirs\n${merged.toString()}`)));
  await repo.git("checkout", "--quiet", "main");
  await edit("a.secret", `${merged.toString()}ours\n`);
  await repo.git("merge", "--quiet", "--no-edit", "back");
  expect(await stored()).toEqual(encryptBlob(fresh, Buffer.from(`theirs\n${merged.toString()}ours\n`)));
});

test("in a linked worktree that holds a key of its own, unlocking replaces that one, too", async () => {
  using source = await logged(files);
  const { repo } = source;
  const tree = join(repo.folder, "tree");
  await repo.git("worktree", "add", "--quiet", "-b", "other", tree);
  const own = join(repo.path, ".git/worktrees/tree/git-crypt/keys");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "default"), source.key);
  const key = await rotateByHand(source, "rotated", files);
  await repo.git("-C", tree, "merge", "--quiet", "--ff-only", "rotated");
  const opened = openLogged(tree, repo);
  unlock(opened, [key.bytes], commands);
  expect([opened, source.opened].map((place) => place.readKey().bytes)).toEqual([key.bytes, key.bytes]);
  expect(readFileSync(join(own, "default"))).toEqual(key.bytes);
  // Each work tree goes on with the key of its own branch.
  for (const [place, branchKey] of [
    [opened, key.keyFile],
    [source.opened, parseKeyFile(source.key)],
  ] as const) {
    expect(clean(place, "new\n")).toEqual(encryptBlob(branchKey, Buffer.from("new\n")));
  }
});
