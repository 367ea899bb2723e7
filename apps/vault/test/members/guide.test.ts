import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keyOf, newKey } from "./adversary.ts";
import { keysOfBlobs, notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * What the pages of docs/ lead people through, to the letter: who uses git-crypt, and who has no
 * account on a forge.
 */

let template: Template;
let world: World;

const as = (name: string, line: string, cwd?: string): Promise<string> => world.as(name, line, cwd);
const trying = (name: string, line: string, cwd?: string): ReturnType<World["trying"]> => world.trying(name, line, cwd);

beforeAll(async () => void (template = await makeTemplate(["alice", "dave"], ["carol", "bob"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

describe("a colleague with git-crypt", () => {
  let clone: string;
  const carol = (line: string): Promise<string> => as("carol", line, clone);
  beforeEach(async () => {
    clone = join(world.home("carol"), "plain");
    await as("carol", `git clone -q file://${world.folder}/origin.git ${clone}`, world.folder);
    await as("alice", "vault share -q --to carol --yes -o ~/message.txt");
    await carol("age -d -i ~/.ssh/id_ed25519 ../../alice/message.txt > ../key && git-crypt unlock ../key");
    await carol("grep -qx hunter2 secrets/password");
    await as("alice", "vault revoke -q dave && git push -q && vault share -q --to carol --yes -o ~/message2.txt");
    await world.push("alice", "secrets/password", "hunter3\n");
    await carol("age -d -i ~/.ssh/id_ed25519 ../../alice/message2.txt > ../new-key");
  });

  /** What carol reads, and how far she goes on. */
  const goesOn = async (): Promise<string[]> => {
    const read = await carol("cat secrets/password && git status --porcelain");
    await carol("echo by carol > secrets/carol && git add -A && git commit -q -m carol && git push -q");
    const blobs = await keysOfBlobs(world, "carol", clone);
    await as("alice", "git pull -q --no-edit && vault status");
    return [read, ...blobs.map(({ by }) => by), world.read("alice", "secrets/carol")];
  };
  const WELL = ["hunter3\n", "current", "current", "by carol\n"];

  test("locks, pulls and unlocks with the new key", async () => {
    await carol("git-crypt lock && git pull -q && git-crypt unlock ../new-key");
    expect(await goesOn()).toEqual(WELL);
  });

  test("who pulled first gets out of it, with what they had changed", async () => {
    await carol("echo mine > notes");
    expect((await trying("carol", "git pull -q", clone)).status).not.toBe(0);
    await carol("git clean -f -d -q .git-vault && git ls-files -z --deleted | xargs -0 git restore");
    await carol("git stash --include-untracked && git-crypt lock --force && git pull -q");
    await carol("git-crypt unlock ../new-key && git stash pop");
    expect(await carol("cat notes && rm notes")).toBe("mine\n");
    expect(await goesOn()).toEqual(WELL);
  });
});

describe("somebody without an account", () => {
  const bob = async (key = "id_ed25519"): Promise<string> => {
    await world.join("bob");
    await trying("bob", `vault unlock --yes -k ~/.ssh/${key} < /dev/null`);
    return world.read("bob", "secrets/password");
  };
  beforeEach(async () => {
    await as("alice", "cp ~/../bob/.ssh/id_ed25519.pub ~/bob.pub && vault grant -q --yes ~/bob.pub && git push -q");
    await bob();
  });
  const holders = (): Promise<string> => as("alice", "vault holders --offline");

  test("gets a second key, and stays one member; the old laptop's key goes", async () => {
    await newKey(world, "bob", "laptop");
    await as(
      "bob",
      "cat ~/.ssh/id_ed25519.pub ~/.ssh/laptop.pub > ~/bob.keys && vault grant -q --yes ~/bob.keys && git push -q",
    );
    await as("alice", "git pull -q");
    expect((await holders()).match(/^file:bob/gm)).toHaveLength(1);
    expect(await bob("laptop")).toBe("hunter2\n");
    await as("alice", `vault revoke -q --key ${keyOf(world, "bob").id} --keep file:bob && git push -q`);
    await world.push("alice", "secrets/password", "hunter3\n");
    expect(await bob()).not.toMatch(/hunter/);
    expect(await bob("laptop")).toBe("hunter3\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
  });

  test("loses the only key, and comes back with a new one by the old name", async () => {
    const report = await as("alice", "vault revoke file:bob");
    expect(report).toMatch(/\[ \] secrets\/password/);
    await newKey(world, "bob", "laptop");
    await as(
      "alice",
      "cp ~/../bob/.ssh/laptop.pub ~/bob.pub && git push -q && vault grant -q --yes ~/bob.pub && git push -q",
    );
    await world.push("alice", "secrets/password", "hunter3\n");
    expect(await bob("laptop")).toBe("hunter3\n");
    expect(await bob()).not.toMatch(/hunter/);
    expect((await holders()).match(/^file:bob/gm)).toHaveLength(1);
  });
});
