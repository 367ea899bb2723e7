import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { replaceLocked, statOf } from "../src/git/lock-files.ts";
import { encryptBlob, lock, merge, unlock, type Progress } from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { commands, isSealed, sealed, type Clone } from "./sealed.ts";

/*
 * Others change the work tree while files are encrypted or decrypted: what they do is done after
 * the first file, which `progress` tells of.
 */
const after =
  (action: () => void): Progress =>
  (done) => {
    if (done === 1) action();
  };

const files = { "a.secret": "one\n", "sub/b.secret": "two\n" };
const text = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");
const isLocked = ({ path, opened }: Clone): boolean =>
  opened.keyNames().length === 0 && Object.keys(files).every((name) => isSealed(readFileSync(join(path, name))));

/** Moves a folder out of the work tree, and leaves a link to it. */
function moveAway(folder: string, to: string): void {
  renameSync(folder, to);
  symlinkSync(to, folder);
}

describe("unlock", () => {
  test("leaves a file alone that is edited before its turn", async () => {
    using source = await sealed(files);
    const clone = await source.clone();
    const edit = after(() => writeFileSync(join(clone.path, "sub/b.secret"), "edited\n"));
    const result = unlock(clone.opened, [source.key], { ...commands, progress: edit });
    expect(result).toMatchObject({ decrypted: 1, changed: [{ path: "sub/b.secret" }] });
    expect([text(clone.path, "a.secret"), text(clone.path, "sub/b.secret")]).toEqual(["one\n", "edited\n"]);
  });

  test("decrypts nothing outside of the work tree, where a folder becomes a link", async () => {
    using source = await sealed(files);
    const clone = await source.clone();
    const outside = join(source.repo.folder, "outside");
    const move = after(() => moveAway(join(clone.path, "sub"), outside));
    expect(unlock(clone.opened, [source.key], { ...commands, progress: move })).toMatchObject({
      decrypted: 1,
      changed: [{ path: "sub/b.secret" }],
    });
    expect(isSealed(readFileSync(join(outside, "b.secret")))).toBe(true);
  });

  test("takes a link for a change, even one to the very file", async () => {
    using source = await sealed(files);
    const clone = await source.clone();
    const outside = join(source.repo.folder, "outside");
    moveAway(join(clone.path, "a.secret"), outside);
    expect(unlock(clone.opened, [source.key], commands)).toMatchObject({
      decrypted: 1,
      changed: [{ path: "a.secret" }],
    });
    expect(isSealed(readFileSync(outside))).toBe(true);
  });

  test("keeps what is unfinished for its owner alone", async () => {
    using source = await sealed(files);
    const clone = await source.clone();
    const temp = join(clone.path, ".git/git-crypt", `unfinished.${process.pid}`);
    const modes: number[] = [];
    unlock(clone.opened, [source.key], { ...commands, progress: () => modes.push(statSync(temp).mode & 0o777) });
    expect(modes).toEqual([0o700, 0o700]);
    expect(existsSync(temp)).toBe(false);
  });

  test("changes nothing while git holds the index", async () => {
    using source = await sealed(files);
    const clone = await source.clone();
    writeFileSync(join(clone.path, ".git/index.lock"), "");
    errorOf("INDEX_LOCKED", () => unlock(clone.opened, [source.key], commands));
    expect(isLocked(clone)).toBe(true);
    expect(existsSync(join(clone.path, ".git/git-crypt"))).toBe(false);
  });
});

describe("lock", () => {
  test("keeps an edit that is made before the file's turn, and the key", async () => {
    using source = await sealed(files);
    const { repo, opened } = source;
    const edit = after(() => repo.write("sub/b.secret", "edited\n"));
    const { message } = errorOf("MODIFIED", () => lock(opened, { progress: edit }));
    expect(message).toBe("files changed while the command ran: sub/b.secret");
    expect(text(repo.path, "sub/b.secret")).toBe("edited\n");
    expect(opened.keyNames()).toEqual(["default"]);
    await repo.git("add", "--all");
    expect(isSealed(await repo.git("cat-file", "blob", ":sub/b.secret"))).toBe(true);
  });

  test("keeps an edit of the same size and date", async () => {
    using source = await sealed(files);
    const { repo, opened } = source;
    const file = join(repo.path, "sub/b.secret");
    const replacement = join(repo.folder, "replacement");
    const { atime, mtime } = statSync(file);
    const replace = after(() => {
      writeFileSync(replacement, "Two\n");
      utimesSync(replacement, atime, mtime);
      renameSync(replacement, file);
    });
    errorOf("MODIFIED", () => lock(opened, { progress: replace }));
    expect(text(repo.path, "sub/b.secret")).toBe("Two\n");
  });

  test("encrypts nothing outside of the work tree, where a folder becomes a link", async () => {
    using source = await sealed(files);
    const outside = join(source.repo.folder, "outside");
    const move = after(() => moveAway(join(source.repo.path, "sub"), outside));
    errorOf("MODIFIED", () => lock(source.opened, { progress: move }));
    expect(text(outside, "b.secret")).toBe("two\n");
  });

  test("puts the files of one work tree back where those of another cannot be written", async () => {
    using source = await sealed(files);
    const { repo, opened } = source;
    const linked = join(repo.folder, "linked");
    await repo.git("worktree", "add", "--quiet", linked);
    const temp = join(repo.path, ".git/worktrees/linked/git-crypt", `unfinished.${process.pid}`);
    errorOf("UNWRITABLE", () =>
      lock(opened, { allWorktrees: true, progress: after(() => mkdirSync(join(temp, "0"), { recursive: true })) }),
    );
    for (const folder of [repo.path, linked]) {
      for (const [name, content] of Object.entries(files)) expect(text(folder, name)).toBe(content);
    }
    expect(opened.keyNames()).toEqual(["default"]);
  });

  test("changes nothing while git holds the index", async () => {
    using source = await sealed(files);
    source.repo.write(".git/index.lock", "");
    errorOf("INDEX_LOCKED", () => lock(source.opened));
    expect(text(source.repo.path, "a.secret")).toBe("one\n");
  });
});

test("a merge leaves no plaintext in the repository's folder", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  const { keyFile } = opened.readKey();
  for (const side of ["base", "ours", "theirs"]) repo.write(side, encryptBlob(keyFile, Buffer.from(`${side}\n`)));
  expect(merge(opened, { base: "base", ours: "ours", theirs: "theirs" })).toBe(1);
  expect(readdirSync(join(repo.path, ".git/git-crypt"))).toEqual(["keys"]);
});

describe("a file of git's", () => {
  test("is replaced under git's lock, unless somebody wrote it meanwhile", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "index");
    writeFileSync(path, "before");
    const write = (own: string): void => writeFileSync(own, "ours");
    expect(
      replaceLocked(path, statOf(path), (own) => {
        write(own);
        expect(existsSync(`${path}.lock`)).toBe(false);
        writeFileSync(path, "theirs");
      }),
    ).toBe(false);
    expect(text(folder.path, "index")).toBe("theirs");
    writeFileSync(`${path}.lock`, "");
    expect(replaceLocked(path, statOf(path), write)).toBe(false);
    rmSync(`${path}.lock`);
    expect(replaceLocked(path, statOf(path), write)).toBe(true);
    expect(text(folder.path, "index")).toBe("ours");
    expect(readdirSync(folder.path)).toEqual(["index"]);
  });
});
