import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ALICE, directoryAt, failureOf } from "./fixtures.ts";

let github: GitHubStandIn;
beforeEach(async () => {
  github = await startGitHub();
  github.users.set("Alice", { keys: [ALICE], id: 7 });
});
afterEach(() => github.close());

const host = (): string => new URL(github.url).host;
const HEADERS = { "content-type": "application/json" };

describe("an account on GitHub", () => {
  test("is found by its login, and by its number, which a change of name leaves as it is", async () => {
    const directory = directoryAt(github.url);
    const alice = { login: "alice", account: `${host()}/7` };
    expect(await directory.gitHubAccount({ login: "ALICE" })).toEqual(alice);
    github.users.delete("Alice");
    github.users.set("alicia", { id: 7 });
    expect(await directory.gitHubAccount({ login: "alice" })).toBeNull();
    expect(await directory.gitHubAccount({ account: alice.account })).toEqual({ ...alice, login: "alicia" });
  });

  test.each(["elsewhere.example/7", "/7", "7", "HOST/0", "HOST/07", "HOST/7/keys", "HOST/../orgs/7"])(
    "of the number %s is none of this server's, which is not asked",
    async (account) => {
      const number = account.replace("HOST", host());
      expect(await directoryAt(github.url).gitHubAccount({ account: number })).toBeNull();
      expect(github.requests).toEqual([]);
    },
  );

  test("is none where the login can be none, and nobody is asked", async () => {
    for (const login of ["alice/../bob", "", "a".repeat(40), "alice?x"])
      expect(await directoryAt(github.url).gitHubAccount({ login })).toBeNull();
    expect(github.requests).toEqual([]);
  });

  test.each([
    ['{"login":"alice"}', "answered without the field login"],
    ['{"login":7,"id":7}', "answered without the field login"],
    ['{"login":"alice","id":"7"}', "answered without the field login"],
    ['{"login":"../alice","id":7}', "answered without the field login"],
    ["[]", "answered without the field login"],
    ["null", "answered without the field login"],
    ["{", "answered with broken JSON"],
  ])("as %s is refused", async (body, what) => {
    github.faults.push({ fault: "answer", status: 200, headers: HEADERS, body });
    expect(await failureOf(directoryAt(github.url).gitHubAccount({ login: "alice" }))).toMatchObject({
      code: "BAD_ANSWER",
      message: `${host()} ${what}`,
    });
  });

  test.each([
    [500, "BAD_ANSWER"],
    [401, "AUTHENTICATION_REQUIRED"],
    [429, "RATE_LIMITED"],
  ] as const)("is neither missing nor there where the server answers with status %i", async (status, code) => {
    github.faults.push({ fault: "answer", status, headers: HEADERS, body: '{"login":"mallory","id":8}' });
    expect(await failureOf(directoryAt(github.url).gitHubAccount({ login: "alice" }))).toMatchObject({ code });
  });
});

describe("a member of an organisation", () => {
  beforeEach(() => {
    github.tokens.add("secret");
    github.members.set("acme", [{ login: "alice" }, { login: "bob", public: true }]);
  });

  test("is seen by others where it is public, and by members with a token where it is not", async () => {
    const stranger = directoryAt(github.url);
    const member = directoryAt(github.url, { GH_TOKEN: "secret" });
    const asked = [
      stranger.isMember("Acme", "bob"),
      stranger.isMember("acme", "alice"),
      member.isMember("acme", "alice"),
    ];
    expect(await Promise.all(asked)).toEqual([true, false, true]);
    expect(await member.isMember("acme", "carol")).toBe(false);
  });

  test.each([
    ["../users", "alice"],
    ["acme", "../../users/alice"],
    ["acme/teams", "alice"],
    ["", "alice"],
  ])("%s %s is none, and nobody is asked", async (org, login) => {
    expect(await failureOf(directoryAt(github.url).isMember(org, login))).toMatchObject({ code: "INVALID_RECIPIENT" });
    expect(github.requests).toEqual([]);
  });

  test("is not told by any other answer", async () => {
    for (const [status, code] of [
      [200, "BAD_ANSWER"],
      [401, "AUTHENTICATION_REQUIRED"],
    ] as const) {
      github.faults.push({ fault: "answer", status, headers: HEADERS, body: "{}", times: 1 });
      expect(await failureOf(directoryAt(github.url).isMember("acme", "alice"))).toMatchObject({ code });
    }
  });
});
