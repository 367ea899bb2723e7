import { randomBytes } from "node:crypto";
import { runOk } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
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
