import { makeSshKey } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * Anyone who was taken off a key, or removed, is told so, and so is who tries what they no longer
 * can.
 */

let template: Template;
let world: World;

const as = (name: string, line: string): Promise<string> => world.as(name, line);
/** How a command ended, and what it said. */
async function trying(name: string, line: string): Promise<[status: number | null, said: string]> {
  const { status, said } = await world.trying(name, line);
  return [status, said];
}

beforeAll(async () => {
  template = await makeTemplate(["alice", "bob"], [], async (first) => {
    await first.as("alice", "vault init -q --key-name production 'production/**'");
    await first.push("alice", "production/password", "hunter2\n");
    await first.as("alice", "vault grant -q --key-name production bob && git push -q");
    await first.as("bob", "git pull -q && vault unlock -q");
  });
});
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

test("who is taken off one key learns by whom, and how to go on", async () => {
  await as("alice", "vault revoke -q --key-name production bob && git push -q");
  expect(await as("alice", "git log -1 --format=%s")).toBe("Take the key production from github:bob\n");
  expect(await trying("alice", "vault revoke --key-name production bob")).toEqual([
    3,
    expect.stringContaining("github:bob does not have the key production"),
  ]);
  await trying("bob", "git pull -q");
  const told = /github:alice took the key production from github:bob on 20.*\n.*`vault lock --key-name production`/;
  const status = await trying("bob", "vault status");
  expect(status).toEqual([7, expect.stringMatching(told)]);
  expect(status[1]).not.toMatch(/newer-key|replaced-key/);
  expect(await trying("bob", "vault unlock")).toEqual([7, expect.stringMatching(told)]);
  expect(await trying("bob", "vault decrypt HEAD:production/password")).toEqual([
    3,
    expect.stringMatching(/github:alice took the key production from github:bob on 20/),
  ]);
  // The way that both of them name.
  await as("bob", "vault lock -q --key-name production && vault status && vault unlock");
  // Without a terminal, too, the key comes to whom nobody else's would.
  expect(await trying("bob", "vault rotate --key-name production --leave-unopened --keep alice < /dev/null")).toEqual([
    2,
    expect.stringContaining("--keep github:bob"),
  ]);
  await as("bob", "vault rotate -q --key-name production --leave-unopened --keep alice --keep bob < /dev/null");
});

test("who is removed altogether learns by whom, whatever they try", async () => {
  await as("alice", "vault revoke -q bob && git push -q");
  await trying("bob", "git pull -q");
  const told = /github:alice removed github:bob from the members log on 20/;
  expect(await trying("bob", "vault status")).toEqual([7, expect.stringMatching(told)]);
  expect(await trying("bob", "vault unlock < /dev/null")).toEqual([3, expect.stringMatching(told)]);
  expect(await trying("bob", "vault decrypt HEAD:secrets/password")).toEqual([3, expect.stringMatching(told)]);
  await as("bob", "vault lock -q && vault status");
});

test("a further key of a member gets a copy of all that they may open", async () => {
  const folder = `${world.home("bob")}/.ssh`;
  const { publicKey } = await makeSshKey({ folder, name: "second", type: "ed25519" });
  world.github.users.get("bob")?.keys?.push(publicKey.split(" ").slice(0, 2).join(" "));
  await as("alice", "vault lock -q --key-name production && vault status");
  expect(await trying("alice", "vault grant --yes bob")).toEqual([
    7,
    expect.stringMatching(/no copy of the key production, which is not here/),
  ]);
  await as("alice", "git reset -q --hard origin/main && vault unlock -q");
  expect(await as("alice", "vault grant --yes bob && git push -q")).toMatch(/could open before, too: production/);
  await as("alice", "vault status");
  await world.join("bob");
  await as("bob", "vault unlock -q --yes -k ~/.ssh/second");
  expect([world.read("bob", "secrets/password"), world.read("bob", "production/password")]).toEqual([
    "hunter2\n",
    "hunter2\n",
  ]);
});

test("a wrong key, a key of another branch and one that a revert took away are told as what they are", async () => {
  await as("bob", "vault keygen -q -o ~/wrong");
  expect(await trying("bob", "vault unlock ~/wrong")).toEqual([3, expect.stringMatching(/does not name this key/)]);
  await as("alice", "git switch -q -c more && vault init -q --key-name staging 'staging/**'");
  await as("alice", "git add -A && git commit -q -m staging && git push -q origin more && git switch -q main");
  await as("bob", "git fetch -q");
  expect(await trying("bob", "vault status")).toEqual([
    7,
    expect.stringMatching(/^rotation-elsewhere: the key staging was made on origin\/more by github:alice/m),
  ]);
  expect((await trying("bob", "vault unlock"))[1]).toMatch(/github:alice made the key staging on origin\/more/);
  await as("alice", "vault rotate -q --key-name production && git revert --no-edit HEAD");
  expect((await trying("alice", "vault status"))[1]).toMatch(
    /^log-cut: .*the newer key production among them\n.*a newer key with `vault rotate`/m,
  );
  const offline = "GITHUB_API_URL=http://127.0.0.1:1 vault share --sign --as alice --yes --to ~/.ssh/id_ed25519.pub";
  expect(await trying("alice", `echo x | ${offline}`)).toEqual([6, expect.stringMatching(/hint: .*--sign-key FILE/)]);
  await as("alice", `echo x | ${offline} --sign-key ~/.ssh/id_ed25519`);
});
