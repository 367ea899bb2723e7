import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { recordOf, writeEntry } from "./adversary.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * Much of it, and where nobody looks: what pull requests bring of which nothing is left at their
 * end. alice and bob are admins, rob is a reader; eve is nobody, and whatever she pushes is merged.
 */

let template: Template;
let world: World;

beforeAll(async () => {
  template = await makeTemplate(["alice", "bob"], ["eve", "rob"], async (before) => {
    await before.as("alice", "vault grant -q --reader rob && git push -q");
  });
});
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as = (name: string, line: string): Promise<string> => world.as(name, line);
const trying = (name: string, line: string): ReturnType<World["trying"]> => world.trying(name, line);
const LOG = ".git-vault/members";
const memory = (name: string): string => join(world.clone(name), ".git/git-vault/members-seen");
const merge = "git fetch -q && git merge -q --no-ff -m merge origin/pr && git push -q";

/** Alice goes on in her clone, and bob in a new one: nothing is found, and nothing stops them. */
async function expectNothingHappened(): Promise<void> {
  expect(await as("alice", "vault status")).not.toMatch(/bad-entry|log-/);
  await as("alice", "vault sync --check");
  await world.push("alice", "secrets/new", "new\n");
  await world.join("bob");
  await as("bob", "vault unlock --yes");
  expect(world.read("bob", "secrets/new")).toBe("new\n");
  expect(await as("bob", "vault status")).not.toMatch(/bad-entry|log-/);
}

/** Commits that put many files by entries' names into the log, and take them out again. */
const flood = ({ rounds, files, different }: Record<"rounds" | "files" | "different", number>): string => `node -e '
  const name = (at) => ${JSON.stringify(`${LOG}/`)} + at.toString(16).padStart(64, "0");
  const git = (line, input) => require("child_process").execSync("git " + line, { input }).toString().trim();
  const base = git("rev-parse HEAD");
  const trees = [];
  for (let at = 0; at < ${different}; at += 1) {
    const names = [...Array(${files}).keys()].map((file) => "M 100644 :1 " + name(file + (at + 1) * 2 ** 30) + "\\n");
    const text = "blob\\nmark :1\\ndata 1\\nx\\ncommit refs/heads/junk" + at + "\\ncommitter o <o@o> 1 +0000\\ndata 0\\n";
    git("fast-import --quiet --force", text + "from " + base + "\\n" + names.join(""));
    trees.push(git("rev-parse refs/heads/junk" + at + "^{tree}"));
    git("branch -q -D junk" + at);
  }
  const clean = git("rev-parse HEAD^{tree}");
  let tip = base;
  const commit = (tree) => { tip = git("commit-tree -m x -p " + tip + " " + tree); };
  for (let at = 0; at < ${rounds}; at += 1) { commit(trees[at % trees.length]); commit(clean); }
  git("push -q origin " + tip + ":refs/heads/pr");
'`;

describe("a pull request that leaves nothing behind", () => {
  test("with a junk file by an entry's name on the way is told nowhere", async () => {
    await world.join("eve");
    await as("eve", `echo x > ${LOG}/${"0".repeat(64)} && git add -A && git commit -q -m a`);
    await as("eve", "git revert --no-edit HEAD && git push -q origin HEAD:pr");
    await as("alice", merge);
    await expectNothingHappened();
  });

  // 2.4 million changes of files, and 400,000 in eight trees.
  test.each([
    { rounds: 120, files: 10_000, different: 1 },
    { rounds: 40, files: 5_000, different: 8 },
  ])("and very many changes of junk on the way stops nobody: %o", async (much) => {
    await world.join("eve");
    await as("eve", flood(much));
    await as("alice", merge);
    await expectNothingHappened();
    const began = process.hrtime.bigint();
    await as("alice", "vault status");
    // It takes less than a second where nothing else runs.
    expect(Number(process.hrtime.bigint() - began) / 1e9).toBeLessThan(30);
  });
});

test("who calls a member as another one is called is named, and hides neither", async () => {
  const label = { keys: [], role: null, opens: [], readmits: [], label: "github:bob" } as const;
  await as("bob", "git pull -q");
  await writeEntry(world, "bob", "bob", { kind: "give", member: await recordOf(world, "bob", "alice"), ...label });
  await as("bob", "git add -A && git commit -q -m names && git push -q");
  await as("alice", "git pull -q");
  expect(await as("alice", "vault log")).toMatch(
    /github:bob +gave github:alice: a new copy, and calls them github:bob$/m,
  );
  const { status, said } = await trying("alice", "vault status");
  expect([status, said]).toEqual([7, expect.stringMatching(/^same-name: 2 members are called github:bob: \S+, \S+$/m)]);
});

test.each([".git-vault", LOG])("a submodule in the place of %s leaves a way out that is named", async (path) => {
  await world.join("eve");
  const link = `git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),${path}`;
  await as("eve", `git rm -q -r ${path} && ${link} && git commit -q -m 'tidy up' && git push -q origin HEAD:main`);
  await as("alice", "git pull -q");
  for (const line of ["vault grant eve", "vault rotate --yes"]) {
    const { status, said } = await trying("alice", line);
    expect([line, status, said]).toEqual([line, 1, expect.stringMatching(/members log[^]*git revert/)]);
  }
  await as(
    "alice",
    `git revert --no-edit $(git log -1 --format=%h -- .git-vault) && vault status && vault grant -q eve`,
  );
});

test("a removal on a branch whose name is no text is told, as on any other", async () => {
  await as("alice", "vault grant -q eve && git push -q");
  await as("bob", "git pull -q");
  await as("alice", "git checkout -q -b $(printf 'caf\\351') && vault revoke -q eve --keep bob --keep rob");
  expect(await as("alice", "git log --format=%s -1")).toMatch(/remove/i);
  await as("alice", "git push -q origin HEAD && git checkout -q main");
  await as("bob", "git fetch -q");
  const { status, said } = await trying("bob", "vault status");
  expect([status, said]).toEqual([
    7,
    expect.stringMatching(/^removal-elsewhere: github:eve was removed on origin\/caf/m),
  ]);
  // A branch that follows it, which is checked out and unlocked.
  await as("bob", "git checkout -q $(printf 'caf\\351') && vault unlock && vault status");
  await as("bob", "echo x > secrets/x && git add secrets/x && git commit -q -m x");
  expect(readFileSync(memory("bob"), "utf8")).toContain("bytes:refs/remotes/origin/caf");
});

describe("what a clone remembers", () => {
  test("is filled by no notes, which a reader may write, and nobody misses one", async () => {
    await world.join("rob");
    await as("rob", "vault unlock -q --yes");
    const id = await writeEntry(world, "rob", "rob", { kind: "note", text: "x".repeat(900) });
    await as("rob", "git add -A && git commit -q -m note && git push -q");
    await as("bob", "git pull -q && vault status");
    expect(await as("bob", "vault log")).toContain("x".repeat(100));
    expect(readFileSync(memory("bob"), "utf8")).not.toContain(id);
    expect(readFileSync(memory("bob"), "utf8")).toContain(await recordOf(world, "bob", "rob"));
    await as("rob", "git rm -q -r .git-vault/members/" + id + " && git commit -q -m tidy && git push -q");
    await as("bob", "git pull -q && vault status");
  });

  test("has room for removals when it is full, which stops no command and is told", async () => {
    writeFileSync(memory("bob"), `{"met":["${"x".repeat((48 << 20) - 200)}"]}\n`, { flag: "a" });
    await as("alice", "vault grant -q eve && git push -q");
    await as("bob", "git pull -q");
    const full = await trying("bob", "vault status");
    expect([full.status, full.said]).toEqual([7, expect.stringMatching(/^memory-full: /m)]);
    await as("bob", "echo x > secrets/x && git add secrets/x && git reset -q && rm secrets/x");
    await as("alice", "vault revoke -q eve --keep bob --keep rob && git push -q");
    await as("bob", "git pull -q; vault unlock; true");
    await as("alice", "git push -q -f origin HEAD~1:main");
    await as("bob", "git fetch -q && git reset -q --hard origin/main");
    rmSync(join(world.clone("bob"), ".git/logs"), { recursive: true });
    const { status, said } = await trying("bob", "vault status");
    expect([status, said]).toEqual([7, expect.stringMatching(/^log-cut: .*1 removal among them/m)]);
  });
});
