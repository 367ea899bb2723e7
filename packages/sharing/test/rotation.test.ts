import { hash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { commitFiles, decryptBlob, keyId } from "@git-vault/git-crypt";
import { readMemberKey } from "@git-vault/members";
import type { Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Pins } from "../src/index.ts";
import { memberFindings, openKeys, readElsewhere, reportLog } from "../src/members/index.ts";
import { attestedCopies } from "../src/members/coverage.ts";
import { LogWriter } from "../src/members/writer.ts";
import { generationsBy } from "../src/verdict.ts";
import { failureOf } from "./hands.ts";
import {
  accept,
  cloneOf,
  filesIn,
  grantTo,
  makeTeam,
  memberCalled,
  membersOf,
  namesOf,
  opened,
  planBy,
  remove,
  removeAlone,
  stage,
  teamRepository,
  type Team,
} from "./team.ts";

/* Replacing keys: who will have the new ones, what is worth a look, and what the commit holds. */

let team: Team;
let repository: Repository;
beforeAll(async () => void (team = await makeTeam()));
afterAll(() => team.close());
beforeEach(async () => {
  repository = await teamRepository(team);
  await grantTo(team, repository, ["bob", "carol"]);
});
afterEach(() => repository.remove());

const head = async (...args: string[]): Promise<string> =>
  (await repository.git("log", "-1", "--format=%B", ...args)).toString();

test("one commit takes somebody out, encrypts with a new key and seals it to all others", async () => {
  const before = keyId(opened(repository).readKey().keyFile);
  const commits = Number((await repository.git("rev-list", "--count", "HEAD")).toString());
  const { commit, rotation, recipients } = await remove(team, repository, ["bob"]);
  expect(Number((await repository.git("rev-list", "--count", "HEAD")).toString())).toBe(commits + 1);
  expect(recipients.map(({ name }) => name).toSorted()).toEqual(["github:alice", "github:carol"]);
  expect(await head()).toBe("Remove github:bob\n\nThe key default is replaced.\n\n");
  const { keyFile, bytes } = opened(repository).readKey();
  expect(rotation).toMatchObject({
    commit,
    keys: [{ keyName: "default", retiredKeyId: before, keyId: keyId(keyFile) }],
  });
  const blob = await repository.git("cat-file", "blob", "HEAD:secrets/password");
  expect(decryptBlob(keyFile, blob).toString()).toBe("hunter2\n");
  expect((await repository.git("status", "--porcelain")).toString()).toBe("");
  const members = await membersOf(repository);
  expect(namesOf(members)).toEqual(["github:alice", "github:carol"]);
  expect(members.branch.keyNames).toMatchObject([{ state: "settled", current: { commitment: keyId(keyFile) } }]);
  expect(await memberFindings(members)).toEqual([]);
  // Copies of the old key are gone from the tree: anyone who is left has it by the new one.
  expect(filesIn(repository, ".git-vault/sealed").every((path) => path.includes(keyId(keyFile)))).toBe(true);
  expect(filesIn(repository, ".git-vault/retired")).toEqual([
    `.git-vault/retired/default/${before}.${keyId(keyFile)}.key`,
  ]);
  const clone = await accept(await cloneOf(repository, "clone"));
  expect((await openKeys(clone, team.identities("carol"))).opened.map(({ key }) => key)).toContainEqual(bytes);
  expect(await openKeys(clone, team.identities("bob"))).toMatchObject({
    opened: [],
    me: null,
    removal: { name: "github:bob", by: "github:alice", isWhole: true },
  });
});

test("without anybody who goes, all keys are replaced, and the log says so", async () => {
  await remove(team, repository);
  const members = await membersOf(repository);
  expect(await head()).toBe("Replace the key default\n\n");
  expect(namesOf(members)).toHaveLength(3);
  expect(reportLog(members).at(-1)).toMatchObject({
    action: { kind: "generation" },
    author: "github:alice",
    counts: true,
  });
});

test("a stolen key goes, and its owner stays with another", async () => {
  const members = await membersOf(repository);
  const bob = memberCalled(members, "bob");
  const laptop = { ...(await team.person("mallory")), label: "github:bob", account: bob.accounts[0] ?? null };
  await grantTo(team, repository, [], { people: [laptop] });
  const now = await membersOf(repository);
  const takeKeys = [{ member: memberCalled(now, "bob"), keys: [team.id("bob")] }];
  await (await planBy(team, now, { takeKeys })).apply(team.commands);
  const after = await membersOf(repository);
  expect(memberCalled(after, "bob").keys.map(({ id }) => id)).toEqual([team.id("mallory")]);
  expect(await head()).toContain(
    `Take out keys of github:bob\n\nThe key default is replaced.\ngithub:bob: ${team.id("bob")}`,
  );
  expect((await openKeys(after, team.identities("mallory"))).lacking).toEqual([]);
  expect((await openKeys(after, team.identities("bob"))).opened).toEqual([]);
});

test("more keys than one entry names go by several", async () => {
  const members = await membersOf(repository);
  const bob = memberCalled(members, "bob");
  const keys = Array.from({ length: 1300 }, (_, at) =>
    readMemberKey(`openpgp F${at.toString(16).toUpperCase().padStart(39, "0")}`),
  );
  const writer = new LogWriter(members, await team.author("alice"));
  const fields = { role: null, opens: [], label: null, readmits: [] };
  for (const part of [keys.slice(0, 700), keys.slice(700)])
    await writer.write({ kind: "give", member: bob.records[0], keys: part, ...fields });
  commitFiles(members.repository, writer.files, { message: "many" });
  const now = await membersOf(repository);
  const takeKeys = [{ member: memberCalled(now, "bob"), keys: keys.map(({ id }) => id) }];
  await (await planBy(team, now, { takeKeys })).apply(team.commands);
  const after = await membersOf(repository);
  expect(memberCalled(after, "bob").keys.map(({ id }) => id)).toEqual([team.id("bob")]);
  expect(after.branch.keyNames[0]?.state).toBe("settled");
});

test("where the log was changed since it was shown, nothing is done", async () => {
  const plan = await planBy(team, await membersOf(repository), {
    remove: [memberCalled(await membersOf(repository), "bob")],
  });
  await grantTo(team, repository, ["mallory"]);
  const before = await head("--format=%H");
  expect((await failureOf(plan.apply(team.commands))).code).toBe("LOG_CHANGED");
  expect(await head("--format=%H")).toBe(before);
  expect(namesOf(await membersOf(repository))).toHaveLength(4);
});

describe("nobody", () => {
  test("who is no admin replaces a key", async () => {
    expect((await failureOf(planBy(team, await membersOf(repository), { by: "mallory" }))).code).toBe("NOT_ADMIN");
  });

  test("locks out everybody", async () => {
    const members = await membersOf(repository);
    const everybody = ["alice", "bob", "carol"].map((name) => memberCalled(members, name));
    const error = await failureOf(planBy(team, members, { remove: everybody }));
    expect(error).toMatchObject({
      code: "NOT_ALLOWED",
      message: expect.stringContaining("remove themselves") as string,
    });
  });

  test("replaces a key that the log does not name", async () => {
    const error = await failureOf(planBy(team, await membersOf(repository), { keyNames: ["prod"] }));
    expect(error).toMatchObject({ code: "NO_SUCH_KEY_NAME", hint: "it names default" });
  });

  test("replaces one that its author may open, and that is not here: nothing is written", async () => {
    rmSync(join(repository.path, ".git/git-crypt/keys/default"));
    const members = await membersOf(repository);
    const error = await failureOf(planBy(team, members, { remove: [memberCalled(members, "bob")] }));
    expect(error).toMatchObject({ code: "KEY_NOT_HERE", subject: "default" });
    expect(namesOf(await membersOf(repository))).toHaveLength(3);
  });
});

describe("what is worth a look", () => {
  const marks = async (request: Parameters<typeof planBy>[2] = {}): Promise<Record<string, unknown>> => {
    const { recipients } = await planBy(team, await membersOf(repository), request);
    return Object.fromEntries(
      recipients.map((one) => [one.name, one.marks.map(({ kind, about }) => `${kind} ${about ?? ""}`.trim())]),
    );
  };

  test("nothing, for whom alice let in herself", async () => {
    expect(await marks()).toEqual({ "github:alice": [], "github:bob": [], "github:carol": [] });
  });

  test("somebody whom she never met, and whom one who goes let in, or somebody of theirs", async () => {
    await grantTo(team, repository, ["mallory"], { by: "bob" });
    // What bob's own clone remembers of whom he met is not hers.
    rmSync(join(repository.path, ".git/git-vault/members-seen"));
    await accept(repository);
    expect(await marks({ remove: [memberCalled(await membersOf(repository), "bob")] })).toMatchObject({
      "github:alice": [],
      "github:mallory": ["never-met github:bob", "added-by-removed github:bob"],
    });
    const folder = join(repository.folder, "known-recipients");
    const pins = new Pins(folder);
    pins.remember(await team.directory.resolve("mallory"));
    expect(await marks({ pins })).toMatchObject({ "github:mallory": [] });
  });

  test("who removed themselves from the forge, or whose key did", async () => {
    const { users } = team.github;
    const before = new Map([...users].map(([name, user]) => [name, { ...user }]));
    const { directory } = team;
    try {
      Object.assign(users.get("bob") ?? {}, { keys: [team.key("mallory")] });
      users.delete("carol");
      expect(await marks({ directory })).toEqual({
        "github:alice": [],
        "github:bob": [`key-not-on-account ${team.id("bob")}`],
        "github:carol": ["account-gone"],
      });
      users.set("carol", { keys: [team.key("carol")], id: 999 });
      expect(await marks({ directory })).toMatchObject({ "github:carol": ["account-taken"] });
      team.github.rate.remaining = 0;
      const { unasked, recipients } = await planBy(team, await membersOf(repository), { directory });
      expect(unasked).toEqual([{ name: null, problem: expect.stringMatching(/./) as string }]);
      expect(recipients.flatMap((one) => one.marks)).toEqual([]);
    } finally {
      team.github.rate.remaining = 100_000;
      users.clear();
      for (const [name, user] of before) users.set(name, user);
    }
  });

  test("that who replaces a key would not have it", async () => {
    const members = await membersOf(repository);
    expect((await planBy(team, members)).missingSelf).toBeNull();
    const alone = { keyNames: ["default"], remove: [memberCalled(members, "alice")] };
    expect((await planBy(team, members, alone)).missingSelf?.label).toBe("github:alice");
  });
});

describe("another branch", () => {
  test("where a removal waits is told, and its key is opened along", async () => {
    await repository.git("switch", "-q", "-c", "rotate");
    await remove(team, repository, ["bob"]);
    const { bytes } = opened(repository).readKey();
    const clone = await cloneOf(repository, "clone");
    await clone.git("switch", "-q", "main");
    const members = await accept(clone);
    const { waiting } = await readElsewhere(members);
    expect(waiting).toMatchObject([
      {
        removed: ["github:bob"],
        keyNames: ["default"],
        by: "github:alice",
        reference: expect.stringContaining("rotate") as string,
      },
    ]);
    expect(await memberFindings(members)).toMatchObject([{ id: "removal-elsewhere" }]);
    const given = await openKeys(members, team.identities("carol"));
    expect(given.opened.map(({ isCurrent }) => isCurrent)).toEqual([true, false]);
    expect(given.opened[1]?.key).toEqual(bytes);
  });

  test("that takes from its author delays nobody's learning of its key", async () => {
    await repository.git("switch", "-q", "-c", "rotate");
    const members = await membersOf(repository);
    await (await planBy(team, members, { by: "bob", remove: [memberCalled(members, "carol")] })).apply(team.commands);
    const { bytes } = opened(repository).readKey();
    await repository.git("switch", "-q", "-c", "junk", "main");
    await removeAlone(team, repository, "bob");
    await repository.git("switch", "-q", "main");
    const clone = await cloneOf(repository, "clone");
    const given = await openKeys(await accept(clone), team.identities("bob"));
    expect(given.opened.map(({ isCurrent }) => isCurrent)).toEqual([true, false]);
    expect(given.opened[1]?.key).toEqual(bytes);
    const { known } = generationsBy(() => {})(opened(clone), "default") ?? {};
    expect(known?.has(given.opened[1]?.id ?? "")).toBe(true);
  });

  test("where the key was replaced as well, and both are merged, one is made of both", async () => {
    await repository.git("branch", "other");
    await remove(team, repository, ["bob"]);
    await repository.git("switch", "-q", "other");
    await remove(team, repository, ["carol"]);
    await repository.git("-c", "merge.git-crypt.driver=true", "merge", "-q", "-X", "ours", "main", "-m", "both");
    const members = await membersOf(repository);
    expect(namesOf(members)).toEqual(["github:alice"]);
    expect(members.branch.keyNames[0]?.state).toMatch(/^(?:stale|two-heads)$/);
    expect((await memberFindings(members)).map(({ id }) => id)).toEqual([
      expect.stringMatching(/^(?:stale-key|two-keys)$/),
    ]);
  });
});

test("copies that belong to nobody's entry are removed by the next rotation", async () => {
  const { id } = { id: keyId(opened(repository).readKey().keyFile) };
  await stage(repository, `.git-vault/sealed/default/${id}/${"0".repeat(64)}.age`, "junk");
  await repository.git("commit", "-qm", "junk");
  await remove(team, repository);
  expect(filesIn(repository, ".git-vault/sealed").filter((path) => path.includes("0".repeat(64)))).toEqual([]);
});

test("more copies than an entry can name are named by several, and the key is settled", async () => {
  const members = await membersOf(repository);
  const id = keyId(opened(repository).readKey().keyFile);
  const digests = Array.from({ length: 700 }, (_, at) => hash("sha256", String(at), "hex"));
  const writer = new LogWriter(members, await team.author("alice"));
  const copies = digests.map((digest) => ({ commitment: id, digest, recipient: digest.slice(0, 40).toUpperCase() }));
  const before = writer.files.size;
  await writer.write({ kind: "generation", generations: [{ keyName: "default", id }], copies });
  expect(writer.files.size - before).toBe(3);
  expect(writer.membership.keyNames).toMatchObject([{ state: "settled", current: { commitment: id } }]);
  const named = attestedCopies(writer.log, writer.membership).map(({ digest }) => digest);
  expect(named).toEqual(expect.arrayContaining(digests));
});
