import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keyOf, membershipIn, removing, writeEntry } from "./adversary.ts";
import { notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * Two admins remove each other, and the one who was first on main is not the more senior one: what
 * clones know that saw it happen, that came later, and that have no history.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "carol", "dave"], ["erin"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as = (name: string, line: string): Promise<string> => world.as(name, line);
const trying = (name: string, line: string): ReturnType<World["trying"]> => world.trying(name, line);
const holdersOf = async (name: string): Promise<string[]> =>
  [...(await trying(name, "vault holders --offline")).said.matchAll(/^github:\S+(?= )/gm)].map(([one]) => one);

const KEEP = "--keep alice --keep bob --keep carol --keep dave";
const BOBS = ["github:bob", "github:carol", "github:dave"];

/** Bob removed alice on main; after that a pull request is merged in which alice removed bob. */
async function bobWasFirst(): Promise<void> {
  await as("alice", `git switch -q -c pr && vault revoke -q bob ${KEEP} && git push -q origin pr`);
  await as("bob", `vault revoke -q alice ${KEEP} && git push -q`);
  await world.join("erin");
  await as("erin", "git merge -q --no-ff --no-edit -X ours origin/pr && git push -q origin main");
}

/** The entry by which one removed another, as `vault status` names it. */
async function entryOf(clone: string, by: string, gone: string): Promise<string> {
  const { said } = await trying(clone, "vault status");
  return new RegExp(`github:${by} removed github:${gone} \\(([0-9a-f]{16})\\)`).exec(said)?.[1] ?? "none";
}

describe("a removed admin who may still push makes a merge whose first parent is his", () => {
  const ALICES = ["github:alice", "github:bob", "github:carol"];

  /** Alice removes dave on main; then he pushes a removal of alice, as if that had come first. */
  async function daveTurnsItAround(meanwhile = ""): Promise<void> {
    await as("dave", `vault revoke -q alice ${KEEP}`);
    await as("alice", `vault revoke -q dave ${KEEP} && git push -q`);
    if (meanwhile !== "") await as("bob", meanwhile);
    // All entries lie in his tree, so that nothing was cut off.
    const merge = "git merge -q -s ours --no-edit origin/main && git checkout -q origin/main .";
    await as("dave", `git fetch -q && ${merge} && git commit -q --amend --no-edit && git push -q`);
  }

  test("nobody who fetches it takes his side unasked, and who saw the removal goes on", async () => {
    await daveTurnsItAround();
    await as("bob", "git pull -q --no-edit");
    const unlocked = await trying("bob", "vault unlock");
    const both =
      /nothing proves who was first: github:dave removed github:alice \([0-9a-f]{16}\), github:alice removed github:dave/;
    expect([unlocked.status, unlocked.said]).toEqual([7, expect.stringMatching(both)]);
    expect(unlocked.said).toMatch(/hint: .*vault unlock --first ID/);
    world.write("bob", "secrets/bob", "x\n");
    const added = await trying("bob", "git add secrets/bob");
    expect([added.status, added.said]).toEqual([128, expect.stringMatching(/nothing here proves who was first/)]);
    const status = await trying("bob", "vault status");
    expect([status.status, status.said]).toEqual([
      7,
      expect.stringMatching(/^open-dispute: members removed each other/m),
    ]);
    // Alice ran nothing of vault's between pushing and pulling: git's reflog has what she pushed.
    await as("alice", "git pull -q --no-edit; vault unlock");
    expect(await holdersOf("alice")).toEqual(ALICES);
    const said = await trying("bob", `vault unlock --first ${await entryOf("bob", "alice", "dave")}`);
    expect([said.status, await holdersOf("bob")]).toEqual([0, ALICES]);
    await as("bob", "git add secrets/bob && git commit -q -m x && git push -q");
    expect(await notCurrent(world, "bob")).toEqual([]);
    await as("alice", "git pull -q --no-edit");
    expect(world.read("alice", "secrets/bob")).toBe("x\n");
  });

  test("an admin who fetched the removal goes on, and settles it for everybody by a rotation", async () => {
    await daveTurnsItAround("git fetch -q");
    await world.join("carol");
    expect((await trying("carol", "vault unlock --yes")).status).toBe(7);
    await as("bob", "git pull -q --no-edit; vault unlock && vault rotate -q --keep carol && git push -q");
    expect(await holdersOf("bob")).toEqual(ALICES);
    await as("carol", "git pull -q --no-edit && vault unlock --yes");
    expect(await holdersOf("carol")).toEqual(ALICES);
    await world.push("carol", "secrets/carol", "x\n");
    expect(await notCurrent(world, "carol")).toEqual([]);
  });
});

describe("who was first on main stays", () => {
  test("in a clone that was made later, and one that pulls both at once, once somebody says so", async () => {
    await bobWasFirst();
    await world.join("carol");
    expect((await trying("carol", "vault unlock --yes")).status).toBe(7);
    const first = await entryOf("carol", "bob", "alice");
    await as("carol", `vault unlock --yes --first ${first}`);
    for (let look = 0; look < 3; look += 1) expect([look, await holdersOf("carol")]).toEqual([look, BOBS]);
    await world.push("carol", "secrets/carol", "x\n");
    expect(await notCurrent(world, "carol")).toEqual([]);
    await as("dave", `git fetch -q; vault status; git pull -q --no-edit; vault unlock --first ${first}`);
    expect(await holdersOf("dave")).toEqual(BOBS);
    expect(world.read("dave", "secrets/carol")).toBe("x\n");
  });

  test("in a clone that was made later, whatever the founder writes after she was removed", async () => {
    await as("bob", `vault revoke -q alice ${KEEP} && git push -q`);
    await as("alice", "git pull -q");
    const added = (await membershipIn(world, "alice")).members.find(({ label }) => label === "github:bob");
    const parents = [added?.records[0] ?? ""];
    const late = await writeEntry(world, "alice", "alice", removing([keyOf(world, "bob").id]), { parents });
    await as("alice", "git add -A && git commit -q -m late && git push -q");
    await world.join("carol");
    await as("carol", "vault unlock --yes");
    for (let look = 0; look < 3; look += 1) expect([look, await holdersOf("carol")]).toEqual([look, BOBS]);
    // Nor where she turns history around, for a clone that saw it as it was.
    const file = `.git-vault/members/${late}`;
    await as("alice", `git switch -q -c mine HEAD~2 && git show main:${file} > ${file} && git add ${file}`);
    await as("alice", "git commit -q -m mine && git merge -q --no-edit main && git push -q -f origin mine:main");
    await trying("carol", "git fetch -q && git reset -q --hard origin/main; vault unlock");
    expect(await holdersOf("carol")).toEqual(BOBS);
  });
});

test("the founder, whom somebody removed, turns it around: the remover's own clone knows better", async () => {
  await as("alice", `vault revoke -q bob ${KEEP}`);
  // Nothing of vault's runs between this and the pull: git's reflog alone has what he pushed.
  await as("bob", `vault revoke -q alice ${KEEP} && git push -q`);
  const merge = "git merge -q -s ours --no-edit origin/main && git checkout -q origin/main .";
  await as("alice", `git fetch -q && ${merge} && git commit -q --amend --no-edit && git push -q`);
  await as("bob", "git pull -q --no-edit; vault unlock");
  for (let look = 0; look < 2; look += 1) expect([look, await holdersOf("bob")]).toEqual([look, BOBS]);
});

describe("a shallow clone", () => {
  test("stops, and asks for the history: with that it says what all say", async () => {
    await bobWasFirst();
    await world.join("dave", "--depth 1");
    const unlocked = await trying("dave", "vault unlock --yes");
    expect([unlocked.status, unlocked.said]).toEqual([
      1,
      expect.stringMatching(/shallow clone lacks the history that says which entry[^]*hint: .*git fetch --unshallow/),
    ]);
    const json = await trying("dave", "vault revoke carol --json --keep bob");
    expect(json.said).toContain('"code":"HISTORY_NEEDED"');
    const status = await trying("dave", "vault status");
    expect([status.status, status.said]).toEqual([7, expect.stringMatching(/^unknown-order: [^]*--unshallow/m)]);
    expect(status.said).not.toMatch(/dispute/);
    for (const line of ["vault grant -q erin", "vault rotate -q", "vault decrypt HEAD:secrets/password"]) {
      const { status: exit, said } = await trying("dave", line);
      expect([line, exit, said]).toEqual([line, 1, expect.stringMatching(/lacks the history/)]);
    }
    const first = await entryOf("dave", "bob", "alice");
    expect(first).toBe("none");
    await as("dave", "git fetch -q --unshallow");
    await as("dave", `vault unlock --first ${await entryOf("dave", "bob", "alice")}`);
    expect(await holdersOf("dave")).toEqual(BOBS);
    await world.push("dave", "secrets/dave", "x\n");
    expect(await notCurrent(world, "dave")).toEqual([]);
    expect((await trying("dave", "vault status")).said).not.toMatch(/unknown-order/);
  });

  test("that was unlocked before encrypts nothing until it has the history", async () => {
    await world.join("dave", "--depth 1");
    await as("dave", "vault unlock --yes");
    await bobWasFirst();
    await as("dave", "git fetch -q --depth 1 && git reset -q --hard origin/main");
    world.write("dave", "secrets/dave", "x\n");
    const added = await trying("dave", "git add secrets/dave");
    expect([added.status, added.said]).toEqual([128, expect.stringMatching(/nothing here proves who was first/)]);
    await as("dave", "git fetch -q --unshallow");
    await as("dave", `vault unlock --first ${await entryOf("dave", "bob", "alice")}`);
    await as("dave", "git add secrets/dave && git commit -q -m x");
    expect(await notCurrent(world, "dave")).toEqual([]);
  });

  test("goes on where the answer is the same, no matter who was first", async () => {
    // Carol was removed by both sides, and then again by somebody who knew of all of it.
    await as("alice", `git switch -q -c pr && vault revoke -q carol ${KEEP} && git push -q origin pr`);
    await as("bob", `vault revoke -q carol ${KEEP} && git push -q`);
    await world.join("erin");
    await as("erin", "git merge -q --no-ff --no-edit -X ours origin/pr && git push -q origin main");
    await as("dave", "git pull -q; vault unlock; vault rotate -q --keep alice --keep bob && git push -q");
    await world.join("bob", "--depth 1");
    await as("bob", "vault unlock --yes && vault status");
    expect(await holdersOf("bob")).toEqual(["github:alice", "github:bob", "github:dave"]);
  });
});
