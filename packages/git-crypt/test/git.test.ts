import { temporaryFolder } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { runGit, tryGit } from "../src/git/git.ts";
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
