import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { adding, keyOf, newKey, recordOf, writeEntry } from "./adversary.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * Names that mean another than they seem to: of members, of objects, and of people who are not
 * there yet.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "mal"], ["eve"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as: World["as"] = (...words) => world.as(...words);
const trying: World["trying"] = (...words) => world.trying(...words);

test("a friend who is called as another in other letters, or as their account, is not kept by that name", async () => {
  const account = `${new URL(world.github.url).host}/101`;
  const friend = await newKey(world, "mal", "id_friend");
  await writeEntry(world, "mal", "mal", adding([friend], { label: "GitHub:BOB" }));
  await writeEntry(world, "mal", "mal", adding([await newKey(world, "mal", "id_other")], { label: account }));
  await as("mal", "git add -A && git commit -q -m x && git push -q");
  await as("alice", "git pull -q");
  const both = /not confirmed who gets the new key: [^]*GitHub:BOB[^]*127\.0\.0\.1:\d+\/101 \(/;
  const stopped = await trying("alice", `vault revoke mal --keep bob --keep ${account}`);
  expect([stopped.status, stopped.said]).toEqual([2, expect.stringMatching(both)]);
  // Each key means one of them.
  await as(
    "alice",
    `vault revoke -q mal --keep ${account} --drop ${friend.id} --keep ${keyOf(world, "mal", "id_other").id}`,
  );
  expect((await trying("alice", "vault holders --offline")).said).not.toMatch(/GitHub:BOB/);
});

test("a mirror has what was pushed to refs/replace, and a removal counts there", async () => {
  await as("mal", "git rev-parse HEAD >../old");
  await as("alice", "vault revoke -q mal && git push -q");
  await as(
    "mal",
    "git fetch -q && git replace $(git rev-parse origin/main) $(cat ../old) && git push -q origin 'refs/replace/*'",
  );
  const mirror = `${world.home("alice")}/mirror.git`;
  await as("alice", `git clone -q --mirror file://${world.folder}/origin.git ${mirror}`);
  const { said } = await trying("alice", "vault holders --offline", mirror);
  expect([...said.matchAll(/^github:\S+(?= )/gm)].map(([one]) => one)).toEqual(["github:alice", "github:bob"]);
});

test("who leaves removes before a newcomer's key that everybody may know: that is told, and they come in", async () => {
  const record = await recordOf(world, "mal", "mal");
  const take = { kind: "remove", members: [keyOf(world, "eve").id], generations: [] } as const;
  await writeEntry(world, "mal", "mal", take);
  await as("mal", "git add -A && git commit -q -m x && git push -q");
  await as("alice", "git pull -q && vault revoke -q mal && git push -q");
  const refused = await trying("alice", "vault grant -q eve");
  expect([refused.status, refused.said]).toEqual([2, expect.stringMatching(/--readmit/)]);
  await as("alice", `vault grant -q --readmit --key ${keyOf(world, "eve").id} eve && git push -q`);
  await world.join("eve");
  await as("eve", "vault unlock --yes");
  expect(world.read("eve", "secrets/password")).toBe("hunter2\n");
  expect(record).not.toBe(await recordOf(world, "eve", "eve"));
});
