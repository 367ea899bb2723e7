import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decryptBlob, encryptBlob, isEncryptedBlob, keyId, type KeyFile } from "@git-vault/git-crypt";
import { audienceOf } from "@git-vault/members";
import { runOk } from "@git-vault/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { commitBlob, keyIn, membershipIn, strangeKey, writeEntry } from "./adversary.ts";
import { keysOfBlobs, notCurrent } from "./blobs.ts";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * Keys that nobody has, and files that no key opens. alice, bob and mal are admins; mal is about to
 * be removed. Whatever mal commits, who is left can go on.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "mal"])));
afterAll(() => template.close());
beforeEach(() => void (world = template.begin()));

const as = (name: string, line: string): Promise<string> => world.as(name, line);
const trying = (name: string, line: string): ReturnType<World["trying"]> => world.trying(name, line);
const blobOf = (name: string, path: string): Promise<Buffer> =>
  runOk("git", ["cat-file", "blob", path], { cwd: world.clone(name), env: world.environment(name) });

/** mal names a key in the log that is nowhere, and pushes that. */
async function nameStrangeKey(key: KeyFile = strangeKey()): Promise<KeyFile> {
  const { members } = await membershipIn(world, "mal");
  const keyName = key.name ?? "default";
  const generation = { keyName, commitment: keyId(key), audience: audienceOf(members, keyName) };
  await writeEntry(world, "mal", "mal", { kind: "generation", generations: [generation] });
  await as("mal", "git add -A && git commit -q -m 'name a key' && git push -q origin HEAD");
  return key;
}

/** mal commits a file, as it is stored, and pushes it. */
async function pushBlob(path: string, key: KeyFile, text = "junk\n"): Promise<void> {
  await commitBlob(world, "mal", path, key, text);
  world.write("mal", path, encryptBlob(key, Buffer.from(text)));
  await as("mal", "git push -q origin HEAD");
}

async function expectFinding(name: string, what: RegExp): Promise<string> {
  const { status, said } = await trying(name, "vault status");
  expect([status, said]).toEqual([7, expect.stringMatching(what)]);
  return said;
}

/** Both who are left write and read as ever, also in new clones. */
async function expectEverybodyGoesOn(): Promise<void> {
  await world.push("alice", "secrets/new", "new\n");
  await world.join("bob");
  expect((await trying("bob", "vault unlock --yes")).said).toContain("unlocked with the key default");
  expect(world.read("bob", "secrets/new")).toBe("new\n");
  expect(world.read("bob", "secrets/password")).toBe("hunter2\n");
  await world.push("bob", "secrets/of-bob", "bob\n");
  await as("alice", "git pull -q --no-edit");
  expect(world.read("alice", "secrets/of-bob")).toBe("bob\n");
}

describe("a key that the log names and nobody has", () => {
  test("keeps nobody from removing who named it, or from writing afterwards", async () => {
    await nameStrangeKey();
    await as("alice", "git pull -q --no-edit");
    await expectFinding("alice", /^replaced-key: default: /m);
    const { status, said } = await trying("alice", "vault revoke mal && git push -q");
    expect([status, said]).toEqual([0, expect.stringContaining("the key default is replaced: 1 file re-encrypted")]);
    expect(await notCurrent(world, "alice")).toEqual([]);
    await expectEverybodyGoesOn();
    expect((await trying("alice", "vault status")).status).toBe(0);
  });

  test("is replaced by rotate, in an unlocked clone and in a new one", async () => {
    await nameStrangeKey();
    await world.join("bob");
    await as("bob", "vault unlock --yes");
    expect(world.read("bob", "secrets/password")).toBe("hunter2\n");
    world.write("bob", "secrets/more", "more\n");
    const { status, said } = await trying("bob", "git add -A");
    expect([status, said]).toEqual([128, expect.stringContaining("the key default was replaced by a new one")]);
    await as("bob", "rm secrets/more && vault rotate --keep mal && git push -q");
    expect(await notCurrent(world, "bob")).toEqual([]);
    await as("alice", "git pull -q --no-edit && vault unlock");
    await expectEverybodyGoesOn();
  });

  test("in whose folder a copy lies that opens for nobody does no more", async () => {
    const key = await nameStrangeKey();
    world.write("mal", `.git-vault/retired/default/${keyId(keyIn(world, "mal"))}.${keyId(key)}.key`, "junk");
    await as("mal", "git add -A && git commit -q -m junk && git push -q");
    await as("alice", "git pull -q --no-edit && vault revoke mal && git push -q");
    await expectEverybodyGoesOn();
  });

  test("and a file that needs it take a yes of their own; the file stays as it is, and is named", async () => {
    const key = await nameStrangeKey();
    await pushBlob("secrets/lost", key);
    const { said: pulled } = await trying("alice", "git pull -q --no-edit");
    expect(pulled).toContain("vault: secrets/lost stays encrypted: the key default was replaced by a new one");
    const refused = await trying("alice", "vault revoke mal");
    expect([refused.status, refused.said]).toEqual([
      3,
      expect.stringMatching(/no key here opens 1 protected file: secrets\/lost\n.*--leave-unopened/),
    ]);
    const head = await as("alice", "git rev-parse HEAD");
    const before = await blobOf("alice", "HEAD:secrets/lost");
    const { status, stdout } = await trying("alice", "vault revoke mal --leave-unopened --json");
    expect(status).toBe(0);
    await as("alice", "git push -q");
    expect(JSON.parse(String(stdout))).toMatchObject({
      rotation: { unopened: ["secrets/lost"], files: ["secrets/password"] },
    });
    expect(await as("alice", "git rev-parse HEAD^")).toBe(head);
    expect(await blobOf("alice", "HEAD:secrets/lost")).toEqual(before);
    await expectFinding("alice", /^newer-key: secrets\/lost cannot be opened by any key/m);
    expect((await notCurrent(world, "alice")).map(({ path }) => path)).toEqual(["secrets/lost"]);
    await expectEverybodyGoesOn();
  });
});

describe("a file that no key opens", () => {
  test("stops no pull and no commit, is never encrypted twice, and is named", async () => {
    await pushBlob("secrets/junk", strangeKey());
    const { status, said } = await trying("alice", "git pull --no-edit");
    expect([status, said]).toEqual([
      0,
      expect.stringMatching(/vault: secrets\/junk stays encrypted: no key in this clone opens it/),
    ]);
    await expectFinding("alice", /^unopened: secrets\/junk cannot be opened by any key in this clone/m);
    const blob = await blobOf("alice", "HEAD:secrets/junk");
    expect(readFileSync(join(world.clone("alice"), "secrets/junk"))).toEqual(blob);
    await as("alice", "touch secrets/junk && git add --renormalize . && git mv secrets/junk secrets/moved");
    cpSync(join(world.clone("alice"), "secrets/moved"), join(world.clone("alice"), "secrets/copied"));
    await world.push("alice", "secrets/new", "new\n");
    for (const path of ["secrets/moved", "secrets/copied"]) expect(await blobOf("alice", `HEAD:${path}`)).toEqual(blob);
    expect(await as("alice", "git status --porcelain")).toBe("");
    await world.join("bob");
    expect((await trying("bob", "vault unlock --yes")).status).toBe(7);
    expect(world.read("bob", "secrets/new")).toBe("new\n");
    await as("bob", "git checkout -q HEAD~2 && git checkout -q main");
    expect(await as("bob", "git status --porcelain")).toBe("");
  });

  test("that is edited here is refused, so that nothing stands in the clear behind junk", async () => {
    await pushBlob("secrets/junk", strangeKey());
    await as("alice", "git pull -q --no-edit && echo 'TOKEN=swordfish' >> secrets/junk");
    const refused = await trying("alice", "git add -A");
    expect([refused.status, refused.said]).toEqual([
      128,
      expect.stringContaining("was changed after it was encrypted"),
    ]);
    // A new text in its place is encrypted as any other.
    await as("alice", "echo 'TOKEN=swordfish' > secrets/junk && git add -A && git commit -q -m edit");
    const blob = await blobOf("alice", "HEAD:secrets/junk");
    expect(decryptBlob(keyIn(world, "alice"), blob).toString()).toBe("TOKEN=swordfish\n");
  });

  test("takes a yes of its own in a rotation", async () => {
    await pushBlob("secrets/junk", strangeKey());
    await as("alice", "git pull -q --no-edit");
    const refused = await trying("alice", "vault rotate --yes");
    expect([refused.status, refused.said]).toEqual([3, expect.stringContaining("secrets/junk")]);
    expect(await as("alice", "git status --porcelain")).toBe("");
    const { said } = await trying("alice", "vault revoke mal --leave-unopened && git push -q");
    expect(said).toContain("vault: left as they are, since no key here opens them:\n  secrets/junk\n");
    await expectEverybodyGoesOn();
    await expectFinding("alice", /^unopened: secrets\/junk /m);
    await as("alice", "git rm -q secrets/junk && git commit -q -m 'remove junk'");
    expect((await trying("alice", "vault status")).status).toBe(0);
  });

  test("that was changed after it was encrypted is told from one of another key", async () => {
    const blob = await blobOf("mal", "HEAD:secrets/password");
    blob.writeUInt8((blob.at(-1) ?? 0) ^ 1, blob.length - 1);
    writeFileSync(join(world.clone("mal"), "blob"), blob);
    const oid = await as("mal", "git hash-object -w --no-filters blob");
    await as("mal", `git update-index --cacheinfo 100644,${oid.trim()},secrets/password && git commit -q -m change`);
    await as("mal", "git push -q");
    const { status, said } = await trying("alice", "git pull --no-edit");
    expect([status, said]).toEqual([
      0,
      expect.stringContaining("vault: secrets/password stays encrypted: it was changed after it was encrypted"),
    ]);
    await expectFinding("alice", /^altered: secrets\/password was changed after it was encrypted/m);
    await world.join("bob");
    await trying("bob", "vault unlock --yes");
    await expectFinding("bob", /^altered: secrets\/password /m);
    await as("alice", "git checkout -q HEAD~1 secrets/password && git commit -q -m restore");
    expect((await trying("alice", "vault status")).status).toBe(0);
  });

  test("is told the same whatever a file's name says of retired keys", async () => {
    const junk = strangeKey();
    await pushBlob("secrets/junk", junk);
    const names = [`${keyId(strangeKey())}.${keyId(junk)}`, `${keyId(keyIn(world, "mal"))}.${keyId(junk)}`];
    for (const name of names) world.write("mal", `.git-vault/retired/default/${name}.key`, "junk");
    await as("mal", "git add -A && git commit -q -m names && git push -q");
    const { said } = await trying("alice", "git pull --no-edit");
    expect(said).toContain("vault: secrets/junk stays encrypted: no key in this clone opens it");
    const found = await expectFinding("alice", /^unopened: secrets\/junk /m);
    expect(found).not.toMatch(/newer-key|vault unlock/);
  });

  test("in a merge with an edit of ours is a conflict, and ours stays", async () => {
    await pushBlob("secrets/password", strangeKey());
    world.write("alice", "secrets/password", "ours\n");
    await as("alice", "git commit -qam ours");
    const { status, said } = await trying("alice", "git pull --no-edit");
    expect([status, said]).toEqual([
      1,
      expect.stringContaining("CONFLICT (content): Merge conflict in secrets/password"),
    ]);
    expect(said).toContain("vault: secrets/password stays as it was on our side");
    expect(world.read("alice", "secrets/password")).toBe("ours\n");
    await as("alice", "git add -A && git commit -q --no-edit && git push -q");
    expect(await notCurrent(world, "alice")).toEqual([]);
  });

  test("of more than 1 MiB is named as well", async () => {
    await pushBlob("secrets/large", strangeKey(), "x".repeat(2 * 1024 * 1024));
    await as("alice", "git pull -q --no-edit");
    await expectFinding("alice", /^unopened: secrets\/large /m);
  });
});

test("a key that is in no clone is replaced by who may open it, and says so", async () => {
  await as("alice", "vault init -q --key-name prod 'prod/**'");
  await world.push("alice", "prod/secret", "prod\n");
  await as("alice", "vault grant -q --key-name prod bob && git push -q");
  await world.join("bob");
  await as("bob", "vault unlock --yes");
  // The key is lost: nobody's clone has it any more, and no copy opens.
  await as("bob", "vault lock -q --force; rm -rf .git/git-vault/retired .git/git-crypt");
  const entries = await as("bob", "git ls-files .git-vault/sealed/prod");
  for (const path of entries.trim().split("\n")) writeFileSync(join(world.clone("bob"), path), "lost\n");
  await as("bob", "git add -A && git commit -q -m lost && git push -q");
  await world.join("bob");
  await as("bob", "vault unlock --yes || true");
  const refused = await trying("bob", "vault rotate --key-name prod");
  expect([refused.status, refused.said]).toEqual([3, expect.stringContaining("prod")]);
  await as("bob", "vault rotate --key-name prod --leave-unopened && git push -q");
  world.write("bob", "prod/other", "other\n");
  await as("bob", "git add -A && git commit -q -m other && git push -q");
  expect(isEncryptedBlob(await blobOf("bob", "HEAD:prod/other"))).toBe(true);
  expect((await keysOfBlobs(world, "bob")).find(({ path }) => path === "prod/other")?.by).toBe("current");
  await expectFinding("bob", /secrets?.*|prod\/secret cannot be opened by any key/m);
  expect(encryptBlob(keyIn(world, "bob", "prod"), Buffer.from("other\n"))).toEqual(
    await blobOf("bob", "HEAD:prod/other"),
  );
});
