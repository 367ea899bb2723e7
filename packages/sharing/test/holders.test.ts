import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "@git-vault/testkit";
import type { GitHubFaultKind } from "@git-vault/testkit/github";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Directory } from "@git-vault/directory";
import { Pins } from "../src/index.ts";
import {
  listHolders,
  memberFindings,
  memberNamed,
  note,
  openKeys,
  peopleOf,
  planSync,
  planSyncRotation,
  reportLog,
  sync,
  type Holder,
  type SyncPlan,
} from "../src/members/index.ts";
import { LogWriter } from "../src/members/writer.ts";
import { failureOf } from "./hands.ts";
import {
  filesIn,
  grantTo,
  makeTeam,
  memberCalled,
  membersOf,
  namesOf,
  planBy,
  remove,
  removeAlone,
  stage,
  teamRepository,
  type Team,
} from "./team.ts";

/* Who has the keys, what became of them on the forge since, and how the log follows. */

let team: Team;
let repository: Repository;
let before: Map<string, object>;
beforeAll(async () => void (team = await makeTeam()));
afterAll(() => team.close());
beforeEach(async () => {
  repository = await teamRepository(team);
  await grantTo(team, repository, ["bob", "carol"]);
  before = new Map([...team.github.users].map(([name, user]) => [name, { ...user }]));
});
afterEach(() => {
  repository.remove();
  team.github.users.clear();
  for (const [name, user] of before) team.github.users.set(name, user);
});

const bob = async (): Promise<Holder | undefined> =>
  (await listHolders(await membersOf(repository), team.directory)).holders.find(({ name }) => name === "github:bob");
const plan = async (): Promise<SyncPlan> =>
  planSync({ members: await membersOf(repository), directory: team.directory });
const keysOf = (name: string, keys: string[]): void => void Object.assign(team.github.users.get(name) ?? {}, { keys });
const rename = (from: string, to: string): void => {
  const user = team.github.users.get(from);
  team.github.users.delete(from);
  if (user !== undefined) team.github.users.set(to, user);
};
/** Brings the log up to date as alice; gives the commit. */
const update = async (): Promise<string | null> => {
  const members = await membersOf(repository);
  const { directory } = team;
  const request = {
    members,
    directory,
    plan: await planSync({ members, directory }),
    author: await team.author("alice"),
    pins: new Pins(null),
  };
  return (await sync(request, await planSyncRotation(request), team.commands)).commit;
};

describe("the forge", () => {
  test("still has everything as it was", async () => {
    const list = await listHolders(await membersOf(repository), team.directory);
    expect(list).toMatchObject({ strangers: [], bad: [], notCounting: 0, keyNames: [{ name: "default" }] });
    expect(list.holders).toMatchObject([
      { name: "github:alice", addedBy: null, role: "admin", accounts: [expect.stringMatching(/\/100$/)] },
      { name: "github:bob", addedBy: "github:alice", forge: "found", renamedTo: null, newKeys: [], lacks: [] },
      { name: "github:carol", opens: ["default"], keys: [{ state: "present", id: team.id("carol") }] },
    ]);
    expect(await plan()).toEqual({ outOfDate: [], unclear: [], strangeCopies: [], unsettled: [] });
    expect(await update()).toBeNull();
  });

  test("has another key: it is taken out and let in, and the repository's key replaced, in one commit", async () => {
    keysOf("bob", [team.key("mallory")]);
    expect(await bob()).toMatchObject({ keys: [{ state: "removed" }], newKeys: [{ id: team.id("mallory") }] });
    expect((await plan()).outOfDate).toMatchObject([
      { name: "github:bob", added: [{ id: team.id("mallory") }], removed: [team.id("bob")], renamedTo: null },
    ]);
    const old = (await membersOf(repository)).branch.keyNames[0]?.current.commitment;
    const head = (await repository.git("rev-parse", "HEAD")).toString().trim();
    const commit = await update();
    expect((await repository.git("rev-parse", `${commit}^`)).toString().trim()).toBe(head);
    const members = await membersOf(repository);
    expect(memberCalled(members, "bob").keys.map(({ id }) => id)).toEqual([team.id("mallory")]);
    expect(members.branch.keyNames[0]?.current.commitment).not.toBe(old);
    expect((await openKeys(members, team.identities("mallory"))).lacking).toEqual([]);
    expect((await openKeys(members, team.identities("bob"))).opened).toEqual([]);
    expect(await plan()).toEqual({ outOfDate: [], unclear: [], strangeCopies: [], unsettled: [] });
  });

  test("has one key more: it is let in, and nothing replaced", async () => {
    keysOf("bob", [team.key("bob"), team.key("mallory")]);
    await update();
    const members = await membersOf(repository);
    expect(memberCalled(members, "bob").keys).toHaveLength(2);
    expect(members.branch.keyNames[0]?.generations).toHaveLength(1);
    expect((await openKeys(members, team.identities("mallory"))).me).toBe("github:bob");
  });

  test("has no key of theirs: that is told, and left to a person", async () => {
    keysOf("bob", []);
    expect(await bob()).toMatchObject({ forge: "found", keys: [{ state: "removed" }] });
    expect((await plan()).unclear).toEqual([{ name: "github:bob", reason: "no-keys-left", problem: null }]);
  });

  test("has the account by another name, which the log takes over", async () => {
    rename("bob", "robert");
    expect(await bob()).toMatchObject({ forge: "found", renamedTo: "github:robert", keys: [{ state: "present" }] });
    await update();
    expect(namesOf(await membersOf(repository))).toEqual(["github:alice", "github:carol", "github:robert"]);
  });

  test("has another account by that name, or none", async () => {
    rename("bob", "robert");
    team.github.users.set("bob", { keys: [team.key("mallory")], id: 999 });
    team.github.users.delete("carol");
    expect(await bob()).toMatchObject({ forge: "other-account", renamedTo: "github:robert", newKeys: [] });
    expect((await plan()).unclear).toEqual([
      { name: "github:bob", reason: "account-taken", problem: null },
      { name: "github:carol", reason: "account-gone", problem: null },
    ]);
  });

  test("answers no more for now: that is an error, and not a list of members who are gone", async () => {
    team.github.rate.remaining = 2;
    try {
      expect((await failureOf(bob())).code).toBe("RATE_LIMITED");
      expect((await failureOf(plan())).code).toBe("RATE_LIMITED");
    } finally {
      team.github.rate.remaining = 100_000;
    }
  });

  const line = (type: string, ...fields: Buffer[]): string => {
    const strings = [Buffer.from(type), ...fields].map((one) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(one.length);
      return Buffer.concat([length, one]);
    });
    return `${type} ${Buffer.concat(strings).toString("base64")}`;
  };
  const many = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const { x = "" } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
      return line("ssh-ed25519", Buffer.from(x, "base64url"));
    });
  /** RSA keys of 4096 bits in form. */
  const large = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const modulus = randomBytes(513).fill(0, 0, 1).fill(0xff, 1, 2).fill(0xff, 512);
      return line("ssh-rsa", Buffer.from([1, 0, 1]), modulus);
    });
  const fault = (kind: GitHubFaultKind): void => void team.github.faults.push({ ...kind, on: "/users/bob/keys" });
  afterEach(() => void (team.github.faults.length = 0));

  test.each<[string, () => void, RegExp]>([
    ["1001 keys", () => keysOf("bob", many(1001)), /more than 10 pages/],
    ["a key that is two", () => keysOf("bob", ["ssh-ed25519 AAAA\nssh-rsa AAAA"]), /a key that is none/],
    ["10 MB", () => fault({ fault: "oversized", bytes: 10_000_000 }), /./],
    ["a failure of its own", () => fault({ fault: "answer", status: 500 }), /status 500/],
    ["half an answer", () => fault({ fault: "broken-json" }), /broken JSON/],
    ["a web page", () => fault({ fault: "html" }), /web page/],
    ["a cut connection", () => fault({ fault: "drop", when: "before-headers" }), /./],
  ])(
    "answers for one account with %s: they are named, and left as they are; others are not",
    async (_, spoil, says) => {
      spoil();
      keysOf("carol", [team.key("carol"), team.key("mallory")]);
      const problem = expect.stringMatching(says) as string;
      expect(await bob()).toMatchObject({ forge: "unanswered", problem, keys: [{ state: "unknown" }] });
      expect(await plan()).toMatchObject({
        outOfDate: [{ name: "github:carol", added: [{ id: team.id("mallory") }], removed: [] }],
        unclear: [{ name: "github:bob", reason: "unanswered", problem }],
      });
    },
  );

  test("answers for one account with nothing: others are brought up to date, and looked at", async () => {
    fault({ fault: "answer", status: 500 });
    keysOf("carol", [team.key("carol"), team.key("mallory")]);
    await update();
    expect(memberCalled(await membersOf(repository), "carol").keys).toHaveLength(2);
    expect(memberCalled(await membersOf(repository), "bob").keys).toHaveLength(1);
    // Who replaces a key learns of the others what there is to learn.
    keysOf("carol", [team.key("mallory")]);
    const { unasked, recipients } = await planBy(team, await membersOf(repository), { directory: team.directory });
    expect(unasked).toEqual([{ name: "github:bob", problem: expect.stringMatching(/status 500/) as string }]);
    expect(recipients.flatMap(({ name, marks }) => marks.map(({ kind }) => [name, kind]))).toContainEqual([
      "github:carol",
      "key-not-on-account",
    ]);
  });

  test("has more keys of one account than an entry takes: they are left as they are", async () => {
    keysOf("bob", [team.key("bob"), ...many(950)]);
    expect((await plan()).unclear).toMatchObject([{ name: "github:bob", reason: "too-many-keys" }]);
    const error = await failureOf((async () => peopleOf(await team.directory.resolve("bob"), team.directory))());
    expect(error).toMatchObject({ code: "TOO_MANY_KEYS", message: expect.stringContaining("github:bob") as string });
    keysOf("bob", [team.key("bob"), ...large(200)]);
    expect((await plan()).unclear).toMatchObject([{ name: "github:bob", reason: "too-many-keys" }]);
    // age opens nothing that is for more than 1,024: several copies are made.
    keysOf("bob", [...many(880), team.key("bob")]);
    await update();
    expect(memberCalled(await membersOf(repository), "bob").keys).toHaveLength(881);
    const { opened, lacking } = await openKeys(await membersOf(repository), team.identities("bob"));
    expect([opened.length, lacking]).toEqual([1, []]);
  });

  test("is not asked where that is not wanted, nor of a name that is an address", async () => {
    const eve = { ...(await team.person("mallory")), label: "https://127.0.0.1:1/x", account: null };
    await grantTo(team, repository, [], { people: [eve] });
    const requests = team.github.requests.length;
    const { holders } = await listHolders(await membersOf(repository), null);
    expect(holders.map(({ forge }) => forge)).toEqual(holders.map(() => "not-asked"));
    expect(team.github.requests).toHaveLength(requests);
    const { holders: asked } = await listHolders(await membersOf(repository), team.directory);
    expect(asked.find(({ name }) => name === eve.label)).toMatchObject({
      forge: "not-asked",
      keys: [{ state: "unknown" }],
    });
  });
});

test("a copy that is missing is told, and made by the next sync", async () => {
  const { branch, branchLog } = await membersOf(repository);
  const [record] = branch.members.find(({ label }) => label === "github:bob")?.records ?? [];
  const action = branchLog.entries.get(record ?? "none")?.action;
  const digest = action?.kind === "add" ? action.copies?.[0]?.digest : undefined;
  const copy = filesIn(repository, ".git-vault/sealed").find((path) => path.includes(digest ?? "none"));
  await repository.git("rm", "-q", copy ?? "none");
  await repository.git("commit", "-qm", "lost");
  expect(await bob()).toMatchObject({ lacks: ["default"] });
  expect((await memberFindings(await membersOf(repository))).map(({ id }) => id)).toEqual(["no-copy"]);
  expect((await openKeys(await membersOf(repository), team.identities("bob"))).lacking).toEqual(["default"]);
  await update();
  expect((await openKeys(await membersOf(repository), team.identities("bob"))).lacking).toEqual([]);
  expect(await memberFindings(await membersOf(repository))).toEqual([]);
});

test("a key that somebody has who was removed is to be replaced, and the next sync does", async () => {
  await removeAlone(team, repository, "bob");
  expect((await memberFindings(await membersOf(repository))).map(({ id }) => id)).toEqual(["stale-key"]);
  expect((await plan()).unsettled).toEqual([{ keyName: "default", state: "stale" }]);
  expect((await failureOf(grantTo(team, repository, ["mallory"]))).code).toBe("STALE_KEY");
  await update();
  expect(await memberFindings(await membersOf(repository))).toEqual([]);
});

describe("a member is named", () => {
  const named = async (name: string, directory: Directory | null = null): Promise<string | null> =>
    (await memberNamed(await membersOf(repository), name, directory)).label;
  const failure = async (name: string, directory: Directory | null = null): ReturnType<typeof failureOf> =>
    failureOf(named(name, directory));
  const accountOf = async (name: string): Promise<string> =>
    memberCalled(await membersOf(repository), name).accounts[0] ?? "";
  /** What bob is called from now on, by himself. */
  const callBob = async (label: string): Promise<void> => {
    const members = await membersOf(repository);
    const writer = new LogWriter(members, await team.author("bob"));
    const [member] = memberCalled(members, "bob").records;
    await writer.write({ kind: "give", member, keys: [], role: null, opens: [], label, readmits: [] });
    for (const [path, content] of writer.files) await stage(repository, path, content);
    await repository.git("commit", "-q", "-m", "called otherwise");
  };

  test("as they are called, by account, by key, and whatever the case of a login", async () => {
    for (const name of ["github:carol", "github:Carol", await accountOf("carol"), team.id("carol")]) {
      expect(await named(name)).toBe("github:carol");
      expect(await named(name, team.directory)).toBe("github:carol");
    }
    const error = await failure("github:dave");
    expect(error).toMatchObject({ code: "NO_SUCH_MEMBER", hint: expect.stringContaining("github:bob") as string });
  });

  test("by their login, whatever they call themselves: the forge tells, and so does the log", async () => {
    await callBob("laptop");
    expect(await named("github:bob", team.directory)).toBe("laptop");
    expect(await named("github:bob")).toBe("laptop");
    rename("bob", "robert");
    expect(await named("github:robert", team.directory)).toBe("laptop");
    expect((await failure("github:robert")).code).toBe("NO_SUCH_MEMBER");
  });

  test("by nothing that several may mean", async () => {
    const [bobs, carols] = [await accountOf("bob"), await accountOf("carol")];
    await callBob("github:carol");
    for (const directory of [null, team.directory]) {
      const error = await failure("github:carol", directory);
      expect(error).toMatchObject({ code: "AMBIGUOUS_MEMBER", message: "github:carol may mean 2 members" });
      for (const account of [bobs, carols]) expect(error.hint).toContain(`${account} (called github:carol)`);
    }
    expect((await memberNamed(await membersOf(repository), carols, null)).keys[0]?.id).toBe(team.id("carol"));
    expect((await memberNamed(await membersOf(repository), "github:bob", team.directory)).accounts).toEqual([bobs]);
  });

  test("by no login that is another account's", async () => {
    await callBob("github:mallory");
    expect(await failure("github:mallory", team.directory)).toMatchObject({
      code: "AMBIGUOUS_MEMBER",
      message: "github:mallory is another account on GitHub than that of the member who is called so",
    });
    // Where the forge cannot be asked, the log alone decides.
    expect(await named("github:mallory")).toBe("github:mallory");
    const { holders } = await listHolders(await membersOf(repository), team.directory);
    expect(holders.find(({ name }) => name === "github:mallory")).toMatchObject({
      forge: "other-account",
      renamedTo: "github:bob",
    });
  });

  test("on no account that they do not have", async () => {
    const eve = { ...(await team.person("mallory")), label: "github:mallory", account: null };
    await grantTo(team, repository, [], { people: [eve] });
    const { holders } = await listHolders(await membersOf(repository), team.directory);
    expect(holders.find(({ name }) => name === "github:mallory")).toMatchObject({ forge: "not-asked", accounts: [] });
  });
});

test("the log is told in order: who did what, what does not count, and why", async () => {
  await note(await membersOf(repository), await team.author("bob"), "default", ["dave"]);
  await remove(team, repository, ["bob"]);
  await grantTo(team, repository, ["bob"], { readmit: true });
  const lines = reportLog(await membersOf(repository));
  expect(lines.map(({ author, action, about }) => [author, action.kind, about.join()])).toEqual([
    ["github:alice", "start", "github:alice"],
    ["github:alice", "add", "github:bob"],
    ["github:alice", "add", "github:carol"],
    ["github:bob", "note", ""],
    ["github:alice", "remove", "github:bob"],
    ["github:alice", "add", "github:bob"],
  ]);
  expect(lines.every(({ counts, isPresent }) => counts && isPresent)).toBe(true);
});

test("a note names everybody that a key was sent to, in as many entries as that takes", async () => {
  const names = Array.from({ length: 100 }, (_, at) => `file:${"x".repeat(90)}-${at}`);
  await note(await membersOf(repository), await team.author("bob"), "default", names);
  const texts = reportLog(await membersOf(repository)).flatMap(({ action }) =>
    action.kind === "note" ? action.text : [],
  );
  const told = texts.flatMap((text) => text.replace("the key default was sent to ", "").split(", "));
  expect(told.toSorted()).toEqual(names.toSorted());
});

test("an entry of somebody who is no member counts for nothing, and that is told", async () => {
  // mallory starts a log of her own, and brings its entries into this one.
  using hers = await teamRepository(team);
  await grantTo(team, hers, ["mallory"]);
  for (const path of filesIn(hers, ".git-vault/members")) {
    await stage(repository, path, readFileSync(join(hers.path, path)));
  }
  const members = await membersOf(repository);
  expect(namesOf(members)).toEqual(["github:alice", "github:bob", "github:carol"]);
  const lines = reportLog(members).filter(({ counts }) => !counts);
  expect(lines.map(({ reason }) => reason)).toEqual(["other-root", "other-root"]);
  expect((await listHolders(members, null)).notCounting).toBe(2);
});
