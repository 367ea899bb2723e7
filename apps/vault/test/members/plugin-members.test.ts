import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateIdentity } from "@git-vault/sealing";
import { AGE_PLUGIN_TEST, writeAgePlugin } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * A member whose key is an age plugin's, such as that of a YubiKey. What the log says runs nothing:
 * each user names the plugins that they run.
 */

const { recipient, identity } = AGE_PLUGIN_TEST;

let template: Template;
let world: World;
let seen: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob"], ["dana"])));
afterAll(() => template.close());
beforeEach(() => {
  world = template.begin();
  seen = join(world.folder, "plugin-ran");
  const bin = join(world.folder, "plugins");
  writeAgePlugin(bin, "test");
  env = { PATH: `${bin}:${world.environment("alice")["PATH"] ?? ""}`, AGE_PLUGIN_SEEN: seen };
  mkdirSync(world.home("dana"), { recursive: true });
  writeFileSync(join(world.home("dana"), "card.txt"), `# public key: ${recipient}\n${identity}\n`);
  rmSync(join(world.home("dana"), ".ssh"), { recursive: true });
});

/** Whether the plugin ran in a command, which must end so. */
async function run(name: string, line: string, status = 0): Promise<{ said: string; hasRun: boolean }> {
  rmSync(seen, { force: true });
  const told = await world.trying(name, line, undefined, env);
  expect([told.said, told.status]).toEqual([told.said, status]);
  return { said: told.said, hasRun: existsSync(seen) };
}

async function grantToCard(): Promise<void> {
  const { said, hasRun } = await run("alice", `vault grant --yes ${recipient} && git push -q`);
  expect(said).toContain(`granted the key default to ${recipient}, as a reader`);
  expect(hasRun).toBe(true);
}

test("a card is granted the key, opens it, and has what others encrypt", async () => {
  await grantToCard();
  await world.join("dana");
  const { said, hasRun } = await run("dana", "vault unlock --yes -k ~/card.txt && cat secrets/password");
  expect(said).toMatch(/hunter2[^]*unlocked with the key default: 1 file decrypted\n.*as age1test1/);
  expect(hasRun).toBe(true);
  expect((await run("alice", "vault status && vault holders && vault log")).hasRun).toBe(false);
  expect((await run("alice", `vault grant --yes ${recipient}`)).said).toContain("has the key default already");
});

test("a card that is not plugged in is no false copy", async () => {
  await grantToCard();
  await world.join("dana");
  const unplugged = await run("dana", "AGE_PLUGIN_MODE=early vault unlock --yes -k ~/card.txt", 3);
  expect(unplugged.said).toContain("age-plugin-test: it ended early, and said: ");
  expect(unplugged.said).not.toContain("it does not open");
});

test("a copy that needs no plugin is opened before one that does", async () => {
  const other = await generateIdentity();
  // Copies of others, which nothing of hers opens: their order is that of their digests.
  for (const one of [await generateIdentity(), await generateIdentity()]) {
    await run("alice", `vault grant --yes ${one.recipient}`);
  }
  world.write("alice", "../dana.keys", `${other.recipient}\n${recipient}\n`);
  await run("alice", "vault grant --yes --plugin test ../dana.keys && git push -q");
  await world.join("dana");
  writeFileSync(join(world.home("dana"), "both.txt"), `${identity}\n${other.identity}\n`);
  const { said, hasRun } = await run("dana", "AGE_PLUGIN_MODE=early vault unlock --yes -k ~/both.txt");
  expect([said, hasRun]).toEqual([expect.stringContaining("unlocked with the key default"), false]);
});

test("the one who replaces the key runs the plugin only where they name it", async () => {
  await grantToCard();
  await world.as("bob", "git pull -q");
  const stopped = await run("bob", "vault rotate", 2);
  expect(stopped.said).toContain(`not sealed to ${recipient}: say --plugin test to run its plugin`);
  expect(stopped.said).toContain("not confirmed who gets the new key");
  const kept = await run("bob", `vault rotate --keep ${recipient} --keep alice --json 2>/dev/null`);
  expect(JSON.parse(kept.said)).toMatchObject({ notSealedTo: [{ fingerprint: recipient }] });
  expect([stopped.hasRun, kept.hasRun]).toEqual([false, false]);
  const status = await run("bob", "vault status", 7);
  expect(status.said).toMatch(/no-copy/);
  const unnamed = await run("bob", "vault sync", 7);
  expect(unnamed.said).toContain("needs an age plugin, which runs only where you name it by --plugin: test");
  expect(unnamed.hasRun).toBe(false);
  await world.as("bob", "git config --add git-vault.plugin 'other test'; git config --add git-vault.plugin third");
  expect((await run("bob", "vault sync && vault status")).hasRun).toBe(true);
  expect((await run("bob", "vault sync")).said).toContain("the members log fits");
  await world.as("bob", "git push -q");
  await world.join("dana");
  const opened = await run("dana", "vault unlock --yes -k ~/card.txt && cat secrets/password");
  expect(opened.said).toContain("hunter2");
});

test("a rotation that names the plugin seals to the card; one that cannot run it asks first", async () => {
  await grantToCard();
  const head = await world.as("alice", "git rev-parse HEAD");
  rmSync(join(world.folder, "plugins"), { recursive: true });
  const missing = await run("alice", "vault rotate --plugin test --keep bob", 2);
  expect(missing.said).toContain("age-plugin-test: there is no such program");
  expect(await world.as("alice", "git rev-parse HEAD && git status --porcelain")).toBe(head);
  writeAgePlugin(join(world.folder, "plugins"), "test");
  const done = await run("alice", `vault rotate --plugin test --keep ${recipient} --keep bob && git push -q`);
  expect([done.hasRun, done.said]).toEqual([true, expect.not.stringContaining("not sealed to")]);
  expect((await run("alice", "vault status")).said).not.toContain("no-copy");
  await world.join("dana");
  expect((await run("dana", "vault unlock --yes -k ~/card.txt && cat secrets/password")).said).toContain("hunter2");
});

test("a key that its plugin refuses keeps nobody from being removed, nor others from a copy", async () => {
  await grantToCard();
  const revoke = "AGE_PLUGIN_MODE=error vault revoke bob --plugin test";
  const asked = await run("alice", revoke, 2);
  expect(asked.said).toContain(`not sealed to ${recipient}: age-plugin-test: the card`);
  expect(asked.said).toContain("not confirmed who gets the new key");
  const { said } = await run("alice", `${revoke} --keep ${recipient}`);
  expect(said).toMatch(/bob is no member any more[^]*not sealed to age1test1.*: age-plugin-test: .*locked/);
  const synced = await run("alice", "AGE_PLUGIN_MODE=error vault sync --plugin test", 7);
  expect(synced.said).toMatch(/nothing can be sealed to a key of theirs: age-plugin-test: .*locked/);
  expect(await world.as("alice", "git status --porcelain")).toBe("");
  await run("alice", "vault sync --plugin test && vault status && git push -q");
  await world.join("dana");
  expect((await run("dana", "vault unlock --yes -k ~/card.txt && cat secrets/password")).said).toContain("hunter2");
});

test("nobody is granted a key whose plugin refuses theirs", async () => {
  const { said } = await run("alice", `AGE_PLUGIN_MODE=error vault grant --yes ${recipient}`, 3);
  expect(said).toContain("locked");
  expect(await world.as("alice", "git status --porcelain")).toBe("");
});

test("who has the card loses the key as any member does", async () => {
  await grantToCard();
  const { said, hasRun } = await run("alice", `vault revoke ${recipient} --keep bob && git push -q`);
  expect([said, hasRun]).toEqual([expect.stringContaining(`${recipient} is no member any more`), false]);
  await world.join("dana");
  expect((await run("dana", "vault unlock --yes -k ~/card.txt", 3)).said).toContain(
    `github:alice removed ${recipient}`,
  );
});

test("a file's key of a plugin is granted to where its plugin is named", async () => {
  world.write("alice", "../dana.keys", `${recipient}\n`);
  const refused = await run("alice", "vault grant --yes ../dana.keys", 3);
  expect([refused.said, refused.hasRun]).toEqual([expect.stringContaining("recipient that you name yourself"), false]);
  const { said, hasRun } = await run("alice", "vault grant --yes --plugin test ../dana.keys");
  expect([said, hasRun]).toEqual([expect.stringContaining("granted the key default to file:dana"), true]);
});

test("an identity, which may be a secret, does not get into the log", async () => {
  const { said } = await run("alice", `vault grant --yes ${identity}`, 3);
  expect(said).toContain("an identity of an age plugin cannot be in the members log");
  expect(said).not.toContain(identity);
  expect(await world.as("alice", "git status --porcelain")).toBe("");
});
