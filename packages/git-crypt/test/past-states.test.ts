import { spawnSync } from "node:child_process";
import { type Repository as Throwaway, throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { isLackingObject } from "../src/git/objects.ts";
import { checkStaged, openRepository, status } from "../src/index.ts";

/** Makes commits, the first of which is the oldest, of files by their paths. */
async function commitAll(repo: Throwaway, commits: readonly Readonly<Record<string, string>>[]): Promise<void> {
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const stream = commits.map((files, at) => {
    const changes = Object.entries(files).map(([path, text]) => `M 644 inline ${path}\n${data(text)}`);
    return `commit refs/heads/main\ncommitter A <a@example.com> ${1_700_000_000 + at} +0000\n${data("Step")}${changes.join("")}\n`;
  });
  const { status: code } = spawnSync("git", ["fast-import", "--quiet", "--force"], {
    cwd: repo.path,
    env: repo.env,
    input: stream.join(""),
  });
  expect(code).toBe(0);
  await repo.git("symbolic-ref", "HEAD", "refs/heads/main");
  await repo.git("reset", "--quiet", "--hard");
}

const LINE = "secrets/** filter=git-crypt\n";

test("what the oldest commit protected is known however many changes of attributes came after", async () => {
  using repo = await throwawayRepository();
  const folders = Array.from({ length: 1000 }, (_, at) => `d${at}`);
  const junk = Object.fromEntries(
    folders.flatMap((name) => [
      [`${name}/.gitattributes`, "* text\n"],
      [`${name}/f`, "f\n"],
    ]),
  );
  const steps = Array.from({ length: 201 }, (_, at) => ({ [`d${at}/.gitattributes`]: `* text=auto\n` }));
  await commitAll(repo, [
    { ".gitattributes": LINE },
    { ".gitattributes": "* text\n", "secrets/a": "password\n", ...junk },
    ...steps,
  ]);
  expect(status(openRepository(repo.path, repo)).findings).toMatchObject([{ subject: "secrets/a", id: "exposed" }]);
});

test("a version of a file of attributes that is too large to read is told, until somebody says that it may be", async () => {
  using repo = await throwawayRepository();
  const large = LINE + "# junk\n".repeat(700_000);
  await commitAll(repo, [{ ".gitattributes": large }, { ".gitattributes": "* text\n" }]);
  const opened = openRepository(repo.path, repo);
  repo.write("secrets/a", "password\n");
  await repo.git("add", "secrets");
  const told = [{ subject: ".gitattributes", id: "unread-attributes" }];
  expect(checkStaged(opened)).toMatchObject(told);
  expect(status(opened).findings).toMatchObject(told);
  repo.write(".gitattributes", "/.gitattributes git-vault=unprotected\n");
  expect(status(opened).findings).toEqual([]);
  await repo.git("add", ".gitattributes");
  expect(checkStaged(opened)).toEqual([]);
});

test("a version with too many protecting lines is told", async () => {
  using repo = await throwawayRepository();
  const lines = Array.from({ length: 6000 }, (_, at) => `junk-${at} filter=git-crypt\n`).join("");
  await commitAll(repo, [{ ".gitattributes": lines }, { ".gitattributes": "* text\n", a: "a\n" }]);
  expect(status(openRepository(repo.path, repo)).findings).toMatchObject([
    { subject: ".gitattributes", id: "unread-attributes" },
  ]);
});

test("that a path is unprotected on purpose counts by a line of a tracked file alone, and not by a macro", async () => {
  using repo = await throwawayRepository();
  await commitAll(repo, [{ ".gitattributes": LINE }, { ".gitattributes": "* text\n", "secrets/a": "password\n" }]);
  const opened = openRepository(repo.path, repo);
  const told = [{ subject: "secrets/a", id: "exposed" }];
  expect(status(opened).findings).toMatchObject(told);
  repo.write(".git/info/attributes", "secrets/a git-vault=unprotected\n");
  expect(status(opened).findings).toMatchObject(told);
  repo.write(".git/info/attributes", "");
  repo.write(".gitattributes", "[attr]plain git-vault=unprotected\nsecrets/a plain\n");
  expect(status(opened).findings).toMatchObject(told);
  repo.write(".gitattributes", "* text\n");
  repo.write("secrets/.gitattributes", "a git-vault=unprotected\n");
  expect(status(opened).findings).toMatchObject(told);
  await repo.git("add", "secrets/.gitattributes");
  expect(status(opened).findings).toEqual([]);
});

test("a file of attributes counts in a folder of any name", async () => {
  using repo = await throwawayRepository();
  await commitAll(repo, [{ ".gitattributes": "ä/** filter=git-crypt\n" }, { ".gitattributes": "\n", "ä/a": "open\n" }]);
  const found = (): object[] =>
    status(openRepository(repo.path, repo)).findings.map(({ id, subject }) => ({ id, subject }));
  expect(found()).toEqual([{ id: "exposed", subject: "ä/a" }]);
  repo.write("ä/.gitattributes", "a git-vault=unprotected\n");
  await repo.commit("on purpose");
  expect(found()).toEqual([]);
});

test("a tree that is missing is what a partial clone lacks; anywhere else the repository is damaged", async () => {
  using repo = await throwawayRepository();
  await commitAll(repo, [{ ".gitattributes": LINE, "secrets/a": "password\n" }]);
  const tree = (await repo.git("rev-parse", "HEAD^{tree}")).toString().trim();
  const place = openRepository(repo.path, repo);
  const output = { status: 128, stdout: Buffer.alloc(0), stderr: `fatal: unable to read tree (${tree})` };
  expect(isLackingObject(place, output)).toBe(false);
  await repo.git("config", "remote.origin.promisor", "true");
  expect(isLackingObject(openRepository(repo.path, repo), output)).toBe(true);
});
