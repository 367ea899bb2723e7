import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { keyId } from "@git-vault/git-crypt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keyIn, keyOf, newKey } from "./adversary.ts";
import { keysOfBlobs, notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * Keys: several in one repository, and those of people and machines that are added, lost and
 * stolen.
 */

const ENVIRONMENTS = ["dev", "test", "staging", "prod", "backup"];

let template: Template;
let world: World;

const as = (name: string, line: string, cwd?: string): Promise<string> => world.as(name, line, cwd);
const trying = (name: string, line: string): ReturnType<World["trying"]> => world.trying(name, line);
const keyNames = (name: string): string[] => readdirSync(join(world.clone(name), ".git/git-crypt/keys")).toSorted();
/** The environments whose secret somebody reads in a clone that they make now. */
async function reads(name: string, key = "id_ed25519"): Promise<string[]> {
  await world.join(name);
  await trying(name, `vault unlock --yes -k ${world.home(name)}/.ssh/${key} < /dev/null`);
  return ENVIRONMENTS.filter((one) => world.read(name, `${one}/password`).startsWith(one));
}

describe("five environments, with a key each", () => {
  beforeAll(async () => {
    template = await makeTemplate(["alice"], ["bob", "carol", "dave"], async (first) => {
      for (const name of ENVIRONMENTS) {
        await first.as("alice", `vault init -q --key-name ${name} '${name}/**'`);
        mkdirSync(join(first.clone("alice"), name));
        first.write("alice", `${name}/password`, `${name}\n`);
      }
      await first.as("alice", "git add -A && git commit -q -m environments && git push -q");
    });
  });
  afterAll(() => template.close());
  beforeEach(() => void (world = template.begin()));

  test("some are granted at once, all are revoked by one command", async () => {
    await as("alice", "vault status");
    await as("alice", "vault grant -q --key-name dev --key-name test --key-name staging bob");
    await as("alice", `vault grant -q ${ENVIRONMENTS.map((name) => `--key-name ${name}`).join(" ")} carol`);
    await as("alice", "git push -q");
    expect(await reads("bob")).toEqual(["dev", "test", "staging"]);
    expect(await reads("carol")).toEqual(ENVIRONMENTS);
    expect(keyNames("bob")).toEqual(["dev", "staging", "test"]);
    await world.push("carol", "prod/more", "more\n");
    await as("alice", "git pull -q");
    const commits = Number(await as("alice", "git rev-list --count HEAD"));
    const report = await as("alice", "vault revoke bob");
    expect(report).toMatch(/the keys dev, staging, test are replaced/);
    expect(report).not.toMatch(/\[ \] prod/);
    expect(Number(await as("alice", "git rev-list --count HEAD"))).toBe(commits + 1);
    expect(await as("alice", "git log -1 --format=%B")).toMatch(
      /^Remove github:bob\n\nThe keys dev, staging, test are replaced\./,
    );
    await as("alice", "git push -q && vault status");
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(await reads("bob")).toEqual([]);
    expect(await reads("carol")).toEqual(ENVIRONMENTS);
    const json = JSON.parse(await as("alice", "vault revoke carol --json 2> /dev/null")) as { keyNames: string[] };
    expect(json.keyNames).toEqual([...ENVIRONMENTS].toSorted());
    await as("alice", "git push -q && vault status");
    expect(await reads("carol")).toEqual([]);
  });

  test("one alone is revoked, and they keep the others", async () => {
    await as(
      "alice",
      `vault grant -q ${ENVIRONMENTS.map((name) => `--key-name ${name}`).join(" ")} bob carol && git push -q`,
    );
    expect(await as("alice", "vault revoke bob --key-name prod")).toMatch(
      /github:bob may not open the key prod any more/,
    );
    await as("alice", "git push -q && vault status");
    expect(await reads("bob")).toEqual(ENVIRONMENTS.filter((name) => name !== "prod"));
    expect(await reads("carol")).toEqual(ENVIRONMENTS);
    await as("bob", "vault status");
    await world.push("bob", "dev/more", "x\n");
    // Where a key is not here, git refuses plaintext on its paths.
    const refused = await trying("bob", "echo y > prod/mine && git add prod/mine");
    expect([refused.status, refused.said]).toEqual([
      128,
      expect.stringMatching(/prod\/mine: the key prod protects it, and this clone does not have that key/),
    ]);
    await as("bob", "rm prod/mine && vault status");
    // And back.
    await as("alice", "git pull -q && vault grant -q --readmit --key-name prod bob && git push -q");
    expect(await reads("bob")).toEqual(ENVIRONMENTS);
  });

  test("who has some of them cannot replace the others, and is told so", async () => {
    await as(
      "alice",
      "vault grant -q --key-name dev bob && vault grant -q --key-name dev --key-name prod carol && git push -q",
    );
    expect(await reads("bob")).toEqual(["dev"]);
    const report = await trying("bob", "vault revoke carol --keep carol");
    expect(report.said).toMatch(/NOT REPLACED: the key prod, which is not in this clone: push, and ask somebody/);
    expect(report.status).toBe(7);
    await as("bob", "git push -q");
    await as("alice", "git pull -q; vault unlock");
    const status = await trying("alice", "vault status");
    expect([status.status, status.said]).toEqual([
      7,
      expect.stringMatching(/^stale-key: the key prod can be opened by somebody who is no member/m),
    ]);
    expect((await trying("alice", "echo z > prod/z && git add prod/z")).status).not.toBe(0);
    await as(
      "alice",
      "vault rotate -q --key-name prod --keep bob && git add -A && git commit -q -m z && git push -q && vault status",
    );
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(await reads("carol")).toEqual([]);
    expect(await reads("bob")).toEqual(["dev"]);
  });
});

describe("keys of people and machines", () => {
  beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "carol"], ["dave"])));
  afterAll(() => template.close());
  beforeEach(() => void (world = template.begin()));

  const opens = async (name: string, key = "id_ed25519"): Promise<boolean> => {
    await world.join(name);
    await trying(name, `vault unlock --yes -k ${world.home(name)}/.ssh/${key} < /dev/null`);
    return world.read(name, "secrets/password").startsWith("hunter");
  };

  test("a stolen key is taken out, its owner stays, and the old one opens nothing new", async () => {
    const second = await newKey(world, "bob", "id_new");
    world.github.users.get("bob")?.keys?.push(second.text);
    expect((await trying("alice", "vault sync")).said).toMatch(
      /members have keys on their accounts that the members log does not have/,
    );
    await as("alice", "vault sync -q --yes && git push -q");
    const stolen = keyOf(world, "bob").id;
    const before = keyId(keyIn(world, "alice"));
    const report = await as("alice", `vault revoke --key ${stolen}`);
    expect(report).toMatch(/taken from github:bob: SHA256:[^]*\[ \] secrets\/password/);
    expect(keyId(keyIn(world, "alice"))).not.toBe(before);
    await as("alice", "git push -q && vault status");
    await world.push("alice", "secrets/password", "hunter3\n");
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(await opens("bob")).toBe(false);
    expect(await opens("bob", "id_new")).toBe(true);
    await as("bob", "vault status && vault holders --offline");
    // It is still on the account, and comes not back by that.
    await trying("carol", "git pull -q; vault unlock");
    await as("carol", "vault sync --yes && git push -q");
    expect(await opens("bob")).toBe(false);
    // Nor with its owner, who is removed and let in again; unless it is named itself.
    await as("carol", "git pull -q; vault revoke -q bob");
    const said = await as("carol", "vault grant --readmit bob && git push -q");
    expect(said).toMatch(
      new RegExp(`not to a key of github:bob: .*${stolen.replaceAll("+", "\\+")}.*: it was taken out before`),
    );
    expect(await opens("bob")).toBe(false);
    expect(await opens("bob", "id_new")).toBe(true);
    const strange = await trying("carol", "vault grant --key SHA256:none bob");
    expect([strange.status, strange.said]).toEqual([2, expect.stringMatching(/no recipient has the key SHA256:none/)]);
    await as("carol", `vault grant -q --key ${stolen} bob && git push -q`);
    expect(await opens("bob")).toBe(true);
  });

  test("somebody's only key is stolen: they come back with a new one, and not with that", async () => {
    const stolen = keyOf(world, "bob").id;
    await as("alice", `vault revoke -q --key ${stolen} bob && git push -q`);
    const { status, said } = await trying("alice", "vault grant --readmit bob");
    expect([status, said]).toEqual([2, expect.stringContaining(`no key of github:bob is left: ${stolen} was taken`)]);
    expect(said).toMatch(/hint: .*`vault grant --readmit --key SHA256:… github:bob`/);
    const second = await newKey(world, "bob", "id_new");
    world.github.users.get("bob")?.keys?.push(second.text);
    await as("alice", "vault grant -q --readmit --yes bob && git push -q && vault sync --check");
    expect(await opens("bob")).toBe(false);
    expect(await opens("bob", "id_new")).toBe(true);
  });

  test("a key that left its account: sync takes it out, with a new key in the same commit", async () => {
    const bob = world.github.users.get("bob");
    const second = await newKey(world, "bob", "id_new");
    if (bob !== undefined) bob.keys = [second.text];
    const holders = await trying("alice", "vault holders");
    expect([holders.status, holders.said]).toEqual([
      7,
      expect.stringMatching(/not on their account[^]*1 key of theirs left their account: `vault sync`/),
    ]);
    expect((await trying("alice", "vault sync --check")).status).toBe(7);
    const before = keyId(keyIn(world, "alice"));
    const commits = Number(await as("alice", "git rev-list --count HEAD"));
    await as("alice", "vault sync --yes && git push -q");
    expect(Number(await as("alice", "git rev-list --count HEAD"))).toBe(commits + 1);
    expect(keyId(keyIn(world, "alice"))).not.toBe(before);
    await as("alice", "vault sync --check && vault holders && vault status");
    expect(await notCurrent(world, "alice")).toEqual([]);
    expect(await opens("bob")).toBe(false);
    expect(await opens("bob", "id_new")).toBe(true);
    expect(await opens("carol")).toBe(true);
  });

  test("an account that lost all its keys is told, and stays until it is revoked", async () => {
    const bob = world.github.users.get("bob");
    if (bob !== undefined) bob.keys = [];
    expect((await trying("alice", "vault sync --yes")).said).toMatch(
      /github:bob is left unchanged: none of their keys is on their account/,
    );
    expect((await trying("alice", "vault sync --check")).status).toBe(7);
    await as("alice", "vault revoke -q bob && git push -q && vault sync --check");
    expect(await opens("bob")).toBe(false);
  });

  test("a machine that has a key in a variable learns what to change when it was replaced", async () => {
    const variable = async (): Promise<{ GIT_CRYPT_KEY: string }> => {
      await as("alice", "vault export-key -q -o ~/exported");
      return { GIT_CRYPT_KEY: readFileSync(join(world.home("alice"), "exported")).toString("base64") };
    };
    const old = await variable();
    await world.join("dave");
    const before = await world.trying("dave", "vault unlock < /dev/null", undefined, old);
    expect([before.status, before.said]).toEqual([0, expect.stringMatching(/nothing is encrypted here until then/)]);
    await as("alice", "vault rotate -q && git push -q");
    await world.join("dave");
    const { status, said } = await world.trying("dave", "vault unlock < /dev/null", undefined, old);
    expect([status, said]).toEqual([3, expect.stringMatching(/vault export-key \| base64.*vault grant --ci/)]);
    expect((await world.trying("dave", "vault unlock < /dev/null", undefined, await variable())).status).toBe(0);
    expect(world.read("dave", "secrets/password")).toBe("hunter2\n");
  });

  test("a machine has an identity of its own, which names the log", async () => {
    await as("alice", "vault grant -q --ci=deploy -o ~/identity && git push -q");
    const identity = readFileSync(join(world.home("alice"), "identity"), "utf8");
    expect(identity).toMatch(/^# members log: SHA256:\S{43}\nAGE-SECRET-KEY-1\S+\n$/);
    const env = { GIT_VAULT_IDENTITY: identity };
    await world.join("dave");
    const unlocked = await world.trying("dave", "vault unlock", undefined, env);
    expect([unlocked.status, unlocked.said]).toEqual([0, expect.stringMatching(/as ci:deploy of the members log/)]);
    expect(world.read("dave", "secrets/password")).toBe("hunter2\n");
    await as("alice", "vault rotate -q --keep ci:deploy && git push -q");
    await world.push("alice", "secrets/password", "hunter3\n");
    await world.join("dave");
    expect((await world.trying("dave", "vault unlock", undefined, env)).status).toBe(0);
    expect(world.read("dave", "secrets/password")).toBe("hunter3\n");
    // A second by that name is not the first.
    const second = await trying("alice", "vault grant -q --ci=deploy -o ~/second");
    expect([second.status === 0, second.said]).toEqual([
      false,
      expect.stringMatching(/another member is already called ci:deploy/),
    ]);
    await as("alice", "vault revoke -q ci:deploy && git push -q");
    await world.join("dave");
    const shut = await world.trying("dave", "vault unlock < /dev/null", undefined, env);
    expect([shut.status === 0, shut.said]).toEqual([
      false,
      expect.stringMatching(/github:alice removed ci:deploy from the members log on 20/),
    ]);
    // Another log is none that the identity is for.
    await as("alice", "vault grant -q --ci=deploy2 -o ~/identity2 && git push -q");
    const wrong = readFileSync(join(world.home("alice"), "identity2"), "utf8").replace(
      /SHA256:\S+/,
      `SHA256:${"A".repeat(43)}`,
    );
    await world.join("dave");
    const other = await world.trying("dave", "vault unlock < /dev/null", undefined, { GIT_VAULT_IDENTITY: wrong });
    expect([other.status === 0, other.said]).toEqual([
      false,
      expect.stringMatching(/another than the one that was accepted/),
    ]);
  });

  test("the forge is down: who must go, goes", async () => {
    world.github.faults.push({ fault: "answer", status: 503 });
    const report = await as("alice", "vault revoke bob");
    expect(report).toMatch(/the members' keys are not compared[^]*github:bob is no member any more/);
    world.github.faults.length = 0;
    await as("alice", "git push -q && vault status");
    expect(await opens("bob")).toBe(false);
    expect(await opens("carol")).toBe(true);
    expect((await keysOfBlobs(world, "carol")).map(({ by }) => by)).toEqual(["current"]);
  });
});
