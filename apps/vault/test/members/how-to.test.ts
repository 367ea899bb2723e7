import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/* The commands of pages in docs/how-to, as they stand there. */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "erin"], ["dave"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as: World["as"] = (...args) => world.as(...args);
const trying: World["trying"] = (...args) => world.trying(...args);

/** The blocks of commands of a page, each as one line of sh. */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(import.meta.dirname, "../../../../docs/how-to", `${page}.md`), "utf8");
  return [...text.matchAll(/(?:^ {4}\S.*\n)+/gm)].map(([block]) =>
    block
      .trim()
      .split("\n")
      .map((line) => line.trim().replace(/^(vault (?:grant|revoke|rotate|unlock))/, "$1 --yes"))
      .join(" && "),
  );
}

describe("protected main", () => {
  const [grant = "", revoke = "", after = "", catchUp = ""] = blocksOf("protected-main");

  /** What a forge does, which has no key. */
  const merged = async (branch: string, way: string): Promise<void> => {
    const forge = join(world.home("bob"), "forge");
    const ways: Record<string, string> = {
      merge: `git merge -q --no-ff -m merged origin/${branch}`,
      squash: `git merge -q --squash origin/${branch} && git commit -q -m squashed`,
      rebase: `git cherry-pick main..origin/${branch} > /dev/null`,
    };
    await as("bob", `rm -rf ${forge} && git clone -q file://${world.folder}/origin.git ${forge}`, world.folder);
    await as("bob", `echo ${branch} > other && git add other && git commit -q -m other && ${ways[way]}`, forge);
    await as("bob", `git push -q origin main && git push -q origin --delete ${branch}`, forge);
  };

  test.each(["merge", "squash", "rebase"])("with pull requests that are merged by %s", async (way) => {
    await as("alice", grant);
    await merged("grant-dave", way);
    await world.join("dave");
    await as("dave", "vault unlock -q --yes");
    expect(world.read("dave", "secrets/password")).toBe("hunter2\n");
    await as("alice", revoke);
    const waiting = await trying("bob", "git fetch -q; vault status");
    expect([waiting.status, waiting.said]).toEqual([7, expect.stringMatching(/^removal-elsewhere: github:erin/m)]);
    await merged("revoke-erin", way);
    for (const name of ["alice", "bob", "dave"]) await as(name, `git fetch -q -p && ${after} && vault status`);
    await world.push("bob", "secrets/new", "new\n");
    expect(await notCurrent(world, "bob")).toEqual([]);
    expect((await trying("erin", "git pull -q; vault unlock --yes")).status).not.toBe(0);
    expect(world.read("erin", "secrets/new")).not.toBe("new\n");
  });

  test("that moved on meanwhile", async () => {
    await as("alice", revoke.replace("vault revoke --yes erin", "vault rotate --yes"));
    await world.push("bob", "secrets/password", "hunter3\n");
    await world.push("bob", "secrets/bob", "by bob\n");
    await as("alice", catchUp);
    expect(world.read("alice", "secrets/password")).toBe("hunter3\n");
    await merged("revoke-erin", "merge");
    for (const name of ["alice", "bob"]) await as(name, `git fetch -q -p && ${after} && vault status`);
    expect(await notCurrent(world, "bob")).toEqual([]);
  });
});

test("a second environment with its own key", async () => {
  const [init = "", grant = "", unlock = ""] = blocksOf("second-key");
  await as("alice", init);
  await world.push("alice", "production/token", "of production\n");
  await as("alice", grant);
  for (const name of ["bob", "erin"]) await as(name, unlock);
  expect(world.read("bob", "production/token")).toBe("of production\n");
  expect(world.read("erin", "production/token")).toMatch(/^\0GITCRYPT\0/);
  world.write("erin", "production/mine", "x\n");
  expect((await trying("erin", "git add production/mine")).status).not.toBe(0);
  expect(await notCurrent(world, "bob")).toEqual([]);
});
