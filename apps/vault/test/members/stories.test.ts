import { rmSync } from "node:fs";
import { join } from "node:path";
import { keyId } from "@git-vault/git-crypt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keyIn } from "./adversary.ts";
import { keysOfBlobs, notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * What four people do to their branches: alice, bob, carol and dave have the key; erin comes later.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "carol", "dave"], ["erin"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as = (name: string, line: string, cwd?: string): Promise<string> => world.as(name, line, cwd);
const trying = (name: string, line: string, cwd?: string): ReturnType<World["trying"]> => world.trying(name, line, cwd);
const holdersOf = async (name: string): Promise<string[]> =>
  [...(await trying(name, "vault holders --offline")).said.matchAll(/^\S+(?= {2}(?:admin|reader))/gm)].map(
    ([one]) => one,
  );
const ALL = ["github:alice", "github:bob", "github:carol", "github:dave"];
/** The newest of main, readable; nothing is wrong, and nothing open. */
async function isWell(name: string, secret = "hunter2\n"): Promise<void> {
  await trying(name, "git pull -q --no-edit");
  await as(name, "vault unlock < /dev/null && vault status");
  expect([name, world.read(name, "secrets/password")]).toEqual([name, secret]);
  expect([name, await as(name, "git status --porcelain")]).toEqual([name, ""]);
  expect([name, await notCurrent(world, name)]).toEqual([name, []]);
}

describe("a protected main", () => {
  const HOW = {
    merge: "git merge -q --no-ff --no-edit origin/pr",
    squash: "git merge -q --squash origin/pr && git commit -q -m squashed",
    rebase: "git rebase -q HEAD origin/pr && git checkout -q -B main HEAD && git branch -q -u origin/main",
  };
  test.each(Object.entries(HOW))("takes a grant and a rotation by %s", async (_, line) => {
    // Somebody merges on the forge, without the key.
    const forge = async (): Promise<void> => {
      await world.join("erin");
      await as("erin", `${line} && git push -q origin main`);
    };
    await as(
      "alice",
      "git switch -q -c pr && vault grant -q erin && vault grant -q --ci=x -o ~/x && git push -q origin pr",
    );
    await world.push("bob", "secrets/bob", "by bob\n");
    await forge();
    await as("alice", "git switch -q main && git pull -q && git branch -q -D pr");
    await isWell("alice");
    expect(await holdersOf("alice")).toEqual(["ci:x", ...ALL, "github:erin"]);
    await as("erin", "vault unlock --yes");
    expect(world.read("erin", "secrets/bob")).toBe("by bob\n");
    await isWell("erin");

    await as("alice", "git switch -q -c pr && vault revoke -q dave && git push -q -f origin pr && git switch -q main");
    await as("bob", "git pull -q");
    await world.push("bob", "secrets/bob2", "by bob again\n");
    await forge();
    await as("alice", "git pull -q");
    // What bob wrote meanwhile dave can read: status tells, and mends it.
    const status = await trying("alice", "vault unlock; vault status");
    expect([status.status, status.said]).toEqual([7, expect.stringMatching(/^retired-key: secrets\/bob2/m)]);
    await as("alice", "vault status --fix; git commit -q -m fixed && git push -q; vault unlock");
    for (const name of ["alice", "bob", "carol"]) await isWell(name);
    expect(await holdersOf("bob")).toEqual(["ci:x", "github:alice", "github:bob", "github:carol", "github:erin"]);
    await world.join("dave");
    expect((await trying("dave", "vault unlock --yes < /dev/null")).status).not.toBe(0);
  });
});

describe("rotations", () => {
  test("on two branches, merged: one more makes one key of them", async () => {
    await as("alice", "git switch -q -c one && vault rotate -q && git switch -q main");
    await as(
      "bob",
      "git switch -q -c two && vault rotate -q --keep carol --keep dave && git push -q origin two && git switch -q main",
    );
    await as(
      "alice",
      "git fetch -q && vault unlock && git merge -q --no-edit one && git merge -q --no-edit origin/two",
    );
    const status = await trying("alice", "vault status");
    expect([status.status, status.said]).toEqual([
      7,
      expect.stringMatching(/^two-keys: the key default was replaced on two branches/m),
    ]);
    expect(world.read("alice", "secrets/password")).toBe("hunter2\n");
    expect(await as("alice", "vault rotate")).toMatch(/re-encrypted/);
    await as("alice", "git push -q");
    for (const name of ["alice", "bob", "carol", "dave"]) await isWell(name);
    expect(await holdersOf("carol")).toEqual(ALL);
    await world.push("bob", "secrets/bob", "x\n");
    await isWell("carol");
    await isWell("dave");
  });

  test("with an edit of the same secret on both sides", async () => {
    await as(
      "alice",
      "git switch -q -c one && vault rotate -q && printf 'a\\nhunter2\\n' > secrets/password && git commit -q -am a",
    );
    await as("bob", "printf 'hunter2\\nb\\n' > secrets/password && git commit -q -am b && git push -q");
    await as("alice", "git switch -q main && git pull -q");
    await as("alice", "git merge -q --no-edit one");
    expect(world.read("alice", "secrets/password")).toBe("a\nhunter2\nb\n");
    await trying("alice", "vault status --fix && git commit -q -m fixed");
    await as("alice", "git push -q");
    await isWell("alice", "a\nhunter2\nb\n");
    await isWell("carol", "a\nhunter2\nb\n");
  });

  test("rejected, reset and made again", async () => {
    await as("alice", "vault rotate -q");
    const given = keyId(keyIn(world, "alice"));
    await world.push("bob", "secrets/bob", "x\n");
    expect((await trying("alice", "git push -q")).status).not.toBe(0);
    await as("alice", "git fetch -q && git reset -q --hard origin/main && vault status");
    await as("alice", "echo y > secrets/alice && git add -A && git commit -q -m y && git push -q");
    expect(await notCurrent(world, "alice")).toEqual([]);
    await isWell("bob");
    await as("alice", "vault rotate -q && git push -q");
    expect(await notCurrent(world, "alice")).toEqual([]);
    for (const name of ["alice", "bob", "carol"]) await isWell(name);
    expect(keyId(keyIn(world, "bob"))).not.toBe(given);
    expect(await holdersOf("carol")).toEqual(ALL);
  });

  test("reverted, and the revert reverted", async () => {
    await as("alice", "vault revoke -q dave && git push -q");
    await isWell("bob");
    await as("alice", "git revert --no-edit HEAD && git push -q");
    for (const name of ["alice", "bob"]) {
      await trying(name, "git pull -q --no-edit; vault unlock");
      const status = await trying(name, "vault status");
      expect([name, status.status, status.said]).toEqual([name, 7, expect.stringMatching(/^log-cut: /m)]);
      expect(world.read(name, "secrets/password")).toBe("hunter2\n");
    }
    expect((await trying("bob", "echo x > secrets/x; git add -A; rm secrets/x")).said).toMatch(
      /was taken off this branch/,
    );
    await as("alice", "git revert --no-edit $(git log --format=%H --grep '^Revert' -1)");
    await trying("alice", "vault unlock; vault status --fix && git commit -q -m fixed");
    await as("alice", "git push -q && vault status");
    for (const name of ["alice", "bob", "carol"]) await isWell(name);
    expect(await holdersOf("bob")).toEqual(["github:alice", "github:bob", "github:carol"]);
  });

  test("in a pull request that is closed: nobody is bothered any more", async () => {
    await as("alice", "git switch -q -c pr && vault revoke -q dave && git push -q origin pr && git switch -q main");
    await as("bob", "git fetch -q");
    expect((await trying("bob", "vault status")).said).toMatch(
      /^removal-elsewhere: github:dave was removed on origin\/pr by github:alice/m,
    );
    expect((await trying("bob", "vault unlock")).said).toMatch(
      /removed github:dave on origin\/pr, who can read what is written here until that is merged/,
    );
    await as("alice", "git push -q origin :pr && git branch -q -D pr");
    await as("bob", "git fetch -q --prune && vault status");
    await world.push("alice", "secrets/password", "hunter3\n");
    for (const name of ["alice", "bob", "carol", "dave"]) await isWell(name, "hunter3\n");
    await as("alice", "vault rotate -q && git push -q");
    for (const name of ["bob", "dave"]) await isWell(name, "hunter3\n");
  });

  test("somebody who is let in again beside a rotation has no copy until sync makes one", async () => {
    await as("alice", "vault revoke -q dave && git push -q");
    await isWell("bob");
    await as("bob", "git switch -q -c back && vault grant -q --readmit dave");
    await as("alice", "vault rotate -q && git push -q");
    await as("bob", "git switch -q main && git pull -q && vault unlock && git merge -q --no-edit back && git push -q");
    const status = await trying("bob", "vault status");
    const lacking = /^no-copy: github:dave may open the key default, and no copy of it is for them/m;
    expect([status.status, status.said]).toEqual([7, expect.stringMatching(lacking)]);
    await as("bob", "vault sync -q --yes && git push -q && vault status");
    await isWell("dave");
  });

  test("a grant that a rebase put behind a rotation is renewed by sync", async () => {
    await as("bob", "vault grant -q erin");
    await as("alice", "vault rotate -q && git push -q");
    await as("bob", "git pull -q --rebase && git push -q; vault unlock");
    const status = await trying("bob", "vault status");
    expect([status.status, status.said]).toEqual([
      7,
      expect.stringMatching(
        /^(?:no-copy: github:erin may open the key default, and no copy of it is for them|stale-key)/m,
      ),
    ]);
    await world.join("erin");
    expect((await trying("erin", "vault unlock --yes < /dev/null")).said).toMatch(
      /no copy of the key default is for github:erin/,
    );
    expect((await trying("bob", "vault sync --check")).status).toBe(7);
    await as("bob", "vault sync -q --keep alice --keep carol --keep dave --keep erin && git push -q && vault status");
    await isWell("erin");
    await isWell("alice");
  });
});

describe("clones of other kinds", () => {
  test("worktrees, each on a branch of its own with a key of its own", async () => {
    const tree = join(world.home("alice"), "tree");
    await as("alice", `git worktree add -q -b away ${tree}`);
    await as("alice", "vault revoke -q dave", tree);
    await as("alice", "echo x > secrets/main && git add -A && git commit -q -m x && git push -q");
    await as("alice", "echo y > secrets/away && git add -A && git commit -q -m y", tree);
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(await notCurrent(world, "alice", tree)).toEqual([]);
    await as("dave", "git pull -q");
    expect(world.read("dave", "secrets/main")).toBe("x\n");
    expect((await trying("alice", "vault status")).said).toMatch(
      /^removal-elsewhere: github:dave was removed on away/m,
    );
    await as("alice", "git merge -q --no-edit main; vault status --fix && git commit -q -m fixed; vault status", tree);
    await as("alice", "git merge -q --no-edit away && git push -q && vault status");
    for (const name of ["alice", "bob"]) await isWell(name);
  });

  test("shallow and partial ones unlock, write and follow a rotation", async () => {
    await as("alice", "vault grant -q erin && git push -q");
    for (const [name, options] of [
      ["bob", "--depth 1"],
      ["carol", "--filter=blob:none"],
      ["erin", "--depth 1 --filter=blob:none"],
    ] as const) {
      await world.join(name, options);
      await as(name, "vault unlock --yes && vault status");
      await world.push(name, `secrets/${name}`, "x\n");
      expect(await notCurrent(world, name)).toEqual([]);
      for (const other of ["bob", "carol", "alice"]) if (other !== name) await as(other, "git pull -q --no-edit");
    }
    await as("alice", "vault revoke -q dave && git push -q");
    for (const name of ["bob", "carol", "erin"]) {
      await isWell(name);
      expect(await holdersOf(name)).toEqual(["github:alice", "github:bob", "github:carol", "github:erin"]);
      expect(world.read(name, "secrets/bob")).toBe("x\n");
    }
    await as("bob", "vault rotate -q --keep carol --keep erin && git push -q");
    await isWell("alice");
  });

  test("one that plain git-crypt unlocked, in the middle of a pull of a rotation", async () => {
    await as("alice", "vault export-key -q -o ~/key");
    const plain = join(world.home("bob"), "plain");
    await as(
      "bob",
      `git clone -q file://${world.folder}/origin.git ${plain} && cd ${plain} && git-crypt unlock ${world.home("alice")}/key`,
      world.folder,
    );
    await as("alice", "vault rotate -q && git push -q");
    await world.push("alice", "secrets/password", "hunter3\n");
    const pulled = await trying("bob", "git pull -q", plain);
    expect(pulled.status).not.toBe(0);
    const said = (await trying("bob", "vault unlock", plain)).said;
    expect(said).toContain("a pull stopped halfway");
    // The order that is named, to the letter.
    const [, order = ""] = /a pull stopped halfway: (.*)/.exec(said) ?? [];
    const lines = [...order.matchAll(/`((?:git|vault) [^`]+)`/g)].map(([, line = ""]) => line);
    expect(lines).toEqual(["git stash -u", "git pull", "vault unlock"]);
    for (const line of lines) await as("bob", line, plain);
    expect(await as("bob", "cat secrets/password", plain)).toBe("hunter3\n");
    expect(await as("bob", "git status --porcelain", plain)).toBe("");
    await as("bob", "vault status", plain);
  });

  test("plain git-crypt works at every head, by the key that is exported there", async () => {
    await as("alice", "vault grant -q erin && vault rotate -q && git push -q");
    await world.push("alice", "secrets/password", "hunter3\n");
    await as("bob", "git pull -q; vault unlock");
    await as(
      "bob",
      "git switch -q -c two && vault revoke -q dave --keep carol --keep erin && git push -q -u origin two",
    );
    for (const branch of ["main", "two"]) {
      await as("bob", `git switch -q ${branch} && vault unlock; vault export-key -q -o ~/key-${branch}`);
      const plain = join(world.home("carol"), `plain-${branch}`);
      await as(
        "carol",
        `git clone -q -b ${branch} file://${world.folder}/origin.git ${plain} && cd ${plain} && git-crypt unlock ${world.home("bob")}/key-${branch}`,
        world.folder,
      );
      expect([branch, await as("carol", "cat secrets/password && git status --porcelain", plain)]).toEqual([
        branch,
        "hunter3\n",
      ]);
      await as("carol", `echo by carol > secrets/carol-${branch} && git add -A && git commit -q -m c`, plain);
      expect((await keysOfBlobs(world, "carol", plain)).filter(({ by }) => by !== "current")).toEqual([]);
      rmSync(plain, { recursive: true });
    }
  });
});
