import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { adding, keyOf, newKey, recordOf, writeEntry } from "./adversary.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * What an admin prepares who is about to be removed: keys that nobody has, keys and admins that
 * nobody looks at. And what somebody who may push, or has a repository of their own, makes of
 * copies and of addresses.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "mal"], ["eve"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as: World["as"] = (...words) => world.as(...words);
const trying: World["trying"] = (...words) => world.trying(...words);

const nothing = { role: null, opens: [], label: null, readmits: [] };

test("key names that nobody has keep nobody from being removed", async () => {
  const names = ["n0", "n1", "n2"];
  for (const name of ["mal", "alice", "bob"]) {
    const member = await recordOf(world, "mal", name);
    await writeEntry(world, "mal", "mal", { kind: "give", member, keys: [], ...nothing, opens: names });
  }
  const random = (): string => randomBytes(32).toString("hex");
  const generations = names.map((keyName) => ({ keyName, commitment: random(), audience: random() }));
  await writeEntry(world, "mal", "mal", { kind: "generation", generations });
  await as("mal", "git add -A && git commit -q -m x && git push -q");
  await as("alice", "git pull -q && vault unlock -q && vault revoke -q mal && git push -q");
  expect((await trying("alice", "vault holders --offline")).said).not.toMatch(/mal/);
  expect((await trying("alice", "vault status")).status).toBe(0);
  await as("bob", "git pull -q && vault unlock -q");
  await world.push("bob", "secrets/of-bob", "bob\n");
  await as("alice", "git pull -q");
  expect(world.read("alice", "secrets/of-bob")).toBe("bob\n");
});

test("nor do files that are encrypted with such a key, where one says so", async () => {
  await as("mal", "vault init -q --key-name lost 'lost/**'");
  await world.push("mal", "lost/file", "x\n");
  for (const name of ["alice", "bob"]) {
    const member = await recordOf(world, "mal", name);
    await writeEntry(world, "mal", "mal", { kind: "give", member, keys: [], ...nothing, opens: ["lost"] });
  }
  await as("mal", "git add -A && git commit -q -m x && git push -q");
  await as("alice", "git pull -q");
  const stopped = await trying("alice", "vault revoke mal");
  expect([stopped.status, stopped.said]).toEqual([3, expect.stringMatching(/vault revoke --leave-unopened/)]);
  const done = await trying("alice", "vault revoke --leave-unopened mal");
  expect([done.status, done.said]).toEqual([7, expect.stringMatching(/NOT REPLACED: the key lost/)]);
  expect((await trying("alice", "vault holders --offline")).said).not.toMatch(/mal/);
  await as("alice", "vault rotate -q --key-name lost --leave-unopened && git push -q");
  expect((await trying("alice", "vault status")).said).not.toMatch(/stale-key/);
});

test("a key that was put on one's own record beside a known one is marked, no matter who signed it with which key", async () => {
  const second = await newKey(world, "mal", "id_second");
  const evil = await newKey(world, "mal", "id_evil");
  const [mal, alice] = [await recordOf(world, "mal", "mal"), await recordOf(world, "mal", "alice")];
  await writeEntry(world, "mal", "mal", { kind: "give", member: mal, keys: [second], ...nothing });
  const both = [keyOf(world, "alice"), evil];
  await writeEntry(world, "mal", "mal", { kind: "give", member: alice, keys: both, ...nothing }, { key: "id_second" });
  const taken = [second.id];
  await writeEntry(world, "mal", "mal", {
    kind: "take",
    member: mal,
    keys: taken,
    role: null,
    opens: [],
    generations: [],
  });
  await as("mal", "git add -A && git commit -q -m x && git push -q");
  await as("alice", "git pull -q");
  const rotated = await trying("alice", "vault rotate --yes");
  expect([rotated.status, rotated.said]).toEqual([2, expect.stringContaining(`! the key ${evil.id} is new to you`)]);
  const { status, said } = await trying("alice", "vault revoke --yes mal");
  expect([status, said]).toEqual([2, expect.stringMatching(/! the key \S+ is added by github:mal, who is being/)]);
  // Nobody else is marked for what was done to alice's record.
  expect(said.match(/^ {2}github:\w+|^ {4}! /gm)).toEqual([
    "  github:mal",
    "  github:alice",
    "    ! ",
    "    ! ",
    "    ! ",
    "  github:bob",
  ]);
  await as("alice", `vault revoke -q --yes mal --key ${evil.id}`);
  expect((await trying("alice", "vault holders --offline")).said).not.toContain(evil.id);
});

test("an admin who opens no key is shown where somebody is removed, and gets none by sync unasked", async () => {
  const friend = await newKey(world, "eve", "id_friend");
  const record = await writeEntry(world, "mal", "mal", adding([friend], { opens: [], label: "file:build-bot" }));
  await as("mal", "git add -A && git commit -q -m x && git push -q");
  await as("alice", "git pull -q");
  const { status, said } = await trying("alice", "vault revoke --yes mal");
  expect([status, said]).toEqual([
    2,
    expect.stringMatching(/an admin can give keys to themselves later\n {2}file:build-bot\n[^]*! new to you, added by/),
  ]);
  // Where nobody goes: what the friend gives to themselves.
  await world.join("eve");
  const opens = ["default"];
  await writeEntry(
    world,
    "eve",
    "eve",
    { kind: "give", member: record, keys: [], ...nothing, opens },
    {
      key: "id_friend",
    },
  );
  await as("eve", "git add -A && git commit -q -m x && git push -q");
  await as("alice", "git pull -q");
  const synced = await trying("alice", "vault sync --yes");
  expect([synced.status, synced.said]).toEqual([
    2,
    expect.stringMatching(/the key default will be for\n {2}file:build-bot\n[^]*not confirmed who gets the key:/),
  ]);
  expect((await trying("alice", "git status --porcelain")).said).toBe("");
  await as("alice", "vault sync -q --keep file:build-bot && git push -q");
  await as("eve", "git pull -q && vault unlock -q --yes --key ~/.ssh/id_friend");
  expect(world.read("eve", "secrets/password")).toBe("hunter2\n");
});

test("a copy of a further key that was removed is missed, and made again", async () => {
  await as("alice", "vault init -q --key-name prod 'prod/**'");
  await world.push("alice", "prod/secret", "s\n");
  await as("alice", "vault grant -q --key-name prod bob && git push -q");
  await world.join("eve");
  await as(
    "eve",
    "git rm -q $(git log -1 --format= --name-only --diff-filter=A -- .git-vault/sealed/prod) && git commit -qm x && git push -q",
  );
  await as("alice", "git pull -q");
  const checked = await trying("alice", "vault sync --check");
  expect([checked.status, checked.said]).toEqual([
    7,
    expect.stringContaining("github:bob may open the key prod, and no copy of it is for them"),
  ]);
  await as("alice", "vault sync -q && git push -q");
  await world.join("bob");
  await as("bob", "vault unlock -q --yes");
  expect(world.read("bob", "prod/secret")).toBe("s\n");
});

test("a fork's log never takes the place of the team's in the user's memory", async () => {
  const known = (): string =>
    readFileSync(`${world.home("bob")}/.config/git-vault/known-repositories`, "utf8").replaceAll(/^#.*\n/gm, "");
  const fork = `${world.folder}/fork.git`;
  await as("eve", `git init -q --bare -b main ${fork} && git init -q -b main f`, world.home("eve"));
  const folder = `${world.home("eve")}/f`;
  await as(
    "eve",
    `git remote add origin file://${fork} && vault init -q 'other/**' && mkdir other && echo x > other/x && git add -A && git commit -qm fork && vault grant -q bob && git push -q -u origin main`,
    folder,
  );
  const before = known();
  expect(before.trim().split("\n")).toHaveLength(1);
  await as("bob", `git clone -q file://${fork} ../f && cd ../f && vault unlock -q --yes`);
  expect(known().trim().split("\n")).toHaveLength(2);
  await as(
    "bob",
    `cd ../f && git remote add upstream file://${world.folder}/origin.git && git fetch -q upstream && vault status -q`,
  );
  expect(known()).toContain(before);
  // As the address says now: another clone's memory does not matter.
  const moved = await trying(
    "bob",
    "cd ../f && git remote set-url origin $(git remote get-url upstream) && vault holders",
  );
  expect([moved.status, moved.said]).toEqual([7, expect.stringMatching(/another than the one that was accepted/)]);
});
