import type { Repository } from "@git-vault/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findGrants, listHolders, planSync, type Holder } from "../src/grants/index.ts";
import { failureOf } from "./hands.ts";
import { encryptedRepository, grantFiles, grantTo, makeTeam, opened, type Team } from "./team.ts";

/* Who has the key, and what became of them on the forge since. */

let team: Team;
let repository: Repository;
beforeAll(async () => {
  team = await makeTeam();
  repository = await encryptedRepository();
  await grantTo(team, repository, ["bob", "carol"]);
});
afterAll(async () => {
  repository.remove();
  await team.close();
});

const bob = async (): Promise<Holder | undefined> =>
  (await listHolders(opened(repository), team.directory)).holders.find(({ holder }) => holder === "github:bob");
const plan = (): ReturnType<typeof planSync> => planSync(opened(repository), "default", team.directory);

describe("the forge", () => {
  let before: Map<string, object>;
  beforeEach(() => void (before = new Map([...team.github.users].map(([name, user]) => [name, { ...user }]))));
  afterEach(() => {
    team.github.users.clear();
    for (const [name, user] of before) team.github.users.set(name, user);
  });
  const keysOf = (name: string, keys: string[]): void => {
    const user = team.github.users.get(name);
    if (user !== undefined) user.keys = keys;
  };
  const rename = (from: string, to: string): void => {
    const user = team.github.users.get(from);
    team.github.users.delete(from);
    if (user !== undefined) team.github.users.set(to, user);
  };

  test("still has everything as it was, and the signature is by a key of who granted", async () => {
    const { holders, stray, bad } = await listHolders(opened(repository), team.directory);
    expect(holders.map(({ holder }) => holder)).toEqual(["github:bob", "github:carol"]);
    expect(holders[0]).toMatchObject({
      forge: "found",
      renamedTo: null,
      grantedBy: "github:alice",
      signature: { state: "confirmed" },
      keys: [{ state: "present" }],
      newKeys: [],
      standing: "current",
    });
    expect([...stray, ...bad]).toEqual([]);
    expect(await plan()).toMatchObject({ renewals: [], notRenewable: [] });
  });

  test("has keys that were removed and added", async () => {
    keysOf("bob", [team.key("mallory")]);
    expect(await bob()).toMatchObject({ keys: [{ state: "removed" }], newKeys: [{ text: team.key("mallory") }] });
    expect((await plan()).renewals).toMatchObject([
      {
        holder: "github:bob",
        name: "github:bob",
        added: [{ text: team.key("mallory") }],
        removed: [{ text: team.key("bob") }],
      },
    ]);
    keysOf("bob", []);
    expect(await bob()).toMatchObject({ forge: "found", keys: [{ state: "removed" }] });
    expect((await plan()).notRenewable).toEqual([
      { holder: "github:bob", keyName: "default", reason: "they have no key left that can be sealed to" },
    ]);
  });

  test("has the account by another name", async () => {
    rename("bob", "robert");
    expect(await bob()).toMatchObject({ forge: "found", renamedTo: "github:robert", keys: [{ state: "present" }] });
    expect((await plan()).renewals).toMatchObject([
      { holder: "github:bob", name: "github:robert", added: [], removed: [] },
    ]);
  });

  test("has another account by that name", async () => {
    rename("bob", "robert");
    team.github.users.set("bob", { keys: [team.key("mallory")], id: 999 });
    expect(await bob()).toMatchObject({ forge: "other-account", renamedTo: "github:robert", newKeys: [] });
    expect((await plan()).notRenewable).toEqual([
      { holder: "github:bob", keyName: "default", reason: "another account has that name now" },
    ]);
  });

  test("has the account no more", async () => {
    team.github.users.delete("bob");
    expect(await bob()).toMatchObject({ forge: "gone", keys: [{ state: "unknown" }] });
    expect((await plan()).notRenewable).toEqual([
      { holder: "github:bob", keyName: "default", reason: "there is no such account any more" },
    ]);
  });

  test("has not the key that signed, or only as one for signing", async () => {
    keysOf("alice", []);
    expect(await bob()).toMatchObject({ signature: { state: "denied" } });
    const alice = team.github.users.get("alice");
    if (alice !== undefined) alice.signingKeys = [team.key("alice")];
    expect(await bob()).toMatchObject({ signature: { state: "confirmed" } });
  });

  test("answers no more for now: that is an error, and not a list of holders who are gone", async () => {
    team.github.rate.remaining = 3;
    try {
      expect((await failureOf(listHolders(opened(repository), team.directory))).code).toBe("RATE_LIMITED");
      expect((await failureOf(plan())).code).toBe("RATE_LIMITED");
    } finally {
      team.github.rate.remaining = 100_000;
    }
  });

  test("is not asked offline, nor for an account on another server", async () => {
    const requests = team.github.requests.length;
    const { holders } = await listHolders(opened(repository), null);
    expect(holders[0]).toMatchObject({
      forge: "not-asked",
      keys: [{ state: "unknown" }],
      signature: { state: "unchecked" },
    });
    expect(team.github.requests).toHaveLength(requests);
    await using other = await makeTeamElsewhere();
    const elsewhere = await listHolders(opened(repository), other.team.directory);
    expect(elsewhere.holders[0]).toMatchObject({ forge: "not-asked" });
  });

  test("changes, and a sync renews what is to be renewed, in one commit", async () => {
    keysOf("bob", [team.key("bob"), team.key("mallory")]);
    rename("carol", "caroline");
    const since = (await bob())?.since;
    const commit = await (await plan()).apply(await team.by("alice"));
    const log = (await repository.git("log", "-1", "--format=%H %s")).toString();
    expect(log).toBe(`${commit} Renew the grants of github:bob and github:caroline\n`);
    expect(grantFiles(repository)).toHaveLength(2);
    expect(await bob()).toMatchObject({ since, keys: [{ state: "present" }, { state: "present" }], newKeys: [] });
    expect(await plan()).toMatchObject({ renewals: [], notRenewable: [] });
    expect(await (await plan()).apply(await team.by("alice"))).toBeNull();
  });
});

async function makeTeamElsewhere(): Promise<{ team: Team } & AsyncDisposable> {
  const other = await makeTeam();
  return { team: other, [Symbol.asyncDispose]: () => other.close() };
}

describe("whose grants are removed", () => {
  test("are named, or it is said who the holders are", async () => {
    const { holders, paths } = findGrants(opened(repository), "default", ["github:bob"]);
    expect(holders).toEqual(["github:bob"]);
    expect(paths).toEqual(grantFiles(repository).filter((path) => path.includes("bob")));
    const find = async (keyName: string, name: string) => findGrants(opened(repository), keyName, [name]);
    const error = await failureOf(find("default", "github:dave"));
    expect(error).toMatchObject({ code: "NO_SUCH_HOLDER", hint: expect.stringContaining("github:bob") as string });
    expect((await failureOf(find("other", "github:bob"))).hint).toBe("nobody holds one");
  });
});
