import { openTerminal } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { keyOf, membershipIn, newKey } from "./adversary.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * Who was removed comes back, and the key that was stolen from them does not: it is still on their
 * account.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob"], ["eve"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as: World["as"] = (...args) => world.as(...args);
const trying: World["trying"] = (...args) => world.trying(...args);

/** Bob's account gets a second key, and the first one is taken out as stolen. */
async function stolenKey(): Promise<{ readonly stolen: string; readonly second: string }> {
  const second = await newKey(world, "bob", "id_new");
  world.github.users.get("bob")?.keys?.push(second.text);
  const stolen = keyOf(world, "bob").id;
  await as("alice", `vault sync -q --yes && vault revoke -q --key ${stolen}`);
  return { stolen, second: second.id };
}

test("on a terminal each key that was taken out is asked for, and a no leaves that one out", async () => {
  const { stolen, second } = await stolenKey();
  await as("alice", "vault revoke -q bob");
  for (const [answer, ids] of [
    ["\r", [second]],
    ["y\r", [second, stolen].toSorted()],
  ] as const) {
    using terminal = openTerminal("vault", ["grant", "--readmit", "--yes", "bob"], {
      cwd: world.clone("alice"),
      env: world.environment("alice"),
      cols: 200,
    });
    await terminal.waitFor(
      /of github:bob: github:alice took it out of the members log on 20[\d-]+; let this key back in\?/,
    );
    terminal.type(answer);
    expect(await terminal.ended).toMatchObject({ status: 0, sane: true });
    const { members } = await membershipIn(world, "alice");
    expect(members.find(({ label }) => label === "github:bob")?.keys.map(({ id }) => id)).toEqual(ids);
  }
});

test("a key of a removed member without an account is nobody's by being on an account", async () => {
  await as(
    "alice",
    "cp ~/../eve/.ssh/id_ed25519.pub ~/eve.pub && vault grant -q ~/eve.pub && vault revoke -q file:eve",
  );
  for (const line of ["vault grant --readmit eve", "vault grant --readmit ~/eve.pub"]) {
    const refused = await trying("alice", line);
    expect([refused.status, refused.said]).toEqual([2, expect.stringMatching(/`vault grant --readmit --key SHA256:…/)]);
  }
  // A member's name is no recipient, unless it is of an account.
  expect((await trying("alice", "vault grant ~/eve.pub")).said).toContain("--key SHA256:… FILE`");
  const fresh = await newKey(world, "eve", "id_new");
  world.github.users.get("eve")?.keys?.push(fresh.text);
  expect((await trying("alice", "vault grant --yes eve")).said).toMatch(/was removed before[^]*--readmit/);
  await as("alice", `vault grant -q --key ${keyOf(world, "eve").id} ~/eve.pub`);
});

test("share seals the key of the repository to no key that was taken out", async () => {
  const { stolen, second } = await stolenKey();
  const line = "vault share --yes --key-name default --to bob --json 2> /dev/null";
  expect(JSON.parse(await as("alice", line))).toMatchObject({
    sealedTo: [{ fingerprint: second }],
    notSealedTo: [
      { fingerprint: stolen, reason: expect.stringMatching(/^github:alice took it out of the members log/) },
    ],
  });
});
