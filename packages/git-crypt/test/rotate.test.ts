import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  abortRotation,
  attributesFor,
  continueRotation,
  decryptBlob,
  diagnose,
  generateKeyFile,
  GitCryptError,
  initialize,
  keyId,
  lock,
  parseKeyFile,
  rotate,
  status,
  unlock,
} from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { entryFor } from "./log.ts";
import { retiredPath } from "./rotated.ts";
import { commands, driver, isSealed, logged, rotated, sealed, type Sealed } from "./sealed.ts";

const files = { "a.secret": "one\n", "b.secret": "two\nlines\n", "d/c.secret": "three\n", "plain.txt": "plain\n" };
const secrets = ["a.secret", "b.secret", "d/c.secret"];
const text = (path: string): string => readFileSync(path, "utf8");
const porcelain = async ({ repo }: Sealed): Promise<string> => (await repo.git("status", "--porcelain")).toString();
const blobOf = ({ repo }: Sealed, name: string): Promise<Buffer> => repo.git("cat-file", "blob", name);

/** Stages a file as it is, past the filter. */
async function stage({ repo }: Sealed, name: string): Promise<void> {
  const oid = (await repo.git("hash-object", "-w", "--no-filters", name)).toString().trim();
  await repo.git("update-index", "--add", "--cacheinfo", `100644,${oid},${name}`);
}

/** What rotating refuses with. */
async function refusal(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (error instanceof GitCryptError) return error.code;
    throw error;
  }
  return "none";
}

test("every protected file is encrypted with a new key in one commit, and nothing else changes", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  const before = Object.keys(files).map((name) => text(join(repo.path, name)));
  const result = await rotated(opened);
  expect(result.files.map(({ path }) => path)).toEqual(secrets);
  expect(result).toMatchObject({ branch: "main", clear: [] });
  const { keyFile } = opened.readKey();
  const retiredKeyId = keyId(parseKeyFile(source.key));
  expect(result.keys).toEqual([{ keyName: "default", keyId: keyId(keyFile), retiredKeyId }]);
  expect((await repo.git("rev-parse", "HEAD", "HEAD^{tree}")).toString().split("\n")[0]).toBe(result.commit);
  expect((await repo.git("rev-list", "--count", "HEAD")).toString()).toBe("2\n");
  expect(Object.keys(files).map((name) => text(join(repo.path, name)))).toEqual(before);
  expect(await porcelain(source)).toBe("");
  for (const name of secrets) {
    const blob = await repo.git("cat-file", "blob", `HEAD:${name}`);
    expect(decryptBlob(keyFile, blob).toString()).toBe(text(join(repo.path, name)));
  }
  const retired = await repo.git("cat-file", "blob", `HEAD:${retiredPath(parseKeyFile(source.key), keyFile)}`);
  expect(decryptBlob(keyFile, retired)).toEqual(source.key);
  expect(text(join(repo.path, ".git-vault/.gitattributes"))).toBe(
    "* -text !eol !filter !diff !merge -ident !working-tree-encoding\n",
  );
  expect(readdirSync(join(repo.path, ".git/git-vault"))).toEqual(["retired"]);
  expect(status(opened).findings).toEqual([]);
});

test("a named key is rotated by itself, and what is given is committed along", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  initialize(opened, { ...commands, keyName: "prod" });
  repo.write(".gitattributes", `${text(join(repo.path, ".gitattributes"))}${attributesFor("*.prod", "prod")}`);
  repo.write("x.prod", "production\n");
  repo.write(".git-crypt/.gitattributes", "* !filter !diff\n");
  const grants = ["prod/0/AA.gpg", "prod/0/BB.gpg"].map((path) => `.git-crypt/keys/${path}`);
  for (const path of grants) repo.write(path, "a grant");
  repo.write(".git-vault/keys/prod/a.age", "a grant");
  await repo.commit("More");
  const old = { default: opened.readKey().bytes, prod: opened.readKey("prod").bytes };
  const fresh = ".git-vault/keys/prod/b.age";
  const result = await rotate(opened, {
    ...commands,
    keyNames: ["prod", "prod"],
    message: "Somebody left\n\nand why\n",
    filesFor: async (keys) => {
      expect([...keys.keys()]).toEqual(["prod"]);
      expect(parseKeyFile(keys.get("prod")?.bytes ?? Buffer.alloc(0))).toEqual(keys.get("prod")?.keyFile);
      return new Map([
        [fresh, Buffer.from("renewed")],
        [".git-vault/keys/prod/a.age", null],
        [".git-vault/keys/prod/never.age", null],
        [grants[1] ?? "", Buffer.from("renewed")],
      ]);
    },
  });
  expect(result.files.map(({ path }) => path)).toEqual(["x.prod"]);
  expect((await repo.git("log", "-1", "--format=%B")).toString()).toBe("Somebody left\n\nand why\n\n");
  expect(opened.readKey().bytes).toEqual(old.default);
  expect(opened.readKey("prod").bytes).not.toEqual(old.prod);
  expect(await porcelain(source)).toBe("");
  const held = (await repo.git("ls-tree", "-r", "--name-only", "HEAD", ".git-crypt", ".git-vault"))
    .toString()
    .split("\n");
  expect(held).toEqual([
    ".git-crypt/.gitattributes",
    ...grants,
    ".git-vault/.gitattributes",
    fresh,
    retiredPath(parseKeyFile(old.prod), opened.readKey("prod").keyFile),
    "",
  ]);
  expect(grants.map((path) => text(join(repo.path, path)))).toEqual(["a grant", "renewed"]);
  await repo.git("checkout", "--quiet", "HEAD~1");
  expect(text(join(repo.path, "x.prod"))).toBe("production\n");
  expect(await porcelain(source)).toBe("");
});

test("several keys are rotated in one commit, each with those that it replaced before", async () => {
  using source = await logged(files);
  const { repo, opened } = source;
  initialize(opened, { ...commands, keyName: "prod" });
  initialize(opened, { ...commands, keyName: "ops" });
  const protect = ["prod", "ops"].map((name) => attributesFor(`*.${name}`, name)).join("");
  repo.write(".gitattributes", `${text(join(repo.path, ".gitattributes"))}${protect}`);
  for (const name of ["prod", "ops"]) {
    repo.write(`x.${name}`, `for ${name}\n`);
    repo.write(...entryFor(opened, opened.readKey(name).keyFile));
  }
  await repo.commit("More");
  await rotated(opened, "prod");
  const names = ["default", "prod"] as const;
  const old = names.map((name) => opened.readKey(name).keyFile);
  const ops = opened.readKey("ops").bytes;
  const result = await rotated(opened, ...names);
  const fresh = names.map((name) => opened.readKey(name).keyFile);
  expect(result.keys).toEqual(
    names.map((keyName, at) => ({
      keyName,
      keyId: keyId(fresh[at] ?? generateKeyFile()),
      retiredKeyId: keyId(old[at] ?? generateKeyFile()),
    })),
  );
  expect(result.files.map(({ path }) => path)).toEqual([...secrets, "x.prod"]);
  expect((await repo.git("rev-list", "--count", "HEAD~1..")).toString()).toBe("1\n");
  expect(opened.readKey("ops").bytes).toEqual(ops);
  expect(opened.generations("prod")?.current).toBe(result.keys[1]?.keyId);
  const kept = (await repo.git("ls-tree", "-r", "--name-only", "HEAD", ".git-vault/retired")).toString();
  expect(kept.match(/retired\/default\//g)).toHaveLength(1);
  expect(kept.match(/retired\/prod\//g)).toHaveLength(2);
  expect([await porcelain(source), status(opened).findings]).toEqual(["", []]);
  const clone = await source.clone();
  unlock(clone.opened, [opened.readKey().bytes, opened.readKey("prod").bytes], commands);
  for (const revision of (await clone.git("rev-list", "HEAD")).toString().trim().split("\n").slice(0, 3)) {
    await clone.git("checkout", "--quiet", revision);
    expect([text(join(clone.path, "a.secret")), text(join(clone.path, "x.prod"))]).toEqual(["one\n", "for prod\n"]);
  }
});

test("SHA-256, names of any bytes, executables, an empty file, links and a file in the clear", async () => {
  using source = await sealed({ ...files, "empty.secret": "" }, "--object-format=sha256");
  const { repo, opened } = source;
  const name = Buffer.concat([Buffer.from(`${repo.path}/`), Buffer.from('\xff\n\t "é.secret', "latin1")]);
  writeFileSync(name, "odd\n", { mode: 0o755 });
  symlinkSync("a.secret", join(repo.path, "link.secret"));
  await repo.commit("Odd");
  repo.write("clear.secret", "in the clear\n");
  await stage(source, "clear.secret");
  await repo.git("commit", "--quiet", "--message=Clear");
  await repo.git("config", "core.quotePath", "false");
  const before = (await repo.git("ls-tree", "-r", "-z", "HEAD")).toString("latin1").split("\0");
  const result = await rotated(opened);
  expect(result.files.map(({ bytes }) => bytes.toString("latin1"))).toContain('\xff\n\t "é.secret');
  expect([result.files.length, result.clear.map(({ path }) => path)]).toEqual([5, ["clear.secret"]]);
  const after = (await repo.git("ls-tree", "-r", "-z", "HEAD")).toString("latin1").split("\0");
  const shape = (record: string): string => record.replace(/[0-9a-f]{64}/, "");
  expect(after.map(shape).filter((record) => !record.includes(".git-vault/"))).toEqual(before.map(shape));
  expect(result.commit).toMatch(/^[0-9a-f]{64}$/);
  expect(await porcelain(source)).toBe(" M clear.secret\n");
  await repo.git("checkout", "--quiet", "HEAD~1");
  expect(await porcelain(source)).toBe(" M clear.secret\n");
});

test("staged changes of other files stay staged, and are not committed", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  repo.write("plain.txt", "staged\n");
  repo.write("new.txt", "new\n");
  await repo.git("add", "--all");
  repo.write("plain.txt", "and changed\n");
  await rotated(opened);
  expect(await porcelain(source)).toBe("A  new.txt\nMM plain.txt\n");
  expect((await repo.git("show", "--format=", "--name-only", "HEAD", "--", "*.txt")).toString()).toBe("");
});

test("files that sparse checkout keeps out of the work tree are encrypted again, and stay outside", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  await repo.git("sparse-checkout", "set", "--no-cone", "/*", "!/d/", "!/.git-vault/");
  const result = await rotated(opened);
  expect(result.files.map(({ path }) => path)).toEqual(secrets);
  expect(readdirSync(repo.path)).not.toContain("d");
  expect(await porcelain(source)).toBe("");
  expect(decryptBlob(opened.readKey().keyFile, await blobOf(source, ":d/c.secret")).toString()).toBe("three\n");
});

test("linked worktrees go on, with the new key and with their old files", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  const tree = join(repo.folder, "tree");
  await repo.git("worktree", "add", "--quiet", "-b", "other", tree);
  // git-crypt keeps a worktree's key in the worktree's own folder.
  const own = join(repo.path, ".git/worktrees/tree/git-crypt/keys");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "default"), source.key);
  await rotated(opened);
  expect(readFileSync(join(own, "default"))).toEqual(opened.readKey().bytes);
  for (const name of secrets) writeFileSync(join(tree, name), text(join(tree, name)));
  expect((await repo.git("-C", tree, "status", "--porcelain")).toString()).toBe("");
  writeFileSync(join(tree, "a.secret"), "edited\n");
  await repo.git("-C", tree, "commit", "--quiet", "--all", "--message=Edit");
  expect(decryptBlob(opened.readKey().keyFile, await blobOf(source, "other:a.secret")).toString()).toBe("edited\n");
});

test("it refuses where something would be lost or mixed up, and changes nothing", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  const options = { ...commands, keyNames: ["default"], message: "Rotate\n" };
  const attempt = (...keyNames: string[]): Promise<string> =>
    refusal(rotate(opened, { ...options, keyNames: ["default", ...keyNames] }));
  const head = (await repo.git("rev-parse", "HEAD")).toString();
  const restore = (): Promise<Buffer> => repo.git("reset", "--quiet", "--hard");

  repo.write("a.secret", "edited\n");
  expect(await attempt()).toBe("MODIFIED");
  await repo.git("add", "--all");
  expect(await attempt()).toBe("MODIFIED");
  await restore();
  unlinkSync(join(repo.path, "a.secret"));
  expect(await attempt()).toBe("MODIFIED");
  await restore();
  await repo.git("rm", "--quiet", "--cached", "a.secret");
  expect(await attempt()).toBe("MODIFIED");
  await restore();
  for (const path of [".gitattributes", "d/.gitattributes", ".git-vault/x", ".git-crypt/x"]) {
    repo.write(path, "x\n");
    expect(await attempt()).toBe("MODIFIED");
    await restore();
    await repo.git("clean", "--quiet", "--force", "-d");
  }
  writeFileSync(join(repo.path, "a.secret"), await blobOf(source, "HEAD:a.secret"));
  expect(await attempt()).toBe("MODIFIED");
  await restore();
  await repo.git("checkout", "--quiet", "--detach");
  expect(await attempt()).toBe("NO_BRANCH");
  await repo.git("checkout", "--quiet", "--orphan", "empty");
  expect(await attempt()).toBe("NO_BRANCH");
  await repo.git("checkout", "--quiet", "--force", "main");
  await repo.git("checkout", "--quiet", "-b", "side");
  repo.write("side.txt", "side\n");
  await repo.commit("Side");
  await repo.git("checkout", "--quiet", "main");
  await repo.git("merge", "--quiet", "--no-ff", "--no-commit", "side");
  expect(await attempt()).toBe("UNFINISHED");
  await repo.git("merge", "--abort");
  expect([await attempt("other"), await attempt("../x")]).toEqual(["NO_SUCH_KEY", "INVALID_KEY_NAME"]);
  // What stands in the way of its folder stands for a .git that cannot be written.
  const inTheWay = join(repo.path, ".git/git-crypt", `unfinished.${process.pid}`);
  writeFileSync(inTheWay, "");
  expect(await attempt()).toBe("UNWRITABLE");
  rmSync(inTheWay, { force: true });
  errorOf("NO_ROTATION", () => continueRotation(opened, commands));
  errorOf("NO_ROTATION", () => abortRotation(opened, commands));
  await expect(rotate(opened, { ...options, filesFor: async () => new Map([["../x", null]]) })).rejects.toThrow(
    RangeError,
  );
  await expect(rotate(opened, { ...options, filesFor: () => Promise.reject(new Error("offline")) })).rejects.toThrow(
    "offline",
  );
  expect((await repo.git("rev-parse", "HEAD")).toString()).toBe(head);
  expect(opened.readKey().bytes).toEqual(source.key);
  expect(readdirSync(join(repo.path, ".git"))).not.toContain("git-vault");
  lock(opened);
  expect(await attempt()).toBe("LOCKED");
});

test("a file that no key opens stops it, unless it may stay as it is", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  const blob = await blobOf(source, "HEAD:a.secret");
  blob[blob.length - 1] = (blob.at(-1) ?? 0) ^ 1;
  writeFileSync(join(repo.path, "a.secret"), blob);
  await stage(source, "a.secret");
  await repo.git("commit", "--quiet", "--message=Damage");
  expect(await refusal(rotated(opened))).toBe("UNOPENED");
  await repo.git("update-index", "--skip-worktree", "a.secret");
  unlinkSync(join(repo.path, "a.secret"));
  expect(await refusal(rotated(opened))).toBe("UNOPENED");
  await repo.git("update-index", "--no-skip-worktree", "a.secret");
  writeFileSync(join(repo.path, "a.secret"), blob);
  const head = await blobOf(source, "HEAD:b.secret");
  const result = await rotate(opened, {
    ...commands,
    keyNames: ["default"],
    message: "Rotate\n",
    leavesUnopened: true,
  });
  expect(result.unopened.map(({ path }) => path)).toEqual(["a.secret"]);
  expect(result.files.map(({ path }) => path)).not.toContain("a.secret");
  expect(await blobOf(source, "HEAD:a.secret")).toEqual(blob);
  expect(await blobOf(source, "HEAD:b.secret")).not.toEqual(head);
  expect(await porcelain(source)).toBe("");
  const findings = status(opened).findings.map(({ id, subject }) => [id, subject]);
  expect(findings).toEqual([["altered", "a.secret"]]);
});

/** Rotates in another process that ends as the journal is written, or when it moves the branch. */
async function interrupt({ repo }: Sealed): Promise<void> {
  // A branch that cannot be moved: its lock is held.
  writeFileSync(join(repo.path, ".git/refs/heads/main.lock"), "");
  const { stderr } = spawnSync(process.execPath, [driver, "rotate"], { cwd: repo.path, env: repo.env });
  expect(stderr.toString()).toMatch(/^UNFINISHED: the rotation is not finished: git update-ref failed/);
  rmSync(join(repo.path, ".git/refs/heads/main.lock"));
}

test("interrupted, it keeps other commands out until it is continued or aborted", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  await interrupt(source);
  expect(await porcelain(source)).toBe("");
  expect(await refusal(rotated(opened))).toBe("UNFINISHED");
  errorOf("UNFINISHED", () => lock(opened));
  errorOf("UNFINISHED", () => unlock(opened, [source.key], commands));
  await repo.git("checkout", "--quiet", "-b", "side");
  errorOf("NO_BRANCH", () => continueRotation(opened, commands));
  errorOf("NO_BRANCH", () => abortRotation(opened, commands));
  await repo.git("checkout", "--quiet", "main");
  expect(continueRotation(opened, commands).files.map(({ path }) => path)).toEqual(secrets);
  expect([await porcelain(source), status(opened).findings]).toEqual(["", []]);
  expect(readdirSync(join(repo.path, ".git/git-vault"))).toEqual(["retired"]);
});

test("a rotation that was left is diagnosed, and a damaged journal is refused and left as it is", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  const setup = (): readonly object[] => diagnose(opened).findings;
  expect(setup()).toEqual([]);
  await interrupt(source);
  expect(setup()).toMatchObject([{ id: "unfinished-rotation", subject: "default", severity: "error" }]);
  expect(status(opened).findings).toMatchObject([{ id: "unfinished-rotation" }]);
  const journal = join(repo.path, ".git/git-vault/rotation");
  const whole = text(journal);
  for (const damaged of [
    "",
    "{",
    "null",
    '{"version":2}',
    whole.replace('"version":2', '"version":1'),
    whole.replace('"retired":', '"retire":'),
    whole.slice(1),
  ]) {
    writeFileSync(journal, damaged);
    errorOf("UNFINISHED", () => continueRotation(opened, commands));
    errorOf("UNFINISHED", () => abortRotation(opened, commands));
    expect(setup()).toMatchObject([{ id: "unfinished-rotation", severity: "error" }]);
    expect(text(journal)).toBe(damaged);
  }
  writeFileSync(journal, whole);
  expect(continueRotation(opened, commands).files).toHaveLength(secrets.length);
});

test("aborted, everything is as before, and what was staged meanwhile is not lost", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  const head = (await repo.git("rev-parse", "HEAD")).toString();
  await interrupt(source);
  repo.write("a.secret", "staged meanwhile\n");
  repo.write("new.secret", "new\n");
  await repo.git("add", "--all");
  abortRotation(opened, commands);
  expect((await repo.git("rev-parse", "HEAD")).toString()).toBe(head);
  expect(opened.readKey().bytes).toEqual(source.key);
  expect(await porcelain(source)).toBe("M  a.secret\nA  new.secret\n");
  for (const name of ["a.secret", "new.secret"]) {
    const content = decryptBlob(parseKeyFile(source.key), await blobOf(source, `:${name}`));
    expect(content.toString()).toBe(text(join(repo.path, name)));
  }
  errorOf("NO_ROTATION", () => abortRotation(opened, commands));
});

test("commits that are made in the middle of it come before it", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  await interrupt(source);
  repo.write("a.secret", "meanwhile\n");
  repo.write("plain.txt", "meanwhile\n");
  await repo.git("commit", "--quiet", "--all", "--message=Meanwhile");
  errorOf("BRANCH_MOVED", () => abortRotation(opened, commands));
  const result = continueRotation(opened, commands);
  expect(result.files.map(({ path }) => path)).toEqual(secrets);
  expect((await repo.git("log", "--format=%s")).toString().split("\n")).toEqual(["Rotate", "Meanwhile", "Begin", ""]);
  expect([await porcelain(source), status(opened).findings]).toEqual(["", []]);
  expect(text(join(repo.path, "plain.txt"))).toBe("meanwhile\n");
  expect(isSealed(await blobOf(source, "HEAD:a.secret"))).toBe(true);
});
