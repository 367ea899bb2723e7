import { join } from "node:path";
import { makeTeamWorld, type TeamWorld } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * A team on real git: alice begins a repository, bob and carol join by grants alone, keys change,
 * bob leaves. Each has a home, a key on the stand-in for GitHub, and a clone. The stories go on
 * from each other.
 */

let world: TeamWorld;
beforeAll(async () => {
  world = await makeTeamWorld(VAULT, ["alice", "bob", "carol"]);
  await world.begin();
});
afterAll(() => world.close());

const as: TeamWorld["as"] = (...line) => world.as(...line);
const failing: TeamWorld["trying"] = (...line) => world.trying(...line);
const read = (name: string, file: string): string => world.read(name, file).toString();

describe("a team", () => {
  test("grows: granted, cloned, unlocked with no message, edited and pushed", async () => {
    expect(await as("alice", "vault grant bob")).toMatch(/github:bob is seen for the first time/);
    await as("alice", "git push -q");
    await world.join("bob");
    const unlocked = await as("bob", "vault unlock");
    expect(unlocked).toMatch(/unlocked with the key default: 1 file decrypted/);
    expect(unlocked).toMatch(/by the grant to github:bob of \d{4}-\d\d-\d\d by github:alice, signed$/m);
    expect(read("bob", "secrets/password")).toBe("hunter2\n");
    world.write("bob", "secrets/password", "hunter3\n");
    await world.commit("bob", "edit");
    await as("bob", "git push -q");
    await as("alice", "git pull -q");
    expect(read("alice", "secrets/password")).toBe("hunter3\n");
  });

  test("grants on two branches at once, which merge without a conflict", async () => {
    await as("alice", "git switch -q -c one");
    await as("alice", "vault grant -q carol");
    await as("alice", "git switch -q -c two main");
    await as("alice", "vault grant -q carol");
    await as("alice", "vault grant -q --ci=deploy");
    await as("alice", "git switch -q main");
    await as("alice", "git merge -q --no-edit one");
    await as("alice", "git merge -q --no-edit two");
    await as("alice", "git push -q");
    const holders = await as("alice", "vault holders");
    expect(holders.match(/^\S+/gm)).toEqual(["ci:deploy", "github:bob", "github:carol"]);
    await world.join("carol");
    await as("carol", "vault unlock");
    expect(read("carol", "secrets/password")).toBe("hunter3\n");
  });

  test("follows a change of keys: what was pinned stops it, holders tells, sync renews", async () => {
    const carol = world.github.users.get("carol");
    if (carol === undefined) throw new Error("carol is a user");
    carol.keys = [await world.newKey("carol", "id_new")];
    const stopped = await failing("alice", "vault grant carol");
    expect(stopped.status).toBe(2);
    expect(stopped.stderr).toMatch(
      /the keys of github:carol are not those that were seen before:\n {2}added {4}SHA256:/,
    );
    expect(stopped.stderr).toMatch(/error: the keys of github:carol were changed since they were seen/);
    expect((await failing("alice", "vault share --key-name default --to carol")).status).toBe(2);
    const holders = await failing("alice", "vault holders");
    expect(holders.status).toBe(7);
    expect(holders.stdout.toString()).toMatch(/removed from their account[^]*not granted to/);
    expect((await failing("alice", "vault sync --check")).status).toBe(7);
    expect((await failing("alice", "vault sync")).stderr).toMatch(/holders have keys that were not granted to/);
    await as("alice", "vault sync --yes");
    await as("alice", "vault sync --check");
    // What was admitted is remembered.
    expect(await as("alice", "vault grant carol")).toMatch(/has a grant for the same keys already/);
    await as("alice", "vault holders");
    await as("alice", "git push -q");
    await as("carol", "git pull -q");
    await as("carol", "vault lock");
    expect((await failing("carol", "vault unlock")).status).not.toBe(0);
    await as("carol", `vault unlock -k ${join(world.home("carol"), ".ssh/id_new")}`);
  });

  test("takes one out: the key is replaced, and the others get the new one by their grants", async () => {
    await as("bob", "git pull -q");
    const report = await as("alice", "vault revoke bob");
    expect(report).toMatch(/github:bob holds no grant of the key default any more/);
    expect(report).toMatch(/change the secrets in these files:\n {2}\[ \] secrets\/password/);
    world.write("alice", "secrets/password", "hunter4\n");
    await world.commit("alice", "change");
    await as("alice", "git push -q");
    expect((await as("alice", "vault holders")).match(/^\S+/gm)).toEqual(["ci:deploy", "github:carol"]);

    const pulled = await as("carol", "git pull -q");
    expect(
      pulled.match(/replaced by another, which is not here: the files that need it stay encrypted$/gm),
    ).toHaveLength(1);
    expect(await as("carol", "git status --porcelain")).toBe("");
    world.write("carol", "secrets/new", "new\n");
    expect((await failing("carol", "git add secrets/new")).stderr).toMatch(/take the present key with `vault unlock`/);
    await as("carol", `vault unlock -k ${join(world.home("carol"), ".ssh/id_new")}`);
    await as("carol", "git add secrets/new");
    await as("carol", "git rm -q -f secrets/new");
    expect(read("carol", "secrets/password")).toBe("hunter4\n");
    expect(await as("carol", "git status --porcelain")).toBe("");
    expect(await as("carol", "vault decrypt HEAD~2:secrets/password")).toBe("hunter3\n");

    await as("bob", "git fetch -q");
    const told = /the grant to github:bob was removed by alice on \d{4}-\d\d-\d\d, in the commit [0-9a-f]{12}/;
    const stopped = await failing("bob", "vault unlock");
    expect(stopped.status).toBe(3);
    expect(stopped.stderr).toMatch(told);
    const key = join(world.clone("bob"), ".git/git-crypt/keys/default");
    const opened = await failing("bob", `vault decrypt --key-file ${key} origin/main:secrets/password`);
    expect(opened.status).not.toBe(0);
    expect(opened.stdout.toString()).not.toContain("hunter4");
    await world.join("bob");
    const again = await failing("bob", "vault unlock");
    expect(again.status).not.toBe(0);
    expect(again.stderr).toMatch(told);
  });

  test("rotates on two branches at once: the second merges the first, and makes one key of both", async () => {
    const withKey = `-k ${join(world.home("carol"), ".ssh/id_new")}`;
    // Else what she grants is not signed, and has to be confirmed.
    const signed = `--sign-key ${join(world.home("carol"), ".ssh/id_new")}`;
    await as("alice", "vault rotate -q");
    await as("alice", "git push -q");
    await as("carol", `vault rotate -q ${signed}`);
    expect((await failing("carol", "git push -q")).status).not.toBe(0);
    await as("carol", "git fetch -q");
    expect(await as("carol", `vault unlock ${withKey}`)).toMatch(/the key was rotated on another branch, too/);
    await as("carol", "git pull -q --no-edit");
    const status = await failing("carol", "vault status");
    expect(status.status).toBe(7);
    expect(status.stdout.toString()).toMatch(/^merged-rotations: [^]*make one of them with `vault rotate`$/m);
    expect(read("carol", "secrets/password")).toBe("hunter4\n");
    await as("carol", `vault rotate -q ${signed}`);
    await as("carol", "vault status");
    await as("carol", "git push -q");
    expect((await as("carol", "vault holders --offline")).match(/^\S+/gm)).toEqual(["ci:deploy", "github:carol"]);

    // alice has no grant: she is handed the key.
    await as("alice", "git fetch -q");
    const lacking = await as("alice", "vault unlock");
    expect(lacking).toMatch(
      /a rotation made a key that is not here, and no grant here is for a private key of yours$/m,
    );
    await as("carol", "vault grant -q --yes alice");
    await as("carol", "git push -q");
    await as("alice", "git fetch -q");
    expect(await as("alice", "vault unlock")).toMatch(/the key was replaced by a rotation: now `git pull`$/m);
    await as("alice", "git pull -q");
    expect(read("alice", "secrets/password")).toBe("hunter4\n");
    expect(await as("alice", "git status --porcelain")).toBe("");
    await as("alice", "vault status");
    await as("alice", "vault doctor");
  });
});
