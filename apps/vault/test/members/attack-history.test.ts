import { rmSync } from "node:fs";
import { join } from "node:path";
import { keyId } from "@git-vault/git-crypt";
import { audienceOf } from "@git-vault/members";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keyOf, membershipIn, removing, starting, strangeKey, writeCopy, writeEntry } from "./adversary.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * What history is made to say. Mal was an admin and was removed, eve never was anybody; pull
 * requests of both are merged.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "carol", "mal"], ["eve"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as = (name: string, line: string): Promise<string> => world.as(name, line);
const trying = (name: string, line: string): ReturnType<World["trying"]> => world.trying(name, line);
const LOG = ".git-vault/members";
const EVERYBODY = ["github:alice", "github:bob", "github:carol"];
const REMOVE = "vault revoke -q mal --keep bob --keep carol && git push -q";
const holdersOf = async (name: string): Promise<string[]> =>
  [...(await trying(name, "vault holders --offline")).said.matchAll(/^github:\S+(?= )/gm)].map(([one]) => one);

/** Alice removes mal; the entry's path. */
async function removeMal(): Promise<string> {
  await as("alice", REMOVE);
  return (await as("alice", `git diff --name-only --diff-filter=A HEAD~1 HEAD -- ${LOG}`)).trim();
}

/** Who sees nothing of a person's before: a new clone, and no memory of the user's. */
async function joinAnew(name: string): Promise<void> {
  rmSync(join(world.home(name), ".config"), { recursive: true, force: true });
  await world.join(name);
}

async function expectRefused(name: string, status: RegExp, added: RegExp): Promise<void> {
  const said = await trying(name, "vault status");
  expect([said.status, said.said]).toEqual([7, expect.stringMatching(status)]);
  const adding = await trying(name, "echo x > secrets/x && git add secrets/x");
  expect([adding.status, adding.said]).toEqual([128, expect.stringMatching(added)]);
  await as(name, "git reset -q && rm secrets/x");
}
const expectCut = (name: string): Promise<void> =>
  expectRefused(name, /^log-cut: .*1 removal among them/m, /a removal of somebody who has it was taken off/);

const linkTo = (path: string): string => `git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),${path}`;
const OLD = "GIT_COMMITTER_DATE=1970-01-02T00:00:00Z git commit -q -m decoy";

describe("what is no entry, by an entry's name in an older commit,", () => {
  test("hides no removal that a merge brought in and that was reverted", async () => {
    const path = await removeMal();
    const decoy = `git checkout -q -b pr && ${linkTo(path)} && ${OLD} && git rm -q --cached ${path} && git commit -q -m undo`;
    await as("mal", `git fetch -q && ${decoy} && git merge -q --no-edit origin/main`);
    await as("mal", "git revert --no-edit -n origin/main && git commit -q -m tidy && git push -q origin pr");
    await as("alice", "git fetch -q && git merge -q --no-ff --no-edit origin/pr && git push -q");
    await joinAnew("carol");
    await as("carol", "vault unlock --yes");
    await expectCut("carol");
    expect(await as("carol", "vault log")).toMatch(/removed? .*github:mal/i);
  });

  test("makes no removal the earlier one", async () => {
    const key = strangeKey();
    const { members } = await membershipIn(world, "mal");
    const alice = members.find(({ label }) => label === "github:alice");
    const rest = members.filter((one) => one !== alice);
    const { path, ...copy } = await writeCopy(
      world,
      "mal",
      key,
      rest.flatMap(({ keys }) => keys),
    );
    const named = { keyName: "default", commitment: keyId(key), audience: audienceOf(rest, "default") };
    const ids = [...(alice?.accounts ?? []), ...(alice?.keys ?? []).map(({ id }) => id)];
    const entry = await writeEntry(world, "mal", "mal", Object.assign(removing(ids, [named]), { copies: [copy] }));
    const file = `${LOG}/${entry}`;
    await as("mal", `mkdir ~/kept && mv ${file} ~/kept/entry && mv ${path} ~/kept/copy && git checkout -q -b pr`);
    await as(
      "mal",
      `${linkTo(file)} && ${OLD} && git rm -q --cached ${file} && git commit -q -m readme && git push -q origin pr`,
    );
    await as("alice", "git fetch -q && git merge -q --no-ff --no-edit origin/pr && git push -q");
    await removeMal();
    await as("mal", `git fetch -q && git checkout -q -b pr2 origin/main && mkdir -p $(dirname ${path})`);
    await as(
      "mal",
      `cp ~/kept/entry ${file} && cp ~/kept/copy ${path} && git add -A && git commit -q -m x && git push -q origin pr2`,
    );
    await as("alice", "git fetch -q && git merge -q --squash origin/pr2 && git commit -q -m x && git push -q");
    await joinAnew("carol");
    await as("carol", "vault unlock --yes");
    expect(await holdersOf("carol")).toEqual(EVERYBODY);
  });

  test("is named where it still lies there, and is a link or a submodule", async () => {
    await as("mal", `${linkTo(`${LOG}/${"0".repeat(64)}`)} && git commit -q -m x && git push -q`);
    await as("alice", "git pull -q --no-edit");
    const { status, said } = await trying("alice", "vault status");
    expect([status, said]).toEqual([
      7,
      expect.stringMatching(/^bad-entry: 0{64} is not a valid entry.*no regular file/m),
    ]);
  });
});

describe("an outsider's log", () => {
  /** Eve starts a log of her own on a branch that begins before the team's; its path. */
  async function startHers(): Promise<string> {
    await world.join("eve");
    await as("eve", "git checkout -q --orphan hers && git rm -q -r -f .");
    const id = await writeEntry(world, "eve", "eve", starting([keyOf(world, "eve")], strangeKey()));
    return `${LOG}/${id}`;
  }
  const several = /several members logs, and none is known to be the right one/;

  test("is not taken by newcomers for its merge with the team's, whose first parent is hers", async () => {
    await startHers();
    await as(
      "eve",
      "git add -A && git commit -q -m x && git merge -q --allow-unrelated-histories --no-edit origin/main",
    );
    await as("eve", "git push -q origin HEAD:main");
    await joinAnew("carol");
    const { status, said } = await trying("carol", "vault unlock --yes");
    expect([status === 0, said]).toEqual([false, expect.stringMatching(several)]);
    await as("alice", "git pull -q --no-edit");
    expect((await trying("alice", "vault status")).said).toMatch(/^several-logs: another members log begins/m);
    expect(await holdersOf("alice")).toEqual([...EVERYBODY, "github:mal"]);
  });

  test.each([
    ["a link", false],
    ["itself", true],
  ])("is not the earlier one for %s by its name, which was removed again", async (_, isSound) => {
    const path = await startHers();
    await as("eve", `mv ${path} ~/kept && git commit -q --allow-empty -m first`);
    const decoy = isSound ? `mkdir -p ${LOG} && cp ~/kept ${path} && git add ${path}` : linkTo(path);
    await as("eve", `${decoy} && git commit -q -m x && git rm -q --cached ${path} && git commit -q -m y`);
    // As if the team had begun after that.
    await as("eve", "git reset -q --hard $(git commit-tree -p HEAD -m team origin/main^{tree})");
    await as("eve", `cp ~/kept ${path} && git add ${path} && git commit -q -m z && git push -q -f origin HEAD:main`);
    await joinAnew("carol");
    const { status, said } = await trying("carol", "vault unlock --yes");
    expect([status === 0, said]).toEqual([!isSound, expect.stringMatching(isSound ? several : /another log begins/)]);
    expect(await holdersOf("carol")).toEqual(isSound ? [] : [...EVERYBODY, "github:mal"]);
  });
});

describe("a removal that was reverted", () => {
  const revert = "git pull -q --no-edit && git revert --no-edit HEAD && git push -q";
  const lacking = /lacks some of the members log, or of its history/;

  test.each(["blob:none", "tree:0"])("is not overlooked by a clone without its files: %s", async (filter) => {
    await world.join("carol", `--filter=${filter}`);
    await as("carol", "vault unlock -q --yes");
    await removeMal();
    await as("mal", revert);
    await as("carol", "git pull -q --no-edit");
    const url = (await as("carol", "git remote get-url origin")).trim();
    await as("carol", "git remote set-url origin file:///nowhere");
    await expectRefused("carol", /^log-not-here: /m, lacking);
    expect((await trying("carol", "vault unlock")).status).not.toBe(0);
    await as("carol", `git remote set-url origin ${url} && vault unlock`);
    await expectCut("carol");
  });

  test("nor by one whose settings let git's log fail", async () => {
    await removeMal();
    await as("mal", revert);
    await as("bob", "git config diff.orderFile /nowhere; git pull -q --no-edit");
    await expectCut("bob");
  });

  test("is remembered, though it was seen in history alone, before that was pushed over", async () => {
    await removeMal();
    await as("mal", revert);
    // Bob's own branch is behind.
    await as("bob", "git fetch -q");
    await expectCut("bob");
    await as("carol", "git pull -q --no-edit; vault status > /dev/null; true");
    await as("mal", "git push -q -f origin HEAD~2:main");
    await as("bob", "git fetch -q && git reset -q --hard origin/main");
    await expectCut("bob");
    await as("carol", "git fetch -q && git reset -q --hard origin/main");
    await expectCut("carol");
  });

  test("is remembered under another name of the remote", async () => {
    await removeMal();
    await as("bob", "git pull -q --no-edit; vault unlock && git remote rename origin upstream");
    await as("mal", "git push -q -f origin HEAD:main");
    await as("bob", "git fetch -q && git reset -q --hard upstream/main");
    await expectCut("bob");
  });
});
