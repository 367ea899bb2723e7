import { randomBytes } from "node:crypto";
import { runOk } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { adding, membershipIn, newKey, recordOf, removing, writeEntry } from "./adversary.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * Branches that anybody may push: what they hold hides nothing of what another branch says.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "mal"], ["eve"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

/** Pushes branches of a date to come, each with files of its own among the entries. */
async function pushJunk(branches: number, contentOf: (branch: number) => readonly Buffer[]): Promise<void> {
  const commits = Array.from({ length: branches }, (_, branch) => {
    const files = contentOf(branch).map((content) => {
      const path = `.git-vault/members/${randomBytes(32).toString("hex")}`;
      return Buffer.concat([Buffer.from(`M 100644 inline ${path}\ndata ${content.length}\n`), content]);
    });
    const start = `reset refs/heads/a${branch}\ncommit refs/heads/a${branch}\n`;
    const commit = `${start}committer e <e@example.org> 4000000000 +0000\ndata 0\n\nfrom refs/heads/main\n`;
    return Buffer.concat([Buffer.from(commit), ...files, Buffer.from("\n")]);
  });
  const cwd = `${world.folder}/origin.git`;
  await runOk("git", ["fast-import", "--quiet"], { cwd, env: world.environment("eve"), input: Buffer.concat(commits) });
}

const REMOVED = /^removal-elsewhere: github:mal was removed on origin\/away by github:alice/m;

async function removeMal(): Promise<void> {
  await world.as("alice", "git switch -q -c away && vault revoke -q mal && git push -q origin away");
}

test("hundreds of junk branches hide no removal", async () => {
  await removeMal();
  await pushJunk(400, () => [randomBytes(300)]);
  await world.as("bob", "git fetch -q");
  const status = await world.trying("bob", "vault status");
  expect([status.status, status.said]).toEqual([7, expect.stringMatching(REMOVED)]);
  expect(status.said).not.toMatch(/unread-branches/);
  expect((await world.trying("bob", "vault unlock")).said).toMatch(/removed github:mal on origin\/away/);
});

test("what an admin signs on a branch of theirs takes nothing from a removal on another", async () => {
  await world.as("bob", "git switch -q -c away && vault revoke -q alice --keep mal && git push -q origin away");
  // The founder gives bob a key, and removes him by that: it is his on this branch alone.
  await world.as("alice", "git switch -q -c junk");
  const key = await newKey(world, "alice", "id_other");
  const member = await recordOf(world, "alice", "bob");
  const gift = { member, keys: [key], role: null, opens: [], label: null, readmits: [] };
  await writeEntry(world, "alice", "alice", { kind: "give", ...gift });
  await writeEntry(world, "alice", "alice", removing([key.id]));
  await world.as("alice", "git add -A && git commit -qm junk && git push -q origin junk");
  const { said } = await world.trying("mal", "git fetch -q; vault status");
  expect(said).toMatch(/^removal-elsewhere: github:alice was removed on origin\/away by github:bob/m);
  expect(said).toMatch(/^removal-elsewhere: github:bob was removed on origin\/junk by github:alice/m);
});

test("who was removed fills no clone's memory: what counts for nothing is not remembered", async () => {
  await world.as("alice", "vault revoke -q mal && git push -q");
  await world.as("mal", "git pull -q");
  const late = await writeEntry(world, "mal", "mal", adding([await newKey(world, "mal", "id_other")]));
  await world.as("mal", "git add -A && git commit -qm late && git push -q");
  await world.trying("bob", "git pull -q; vault status; vault unlock");
  const { removed, ids } = await membershipIn(world, "bob");
  const memory = world.read("bob", ".git/git-vault/members-seen");
  expect([ids.includes(late), memory.includes(late)]).toEqual([true, false]);
  expect(memory).toContain(removed[0]?.by[0] ?? "nobody was removed");
});

test("what was too much to read is told, and what costs little is read nevertheless", async () => {
  await removeMal();
  const large = (): Buffer => randomBytes(250_000);
  await pushJunk(24, () => [large(), large(), large(), large(), large(), large()]);
  await world.as("bob", "git fetch -q");
  for (const line of ["vault status", "vault holders --offline", "vault sync --check"]) {
    const { status, said } = await world.trying("bob", line);
    expect([line, status, said]).toEqual([
      line,
      7,
      expect.stringMatching(/not searched for removals: origin\/a\d+ and \d+ more branch/),
    ]);
    expect(said).toMatch(/github:mal was removed on origin\/away/);
  }
  expect((await world.trying("bob", "vault unlock")).said).toMatch(/not searched for removals: origin\/a/);
});

test("branches whose trees a partial clone lacks are named, and those before and after them read", async () => {
  await removeMal();
  await world.as("alice", "git switch -q main && git switch -q -c aside && git commit -q --allow-empty -m x");
  await world.push("alice", "aside", "x\n");
  const pages =
    "git switch -q --orphan pages && echo x >x && git add x && git commit -qm x && git push -q origin pages";
  await world.as("alice", `${pages} && git switch -q main`);
  await world.join("bob", "--filter=tree:0");
  // Anyone who unlocks has the trees of all that was there then.
  await world.as("bob", "vault unlock --yes --quiet");
  const first = await world.trying("bob", "vault status");
  expect([first.status, first.said]).toEqual([7, expect.stringMatching(REMOVED)]);
  expect(first.said).not.toMatch(/unread-branches/);
  await world.as("alice", "git switch -q -c later main");
  await world.push("alice", "later", "x\n");
  await world.as("bob", "git fetch -q");
  const second = await world.trying("bob", "vault status");
  expect([second.status, second.said]).toEqual([7, expect.stringMatching(REMOVED)]);
  expect(second.said).toMatch(/^unread-branches: not searched for removals: origin\/later$/m);
  await world.as("bob", "git fetch -q --refetch --filter=blob:none");
  const third = await world.trying("bob", "vault status");
  expect([third.status, third.said]).toEqual([7, expect.stringMatching(REMOVED)]);
  expect(third.said).not.toMatch(/unread-branches/);
});
