import { temporaryFolder, throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { runGit, tryGit } from "../src/git/git.ts";
import { listTree } from "../src/git/trees.ts";
import { errorOf } from "./errors.ts";

test("tells what git said where it ends before it has read its input", () => {
  using folder = temporaryFolder();
  const place = { topLevel: null, gitDir: folder.path, commonDir: folder.path, env: process.env };
  const input = Buffer.alloc(4 << 20, "HEAD\n"); // More than a pipe holds.
  const { status, stderr } = tryGit(place, ["cat-file", "--batch-check"], input);
  expect(status).toBe(128);
  expect(stderr).toContain("not a git repository");
  const error = errorOf("GIT_FAILED", () => runGit(place, ["cat-file", "--batch-check"], input));
  expect(error.message).toContain("not a git repository");
});

test("a list of a commit's files has an end", async () => {
  using repository = await throwawayRepository();
  repository.write("folder/file", "x\n");
  await repository.commit("a file");
  const { path, env } = repository;
  const place = { topLevel: path, gitDir: `${path}/.git`, commonDir: `${path}/.git`, env };
  expect(listTree(place, "HEAD")?.map(({ name }) => name)).toEqual(["folder/file"]);
  expect(listTree(place, "HEAD", { isFlat: true })).toEqual([]);
  expect(errorOf("TOO_MANY_FILES", () => listTree(place, "HEAD", { most: 20 })).message).toMatch(/HEAD/);
});
