import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import { generateIdentity } from "@git-vault/sealing";
import { runOk, throwawayRepository, type Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { memberKeyOf, openKeys, peopleOf, planSync } from "../src/members/index.ts";
import { failureOf } from "./hands.ts";
import {
  accept,
  cloneOf,
  encryptedRepository,
  filesIn,
  grantTo,
  makeTeam,
  memberCalled,
  membersOf,
  namesOf,
  opened,
  planBy,
  remove,
  stage,
  teamRepository,
  type Team,
} from "./team.ts";

/* Letting people in: the entry, the sealed copies, and the commit that holds both. */

let team: Team;
let repository: Repository;
beforeAll(async () => void (team = await makeTeam()));
afterAll(() => team.close());
beforeEach(async () => void (repository = await teamRepository(team)));
afterEach(() => repository.remove());

const log = async (): Promise<string> => (await repository.git("log", "--format=%s")).toString();

test("an entry is signed so that ssh-keygen verifies it over all that stands before", async () => {
  await grantTo(team, repository, ["bob"]);
  const { branch } = await membersOf(repository);
  const record = branch.members.find(({ label }) => label === "github:bob")?.records[0] ?? "";
  const text = readFileSync(join(repository.path, ".git-vault/members", record), "utf8");
  expect(text).toContain(`\nlabel: github:bob\n`);
  const at = text.indexOf("-----BEGIN SSH SIGNATURE-----");
  const signers = join(repository.folder, "signers");
  writeFileSync(signers, `alice ${team.key("alice")}\n`);
  const signature = join(repository.folder, "signature");
  writeFileSync(signature, text.slice(at));
  const args = ["-Y", "verify", "-f", signers, "-I", "alice", "-n", "members@git-vault", "-s", signature];
  await runOk("ssh-keygen", args, { input: text.slice(0, at) });
  await expect(runOk("ssh-keygen", args, { input: `${text.slice(0, at)} ` })).rejects.toThrow(/ended with/);
});

test("who was granted opens the very key file, in a clone, with their own key alone", async () => {
  await grantTo(team, repository, ["bob"]);
  const { bytes } = opened(repository).readKey();
  const clone = await cloneOf(repository, "clone");
  const members = await accept(clone);
  const given = await openKeys(members, team.identities("bob"));
  expect(given).toMatchObject({ me: "github:bob", lacking: [], refused: [], removal: null });
  expect(given.opened.map(({ key, isCurrent }) => [key, isCurrent])).toEqual([[bytes, true]]);
  expect(await openKeys(members, team.identities("mallory"))).toMatchObject({ opened: [], me: null });
});

test("nobody is granted a key that is another member's, also where it is on their account", async () => {
  await grantTo(team, repository, ["bob", "carol"]);
  const [mallory, carol] = [team.github.users.get("mallory"), team.github.users.get("carol")];
  team.github.users.set("mallory", { id: 103, keys: [team.key("mallory"), team.key("bob")] });
  team.github.users.set("carol", { id: 102, keys: [team.key("carol"), team.key("bob")] });
  for (const name of ["mallory", "carol"]) {
    const error = await failureOf(grantTo(team, repository, [name]));
    expect(error).toMatchObject({ code: "NOT_ALLOWED", hint: expect.stringMatching(/take the key from github:bob/) });
    expect(error.message).toBe(`the key ${team.id("bob")} of github:${name} belongs to github:bob already`);
  }
  // Nor does bringing keys up to date give it to them.
  const { outOfDate } = await planSync({ members: await membersOf(repository), directory: team.directory });
  expect(outOfDate).toEqual([]);
  for (const [name, user] of Object.entries({ mallory, carol })) if (user) team.github.users.set(name, user);
});

test("nothing is opened where nobody accepted the log", async () => {
  const clone = await cloneOf(repository, "clone");
  expect(await openKeys(await membersOf(clone), team.identities("alice"))).toMatchObject({ opened: [], me: null });
});

test("machines and readers open keys, and write nothing", async () => {
  const { recipient, identity } = await generateIdentity();
  const machine = { label: "ci:deploy", account: null, keys: [memberKeyOf(recipient)], openPgp: [] };
  const bob = await team.person("bob");
  await grantTo(team, repository, [], { people: [machine, bob], isReader: () => true });
  const members = await membersOf(repository);
  expect(members.branch.members.map(({ role }) => role)).toEqual(["admin", "reader", "reader"]);
  const file = join(repository.folder, "identity");
  writeFileSync(file, `${identity}\n`, { mode: 0o600 });
  const given = await openKeys(members, { ...team.identities("mallory"), keyFiles: [file] });
  expect(given).toMatchObject({ me: "ci:deploy", lacking: [] });
  const error = await failureOf(grantTo(team, repository, ["carol"], { by: "bob" }));
  expect(error).toMatchObject({ code: "NOT_ADMIN", hint: expect.stringContaining("github:alice") as string });
  expect((await failureOf(grantTo(team, repository, ["carol"], { by: "mallory" }))).code).toBe("NOT_ADMIN");
});

test("where there is no log, granting starts it", async () => {
  using fresh = await encryptedRepository(team);
  const { started, granted } = await grantTo(team, fresh, ["bob"]);
  expect(granted).toMatchObject([{ name: "github:bob", role: "admin", wasMember: false }]);
  const members = await membersOf(fresh);
  expect(members).toMatchObject({ rootState: "accepted", root: started });
  expect(namesOf(members)).toEqual(["github:alice", "github:bob"]);
});

describe("granting", () => {
  test("commits its own files alone, whatever is staged or changed, and leaves that as it is", async () => {
    repository.write("staged", "1");
    await repository.git("add", "staged");
    repository.write("untracked", "1");
    const before = new Set(filesIn(repository, ".git-vault"));
    const { commit } = await grantTo(team, repository, ["bob", "carol"]);
    const files = (await repository.git("show", "--name-only", "--format=", commit ?? "")).toString();
    const added = filesIn(repository, ".git-vault").filter((path) => !before.has(path));
    expect(files.trim().split("\n").toSorted()).toEqual(added);
    expect((await repository.git("status", "--porcelain")).toString()).toBe("A  staged\n?? untracked\n");
    expect(await log()).toMatch(/^Grant the key default to github:bob and github:carol\n/);
  });

  test("passes over who has it, and adds what they have not", async () => {
    await grantTo(team, repository, ["bob"]);
    const again = await grantTo(team, repository, ["bob", "carol"]);
    expect(again.unchanged).toEqual(["github:bob"]);
    expect(again.granted.map(({ name }) => name)).toEqual(["github:carol"]);
    expect(await grantTo(team, repository, ["bob"])).toMatchObject({ granted: [], commit: null });
    const user = team.github.users.get("bob");
    team.github.users.set("bob", { ...user, keys: [team.key("bob"), team.key("mallory")] });
    try {
      const more = await grantTo(team, repository, ["bob"]);
      expect(more.granted).toMatchObject([{ name: "github:bob", wasMember: true }]);
      const { branch } = await membersOf(repository);
      const bob = branch.members.find(({ label }) => label === "github:bob");
      expect(bob?.keys.map(({ id }) => id).toSorted()).toEqual([team.id("bob"), team.id("mallory")].toSorted());
    } finally {
      team.github.users.set("bob", { ...user });
    }
  });

  test("lets nobody back in who was removed, by whatever name, but where that is said", async () => {
    await grantTo(team, repository, ["bob"]);
    await remove(team, repository, ["bob"]);
    expect((await failureOf(grantTo(team, repository, ["bob"]))).code).toBe("REMOVED_BEFORE");
    const bob = await team.person("bob");
    const renamed = { ...bob, label: "file:laptop", account: null };
    expect((await failureOf(grantTo(team, repository, [], { people: [renamed] }))).code).toBe("REMOVED_BEFORE");
    await grantTo(team, repository, ["bob"], { readmit: true });
    expect(namesOf(await membersOf(repository))).toEqual(["github:alice", "github:bob"]);
  });

  describe("a key that was taken out by itself", () => {
    const laptop = (): string => team.id("mallory");
    const bobKeys = async (): Promise<readonly string[]> =>
      memberCalled(await membersOf(repository), "bob")
        .keys.map(({ id }) => id)
        .toSorted();

    beforeEach(async () => {
      team.github.users.set("bob", { id: 101, keys: [team.key("bob"), team.key("mallory")] });
      await grantTo(team, repository, ["bob"]);
    });
    afterEach(() => void team.github.users.set("bob", { id: 101, keys: [team.key("bob")] }));

    const take = async (...ids: string[]): Promise<void> => {
      const members = await membersOf(repository);
      const bob = memberCalled(members, "bob");
      await (await planBy(team, members, { takeKeys: [{ member: bob, keys: ids }] })).apply(team.commands);
    };

    test("does not come back by its account, which still has it", async () => {
      await take(laptop());
      expect(await grantTo(team, repository, ["bob"])).toMatchObject({ granted: [], unchanged: ["github:bob"] });
      await remove(team, repository, ["bob"]);
      const { leftOut } = await grantTo(team, repository, ["bob"], { readmit: true });
      expect(leftOut).toMatchObject([{ name: "github:bob", keys: [{ id: laptop() }] }]);
      expect(await bobKeys()).toEqual([team.id("bob")]);
      const members = await membersOf(repository);
      expect((await planSync({ members, directory: team.directory })).outOfDate).toEqual([]);
    });

    test("comes back if it is named itself, and is its member's like any other then", async () => {
      await take(laptop());
      await grantTo(team, repository, ["bob"], { readmitKeys: [laptop()] });
      const both = [team.id("bob"), laptop()].toSorted();
      expect(await bobKeys()).toEqual(both);
      await remove(team, repository, ["bob"]);
      await grantTo(team, repository, ["bob"], { readmit: true });
      expect(await bobKeys()).toEqual(both);
    });

    test("is known as such if it was the last one, and its member went with it", async () => {
      await take(team.id("bob"), laptop());
      expect(namesOf(await membersOf(repository))).toEqual(["github:alice"]);
      const error = await failureOf(grantTo(team, repository, ["bob"], { readmit: true }));
      expect(error.code).toBe("KEYS_TAKEN");
      expect(error.message).toContain(laptop());
      team.github.users.set("bob", { id: 101, keys: [team.key("bob"), team.key("mallory"), team.key("carol")] });
      await grantTo(team, repository, ["bob"], { readmit: true });
      expect(await bobKeys()).toEqual([team.id("carol")]);
    });

    test("is not what goes with a member who is removed", async () => {
      await remove(team, repository, ["bob"]);
      await grantTo(team, repository, ["bob"], { readmit: true });
      expect(await bobKeys()).toEqual([team.id("bob"), laptop()].toSorted());
    });
  });

  test("gives no two people one name, and one person no two", async () => {
    await grantTo(team, repository, ["bob"]);
    const [bob, mallory] = [await team.person("bob"), await team.person("mallory")];
    const asBob = { ...mallory, label: "github:bob", account: null };
    expect((await failureOf(grantTo(team, repository, [], { people: [asBob] }))).code).toBe("NAME_TAKEN");
    await grantTo(team, repository, [], { people: [{ ...bob, label: "file:bob", account: null }] });
    expect(namesOf(await membersOf(repository))).toHaveLength(2);
  });

  test("knows the names of keys that the log names", async () => {
    const error = await failureOf(grantTo(team, repository, ["bob"], { keyNames: ["prod"] }));
    expect(error).toMatchObject({ code: "NO_SUCH_KEY_NAME", hint: "it names default" });
    rmSync(join(repository.path, ".git/git-crypt/keys/default"));
    expect((await failureOf(grantTo(team, repository, ["bob"]))).code).toBe("KEY_NOT_HERE");
  });

  test("stores what it says, whatever attributes there are: of the user's, or that somebody committed", async () => {
    for (const folder of [".git-vault", ".git-vault/members", ".git-vault/sealed"]) {
      await stage(
        repository,
        `${folder}/.gitattributes`,
        "* text working-tree-encoding=UTF-16 ident\n.gitattributes !text !working-tree-encoding\n",
      );
    }
    await repository.git("commit", "-q", "-m", "attributes");
    mkdirSync(join(repository.path, ".git/info"), { recursive: true });
    writeFileSync(
      join(repository.path, ".git/info/attributes"),
      "*.age text working-tree-encoding=UTF-16LE-BOM\n* text",
    );
    await grantTo(team, repository, ["bob"]);
    const attributes = readFileSync(join(repository.path, ".git/info/attributes"), "utf8");
    expect(attributes).toMatch(/^\*\.age text .*\n\* text\n\/\.git-vault\/\*\* -text /);
    expect((await membersOf(repository)).bad).toEqual([]);
    expect((await openKeys(await membersOf(repository), team.identities("bob"))).me).toBe("github:bob");
    await remove(team, repository, ["bob"]);
    await grantTo(team, repository, ["carol"]);
    expect(readFileSync(join(repository.path, ".git/info/attributes"), "utf8")).toBe(attributes);
    expect((await repository.git("status", "--porcelain")).toString()).toBe("");
  });

  test("works from a linked worktree and where .git-vault is ignored or kept out by a sparse checkout", async () => {
    repository.write(".gitignore", ".git-vault\n");
    await repository.commit("ignore");
    await repository.git("sparse-checkout", "set", "secrets");
    await grantTo(team, repository, ["bob"]);
    const other = join(repository.folder, "other");
    await repository.git("worktree", "add", "-q", other);
    await grantTo(team, { ...repository, path: other }, ["carol"]);
    expect(namesOf(await membersOf({ ...repository, path: other }))).toHaveLength(3);
    expect(namesOf(await membersOf(repository))).toHaveLength(2);
  });

  test("leaves the files staged where it is told to, and the next one adds to them", async () => {
    expect((await grantTo(team, repository, ["bob"], { stageOnly: true })).commit).toBeNull();
    const staged = (await repository.git("diff", "--cached", "--name-only")).toString();
    expect(staged).toMatch(/^\.git-vault\/members\/[0-9a-f]{64}$/m);
    await grantTo(team, repository, ["carol"], { stageOnly: true });
    expect(namesOf(await membersOf(repository))).toHaveLength(3);
  });
});

describe("nothing is changed", () => {
  const unchanged = async (): Promise<void> => {
    expect((await repository.git("status", "--porcelain")).toString()).toBe("");
    expect(await log()).toBe("Start the members log with github:alice\na secret\n");
    expect(namesOf(await membersOf(repository))).toEqual(["github:alice"]);
  };

  test("where a hook refuses, and its words are repeated", async () => {
    mkdirSync(join(repository.path, ".git/hooks"), { recursive: true });
    const hook = join(repository.path, ".git/hooks/pre-commit");
    writeFileSync(hook, "#!/bin/sh\necho no grants on Friday >&2\nexit 1\n");
    chmodSync(hook, 0o755);
    const error = await failureOf(grantTo(team, repository, ["bob"]));
    expect(error).toMatchObject({ code: "GIT_FAILED", message: "git commit failed: no grants on Friday" });
    await unchanged();
  });

  test("where git has no name for the author", async () => {
    await repository.git("config", "user.useConfigOnly", "true");
    await repository.git("config", "--global", "--unset", "user.email");
    expect((await failureOf(grantTo(team, repository, ["bob"]))).code).toBe("GIT_FAILED");
    await unchanged();
  });

  test("where a rate limit stops it, and a large team is let in by few requests", async () => {
    const names = Array.from({ length: 30 }, (_, at) => `member-${at}`);
    for (const name of names) team.github.users.set(name, { keys: [team.key("bob")] });
    team.github.teams.set("org/team", names);
    team.github.tokens.add("token");
    const env = { GITHUB_API_URL: team.github.url, GH_TOKEN: "token" };
    const directory = new Directory({ env, cacheFolder: null });
    team.github.rate.remaining = 20;
    const found = async (): Promise<unknown> => peopleOf(await directory.resolve("github:org/team"), directory);
    try {
      expect((await failureOf(found())).code).toBe("RATE_LIMITED");
      await unchanged();
    } finally {
      team.github.rate.remaining = 100_000;
    }
    const before = team.github.requests.length;
    await found();
    // A page of members, which tells the accounts, and the keys of each.
    expect(team.github.requests.length - before).toBe(31);
  });

  test("where .git-vault is a link that leads elsewhere", async () => {
    using fresh = await encryptedRepository(team);
    const elsewhere = join(fresh.folder, "elsewhere");
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(fresh.path, ".git-vault"));
    expect((await failureOf(grantTo(team, fresh, ["bob"]))).code).toBe("UNWRITABLE");
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test("where the repository is locked, or does not use git-crypt", async () => {
    using plain = await throwawayRepository();
    const none = grantTo(team, plain, ["bob"]);
    expect((await failureOf(none)).code).toMatch(/^(?:NOT_GIT_CRYPT|NO_SUCH_KEY_NAME)$/);
  });
});
