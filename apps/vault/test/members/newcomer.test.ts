import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * What somebody meets who knows none of this: each message leads to a command that works.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "mal"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as: World["as"] = (...args) => world.as(...args);
const trying: World["trying"] = (...args) => world.trying(...args);

/** What a command says that ends so. */
async function ends(status: number, name: string, line: string): Promise<string> {
  const told = await trying(name, `${line} </dev/null`);
  expect([line, told.status, told.said]).toEqual([line, status, told.said]);
  return told.said;
}

describe("revoke", () => {
  test("in a locked clone stops before anything is written, and says what comes first", async () => {
    await world.join("alice");
    await as("alice", "vault unlock -q --yes && vault lock -q");
    const before = await as("alice", "git rev-parse HEAD");
    const said = await ends(3, "alice", "vault revoke mal");
    expect(said).toMatch(/the key default that this branch names is not in this clone\n.*hint: .*`vault unlock`/);
    expect(await as("alice", "git rev-parse HEAD; git status --porcelain")).toBe(before);
    await as("alice", "vault unlock -q && vault revoke -q mal && vault status");
  });

  test("of somebody's last key says that they go altogether, and does so by their name alone", async () => {
    const [, bob = ""] = (await as("alice", "vault holders --offline")).match(/SHA256:\S+/g) ?? [];
    const said = await ends(2, "alice", `vault revoke --yes --key ${bob}`);
    expect(said).toMatch(/github:bob has no other key, and would be removed altogether\n.*hint: .*`vault grant`/);
    expect(await as("alice", "vault holders --offline")).toContain("github:bob");
    expect(await ends(0, "alice", `vault revoke bob --key ${bob}`)).toMatch(/github:bob is no member any more/);
  });
});

test("revoke of one key, and of somebody altogether, says which", async () => {
  const said = await ends(0, "alice", "vault revoke bob --key-name default --drop mal --keep alice");
  expect(said).toMatch(/github:bob may not open the key default any more\n.*github:mal is no member any more\n/);
  expect(await as("alice", "vault holders --offline")).toMatch(/^github:bob {2}admin/m);
});

describe("unlock, by somebody who was removed,", () => {
  test("tells by whom and when, in each state of their clone", async () => {
    await as("alice", "vault revoke -q mal && git push -q");
    await as("mal", "git pull -q --no-edit");
    const removed =
      /error: github:alice removed github:mal from the members log on 20\d\d-\d\d-\d\d.*\n.*hint: ask an admin/;
    const unlocked = await ends(3, "mal", "vault unlock");
    expect(unlocked).toMatch(removed);
    expect(unlocked).not.toMatch(/`vault unlock`/);
    await as("mal", "vault lock -q");
    expect(await ends(3, "mal", "vault unlock")).toMatch(removed);
    await world.join("mal");
    expect(await ends(3, "mal", "vault unlock --yes")).toMatch(removed);
    // What they still have opens what it always opened.
    await as("alice", "vault grant -q --readmit mal && git push -q");
    await as("mal", "git pull -q && vault unlock -q");
    expect(world.read("mal", "secrets/password")).toBe("hunter2\n");
  });
});

describe("a rotation by somebody else, and commits of one's own", () => {
  beforeEach(async () => {
    world.write("bob", "secrets/password", "hunter2\nbob\n");
    await as("bob", "git commit -qam bob");
    world.write("alice", "secrets/password", "alice\nhunter2\n");
    await as("alice", "git commit -qam alice && vault revoke -q mal && git push -q");
  });

  const both = async (): Promise<void> => {
    expect(world.read("bob", "secrets/password")).toBe("alice\nhunter2\nbob\n");
    await as("bob", "vault status");
    expect(await notCurrent(world, "bob")).toEqual([]);
  };

  test("fetch, unlock, pull merges without a word", async () => {
    const status = await ends(7, "bob", "git fetch -q; vault status");
    expect(status).toMatch(/^removal-elsewhere: .*\n.*`vault unlock`, then .*`git pull`/m);
    await as("bob", "vault unlock -q && git pull -q --no-edit");
    await both();
  });

  test.each([
    ["pull --no-edit", "git commit -q --no-edit"],
    ["pull --rebase", "GIT_EDITOR=true git rebase --continue"],
  ])("%s before unlock: the file is named until it is merged, which works after unlock", async (pull, finish) => {
    const said = await ends(1, "bob", `git ${pull}`);
    expect(said).toMatch(
      /secrets\/password could not be merged\n.*replaced by a new one, which this clone does not have/,
    );
    expect(said).not.toMatch(/tampered/);
    const unmerged = /^unmerged: secrets\/password is in conflict and holds only our side/m;
    expect(await ends(7, "bob", "vault status")).toMatch(unmerged);
    await as("bob", "vault unlock -q");
    expect(await ends(7, "bob", "vault status")).toMatch(unmerged);
    await as("bob", "git checkout --merge secrets/password");
    expect(world.read("bob", "secrets/password")).toBe("alice\nhunter2\nbob\n");
    await as("bob", `git add secrets/password && ${finish}`);
    await both();
  });

  test.each([
    ["pull --no-edit", "git merge --abort"],
    ["pull --rebase", "git rebase --abort"],
  ])("%s before unlock is undone, and works after unlock", async (pull, abort) => {
    await ends(1, "bob", `git ${pull}`);
    await as("bob", `${abort} && vault unlock -q && git ${pull}`);
    expect(world.read("bob", "secrets/password")).toContain("alice");
    await both();
  });

  test("with an edit that is not committed: status says what comes first, and that works", async () => {
    await as("bob", "git reset -q --mixed HEAD~1");
    expect(await ends(1, "bob", "git pull")).toMatch(/commit your changes or stash them/);
    const said = await ends(7, "bob", "vault status");
    expect(said).toMatch(/`vault unlock`, then commit or stash your changes, and [^\n]*`git pull`/);
    await as("bob", "vault unlock -q && git stash -q && git pull -q --no-edit && git stash pop -q");
    expect(world.read("bob", "secrets/password")).toBe("alice\nhunter2\nbob\n");
    await as("bob", "git commit -qam bob && vault status");
    expect(await notCurrent(world, "bob")).toEqual([]);
  });

  test("a stash that is popped before unlock is merged after it", async () => {
    await as("bob", "git reset -q --soft HEAD~1 && git stash -q && git pull -q --no-edit");
    await ends(1, "bob", "git stash pop");
    expect(await ends(7, "bob", "vault unlock -q; vault status")).toMatch(/^unmerged: secrets\/password /m);
    await as("bob", "git checkout --merge secrets/password");
    expect(world.read("bob", "secrets/password")).toBe("alice\nhunter2\nbob\n");
  });
});

test("advice that needs the key begins with unlock in a locked clone", async () => {
  await world.join("bob");
  world.write("bob", "secrets/x", "x\n");
  await as("bob", "git add secrets/x");
  expect(await ends(7, "bob", "vault status")).toMatch(
    /^staged-plaintext: secrets\/x .*\n {2}first run `vault unlock`; then encrypt it with `vault status --fix`/m,
  );
  await as("bob", "vault unlock -q --yes; vault status --fix; git commit -qm x && vault status");
  expect(await notCurrent(world, "bob")).toEqual([]);
});
