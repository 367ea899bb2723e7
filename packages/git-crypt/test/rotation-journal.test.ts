import fs, { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { abortRotation, continueRotation, diagnose, rotate, status, unlock } from "../src/index.ts";
import { commands, rotated, sealed, type Sealed } from "./sealed.ts";

/*
 * The journal holds both keys while a rotation is under way.
 */

const files = { "a.secret": "one\n", "b.secret": "two\n" };
const folderOf = ({ repo }: Sealed): string => join(repo.path, ".git/git-vault");

/** Rotates, and holds the lock of a reference or of the index, which the named step then meets. */
async function interrupt({ repo, opened }: Sealed, lock: "refs/heads/main" | "index"): Promise<void> {
  const held = join(repo.path, ".git", `${lock}.lock`);
  const filesFor = async (): Promise<Map<string, Buffer>> => {
    writeFileSync(held, "");
    return new Map();
  };
  await expect(
    rotate(opened, { ...commands, keyNames: ["default"], message: "Rotate\n", filesFor }),
  ).rejects.toMatchObject({
    code: "UNFINISHED",
  });
  rmSync(held);
}

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** What is done to the files of a folder: which is synced, renamed, and removed with what in it. */
function watch(folder: string): string[] {
  const events: string[] = [];
  const opened = new Map<number, string>();
  const { openSync, fsyncSync, renameSync } = fs;
  const remove = fs.rmSync;
  const isThere = (path: unknown): path is string => String(path).startsWith(`${folder}/`) && existsSync(String(path));
  const shown = (path: string): string => basename(path).replace(String(process.pid), "PID");
  vi.spyOn(fs, "openSync").mockImplementation((path, ...rest) => {
    const file = openSync(path, ...rest);
    opened.set(file, String(path));
    return file;
  });
  vi.spyOn(fs, "fsyncSync").mockImplementation((file) => {
    const path = opened.get(file) ?? "";
    fsyncSync(file);
    if (isThere(path)) events.push(`sync ${shown(path)}`);
  });
  vi.spyOn(fs, "renameSync").mockImplementation((from, to) => {
    if (isThere(from)) events.push(`rename ${shown(from)} ${shown(String(to))}`);
    renameSync(from, to);
  });
  vi.spyOn(fs, "rmSync").mockImplementation((path, options) => {
    if (isThere(path) && statSync(path).isFile()) {
      const content = readFileSync(path);
      events.push(`remove ${shown(path)} ${content.every((byte) => byte === 0) ? `of ${content.length} zeros` : ""}`);
    }
    remove(path, options);
  });
  syncBuiltinESMExports();
  return events;
}

test("is on the disk before anything is changed, for its owner alone, and is overwritten before it goes", async () => {
  using source = await sealed(files);
  await interrupt(source, "refs/heads/main");
  const path = join(folderOf(source), "rotation");
  expect([statSync(path).mode & 0o777, statSync(folderOf(source)).mode & 0o777]).toEqual([0o600, 0o700]);
  const { length } = readFileSync(path);
  const ended = watch(folderOf(source));
  continueRotation(source.opened, commands);
  expect(ended).toEqual([
    "rename rotation rotation.done",
    "sync rotation.done",
    `remove rotation.done of ${length} zeros`,
  ]);
  expect(readdirSync(folderOf(source))).toEqual(["retired"]);
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  const whole = watch(folderOf(source));
  await rotated(source.opened);
  expect(whole.slice(0, 2)).toEqual(["sync rotation.PID", "rename rotation.PID rotation"]);
});

test("that a killed process left, finished or not begun, is overwritten and removed by the next command", async () => {
  using source = await sealed(files);
  const folder = folderOf(source);
  await rotated(source.opened);
  for (const name of ["rotation.done", "rotation.12345"]) writeFileSync(join(folder, name), "both keys");
  const events = watch(folder);
  unlock(source.opened, [source.opened.readKey().bytes], commands);
  expect(events.toSorted()).toEqual([
    "remove rotation.12345 of 9 zeros",
    "remove rotation.done of 9 zeros",
    "sync rotation.12345",
    "sync rotation.done",
  ]);
  expect(readdirSync(folder)).toEqual(["retired"]);
});

test("tells of the rotation alone, while undoing it has put the old key back and not yet the files", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  await interrupt(source, "index");
  const held = join(repo.path, ".git/refs/heads/main.lock");
  writeFileSync(held, "");
  expect(() => abortRotation(opened, commands)).toThrow(/^the rotation is not finished: git update-ref failed/);
  rmSync(held);
  expect(opened.readKey().bytes).toEqual(source.key);
  // The index becomes that of the new commit, as where the rotation was killed later.
  await repo.git("reset", "--quiet");
  expect(status(opened).findings.map(({ id }) => id)).toEqual(["unfinished-rotation"]);
  expect(diagnose(opened).findings.map(({ id, subject }) => [id, subject])).toEqual([
    ["unfinished-rotation", "default"],
  ]);
  abortRotation(opened, commands);
  expect(opened.readKey().bytes).toEqual(source.key);
  expect((await repo.git("status", "--porcelain")).toString()).toBe("");
  expect(status(opened).findings).toEqual([]);
});

test("is followed without writing over what somebody put there meanwhile", async () => {
  using source = await sealed(files);
  const { repo, opened } = source;
  await interrupt(source, "refs/heads/main");
  const path = repo.write(".git-vault/.gitattributes", "mine\n");
  continueRotation(opened, commands);
  expect(readFileSync(path, "utf8")).toBe("mine\n");
});
