import { setTimeout } from "node:timers/promises";
import { inspect } from "node:util";
import { makeSshKey, temporaryFolder } from "@git-vault/testkit";
import { startGitHub, type GitHubFaultKind, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Directory } from "../src/index.ts";
import { ALICE, ALICE_FINGERPRINT, directoryAt, failureOf } from "./fixtures.ts";

let github: GitHubStandIn;
beforeEach(async () => {
  github = await startGitHub();
  github.users.set("choldgraf", { keys: [ALICE] });
});
afterEach(async () => {
  await github.close();
});

const asMember = (): Directory => directoryAt(github.url, { GH_TOKEN: "secret" });
const host = (): string => new URL(github.url).host;

describe("a user", () => {
  test("has a name, a source and every key with its fingerprint", async () => {
    using folder = temporaryFolder();
    const ecdsa = await makeSshKey({ folder: folder.path, type: "ecdsa" });
    const rsa = await makeSshKey({ folder: folder.path, type: "rsa", bits: 2048 });
    github.users.set("Choldgraf", { keys: [ALICE, ecdsa.publicKey, rsa.publicKey] });
    github.users.delete("choldgraf");
    const [entry, ...more] = await directoryAt(github.url).resolve("CholdGraf");
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ name: "github:choldgraf", source: `${github.url}/users/choldgraf/keys` });
    expect(entry?.keys).toMatchObject([
      { type: "ssh-ed25519", fingerprint: expect.stringMatching(ALICE_FINGERPRINT) as string, unusable: null },
      { type: "ecdsa-sha2-nistp256", key: null, unusable: "ECDSA keys can only sign" },
      { type: "ssh-rsa", unusable: null },
    ]);
  });

  test("is asked for in one request, as git-vault, without a token where there is none", async () => {
    await directoryAt(github.url).resolve("choldgraf");
    expect(github.requests).toHaveLength(1);
    expect(github.requests[0]).toMatchObject({
      method: "GET",
      path: "/users/choldgraf/keys?per_page=100",
      headers: { "user-agent": "git-vault" },
    });
    expect(github.requests[0]?.headers).not.toHaveProperty("authorization");
  });

  test("is found below the prefix of an enterprise server", async () => {
    const [entry] = await directoryAt(`${github.url}/api/v3/`).resolve("choldgraf");
    expect(entry?.source).toBe(`${github.url}/api/v3/users/choldgraf/keys`);
    expect(github.requests[0]?.path).toBe("/api/v3/users/choldgraf/keys?per_page=100");
  });

  test("with many keys is read over all pages, and over ten at most", async () => {
    github.users.set("many", { keys: Array.from({ length: 250 }, () => ALICE) });
    const [entry] = await directoryAt(github.url).resolve("many");
    expect(entry?.keys).toHaveLength(250);
    expect(github.requests).toHaveLength(3);
    github.users.set("more", { keys: Array.from({ length: 1001 }, () => ALICE) });
    expect(await failureOf(directoryAt(github.url).resolve("more"))).toMatchObject({
      code: "BAD_ANSWER",
      message: `${host()} answered with more than 10 pages`,
    });
  });

  test("who does not exist is not found", async () => {
    expect(await failureOf(directoryAt(github.url).resolve("nobody"))).toMatchObject({
      code: "NOT_FOUND",
      message: `${host()} has no user nobody`,
      hint: "check the spelling",
    });
  });

  test("without keys is told apart, with the page where they can add one", async () => {
    github.users.set("bare", {});
    expect(await failureOf(directoryAt(github.url).resolve("bare"))).toMatchObject({
      code: "NO_KEYS",
      message: `${host()}'s user bare has no SSH keys`,
      hint: `they can add one at ${github.url}/settings/keys`,
    });
  });
});

describe("a token", () => {
  test.each([
    [{ GH_TOKEN: "first", GITHUB_TOKEN: "second" }, "Bearer first"],
    [{ GH_TOKEN: "", GITHUB_TOKEN: "second" }, "Bearer second"],
    [{ GH_TOKEN: " first\n" }, "Bearer first"],
    [{ GH_ENTERPRISE_TOKEN: "first" }, undefined],
  ] as Record<string, string | undefined>[][])("of %o is sent as %s", async (env, sent) => {
    github.tokens.add("first").add("second");
    await directoryAt(github.url, env as Record<string, string>).resolve("choldgraf");
    expect(github.requests[0]?.headers.authorization).toBe(sent);
  });

  test("that is refused is never shown", async () => {
    const error = await failureOf(directoryAt(github.url, { GH_TOKEN: "ghp_s3cret" }).resolve("choldgraf"));
    expect(error).toMatchObject({
      code: "AUTHENTICATION_REQUIRED",
      message: `${host()} refused the token`,
      hint: "check GH_TOKEN: its scopes, its end, its single sign-on",
    });
    expect(inspect(error, { depth: 9 })).not.toContain("s3cret");
  });

  test("is asked for where the server has none but private pages", async () => {
    github.faults.push({ fault: "answer", status: 401, headers: { "content-type": "application/json" }, body: "{}" });
    expect(await failureOf(directoryAt(github.url).resolve("choldgraf"))).toMatchObject({
      code: "AUTHENTICATION_REQUIRED",
      message: `${host()} wants a token`,
      hint: "set GH_TOKEN",
    });
  });

  test("does not go to a URL, even one on the same server", async () => {
    github.tokens.add("secret");
    await directoryAt(github.url, { GH_TOKEN: "secret" }).resolve(`${github.url}/choldgraf.keys`);
    expect(github.requests).toHaveLength(1);
    expect(github.requests[0]?.headers).not.toHaveProperty("authorization");
  });

  test("does not follow a link to another server", async () => {
    await using other = await startGitHub();
    github.tokens.add("secret");
    const link = `<${other.url}/user/1/keys?page=2>; rel="next"`;
    const body = JSON.stringify([{ id: 1, key: ALICE }]);
    github.faults.push({ fault: "answer", status: 200, headers: { "content-type": "application/json", link }, body });
    expect(await failureOf(directoryAt(github.url, { GH_TOKEN: "secret" }).resolve("choldgraf"))).toMatchObject({
      code: "BAD_ANSWER",
      message: `${host()} answered with a link to another server`,
    });
    expect(other.requests).toEqual([]);
  });
});

describe("the rate limit", () => {
  const RESET = /'s rate limit is used up; it resets in 1[01] minutes, at \d\d:\d\d$/;

  test.each([403, 429] as const)("used up (%i) says when it resets, and what a token is good for", async (status) => {
    github.faults.push({ fault: "rate-limit", status, resetIn: 600 });
    const error = await failureOf(directoryAt(github.url).resolve("choldgraf"));
    expect(error).toMatchObject({
      code: "RATE_LIMITED",
      message: expect.stringMatching(RESET) as string,
      hint: "set GH_TOKEN to a token: the limit is far higher with one",
    });
  });

  test("used up with a token only has to be waited for", async () => {
    github.tokens.add("secret");
    github.faults.push({ fault: "rate-limit", resetIn: 30 });
    const error = await failureOf(directoryAt(github.url, { GH_TOKEN: "secret" }).resolve("choldgraf"));
    expect(error.message).toMatch(/it resets in 1 minute, at \d\d:\d\d$/);
    expect(error.hint).toBe("wait until then");
  });

  test.each([
    [{ fault: "secondary-limit", retryAfter: 600 }, RESET],
    [{ fault: "secondary-limit", status: 429, retryAfter: null }, /'s rate limit is used up$/],
    [{ fault: "secondary-limit", retryAfter: null }, /'s rate limit is used up$/],
    [{ fault: "rate-limit", resetIn: -5 }, /'s rate limit is used up$/],
    [{ fault: "rate-limit", resetIn: 1e9 }, /'s rate limit is used up$/],
    [{ fault: "answer", status: 429, headers: { "retry-after": "soon" } }, /'s rate limit is used up$/],
  ] as [GitHubFaultKind, RegExp][])("of %o is told", async (fault, message) => {
    github.faults.push({ ...fault });
    const error = await failureOf(directoryAt(github.url).resolve("choldgraf"));
    expect(error.code).toBe("RATE_LIMITED");
    expect(error.message).toMatch(message);
  });

  test("used up by the very request is no reason to doubt its answer", async () => {
    for (const [status, code] of [
      [404, "NOT_FOUND"],
      [401, "AUTHENTICATION_REQUIRED"],
    ] as const) {
      github.faults.push({ fault: "answer", status, headers: { "x-ratelimit-remaining": "0" }, times: 1 });
      expect(await failureOf(directoryAt(github.url).resolve("choldgraf"))).toMatchObject({ code });
    }
  });

  test("understands a date in retry-after", async () => {
    const headers = { "retry-after": new Date(Date.now() + 600_000).toUTCString() };
    github.faults.push({ fault: "answer", status: 429, headers });
    expect((await failureOf(directoryAt(github.url).resolve("choldgraf"))).message).toMatch(/resets in 10 minutes/);
  });
});

describe("a bad answer", () => {
  const BODY = { "content-type": "application/json" };
  test.each([
    [{ fault: "broken-json" }, "answered with broken JSON"],
    [{ fault: "html" }, "answered with a web page instead of JSON"],
    [{ fault: "oversized", bytes: 1_100_000 }, "answered with more than 1048576 bytes"],
    [{ fault: "oversized", bytes: 1_100_000, chunked: true }, "answered with more than 1048576 bytes"],
    [{ fault: "endless" }, "answered with more than 1048576 bytes"],
    [{ fault: "answer", status: 500, body: "boom" }, "answered with status 500, a failure of its own"],
    [{ fault: "html", status: 502 }, "answered with status 502, a failure of its own"],
    [{ fault: "answer", status: 418, body: "<script>" }, "answered with status 418"],
    [{ fault: "answer", status: 304 }, "answered with status 304"],
    [{ fault: "answer", status: 200, body: "", headers: BODY }, "answered with broken JSON"],
    [
      { fault: "answer", status: 200, body: '{"total_count":1,"items":[]}', headers: BODY },
      "answered with something else than a list",
    ],
    [{ fault: "answer", status: 200, body: "null", headers: BODY }, "answered with something else than a list"],
    [{ fault: "answer", status: 200, body: "[null]", headers: BODY }, "answered without the field key"],
    [{ fault: "answer", status: 200, body: '[{"key":7}]', headers: BODY }, "answered without the field key"],
    [{ fault: "answer", status: 200, body: '[{"key":"a\\nb"}]', headers: BODY }, "answered with a key that is none"],
    [{ fault: "answer", status: 200, body: "[", headers: { "content-type": ";;;" } }, "answered with broken JSON"],
  ] as [GitHubFaultKind, string][])("%o is refused", async (fault, what) => {
    github.faults.push({ ...fault });
    const error = await failureOf(directoryAt(github.url).resolve("choldgraf"));
    expect(error).toMatchObject({ code: "BAD_ANSWER", message: `${host()} ${what}` });
  });

  test("is never echoed, nor logged", async () => {
    const logged = ["debug", "info", "log", "warn", "error"] as const;
    const spies = logged.map((method) => vi.spyOn(console, method));
    const headers = { "content-type": "application/json", deprecation: "true", sunset: "\u00A0now" };
    for (const status of [200, 400, 403, 404, 422, 500]) {
      github.faults.push({
        fault: "answer",
        status,
        headers,
        body: '{"message":"EVIL \\u001b[2J","documentation_url":"EVIL"}',
      });
      const error = await failureOf(directoryAt(github.url).resolve("choldgraf"));
      expect(inspect(error, { depth: 9 })).not.toContain("EVIL");
      github.faults.length = 0;
    }
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  test("with a malformed key among sound ones gives them all, with why not", async () => {
    github.users.set("mixed", { keys: ["ssh-ed25519 AAAA", ALICE] });
    const [entry] = await directoryAt(github.url).resolve("mixed");
    expect(entry?.keys.map(({ unusable }) => unusable === null)).toEqual([false, true]);
  });
});

describe("a team", () => {
  const logins = ["choldgraf", "GeorgianaElena", "yuvipanda", "sgibson91", "jmunroe", "consideRatio"];
  beforeEach(() => {
    github.tokens.add("secret");
    github.teams.set("2i2c-org/engineering", logins);
    for (const login of logins) github.users.set(login, { keys: [ALICE] });
  });

  test("is one entry for each member, in order", async () => {
    const entries = await asMember().resolve("github:2i2c-org/Engineering");
    expect(entries.map(({ name }) => name)).toEqual(logins.map((login) => `github:${login.toLowerCase()}`));
    expect(entries.every(({ keys }) => keys.length === 1)).toBe(true);
  });

  test("of more than a page is read whole", async () => {
    const many = Array.from({ length: 120 }, (_, index) => `user-${index}`);
    for (const login of many) github.users.set(login, { keys: [ALICE] });
    github.teams.set("org/many", many);
    github.rate.remaining = 1000;
    expect(await asMember().resolve("github:org/many")).toHaveLength(120);
  });

  test("keeps a member without keys, so that the caller can name them", async () => {
    github.users.set("yuvipanda", {});
    const entries = await asMember().resolve("github:2i2c-org/engineering");
    expect(entries[2]).toMatchObject({ name: "github:yuvipanda", keys: [] });
  });

  test("needs a token, and does not even ask without one", async () => {
    expect(await failureOf(directoryAt(github.url).resolve("github:2i2c-org/engineering"))).toMatchObject({
      code: "AUTHENTICATION_REQUIRED",
      message: `${host()} shows teams only to those who are signed in`,
      hint: "set GH_TOKEN to a token with the scope read:org",
    });
    expect(github.requests).toEqual([]);
  });

  test("that the token cannot see is not found", async () => {
    expect(await failureOf(asMember().resolve("github:2i2c-org/nobodies"))).toMatchObject({
      code: "NOT_FOUND",
      message: `${host()} has no team 2i2c-org/nobodies that this token may see`,
    });
  });

  test("without members has no keys", async () => {
    github.teams.set("org/empty", []);
    expect(await failureOf(asMember().resolve("github:org/empty"))).toMatchObject({
      code: "NO_KEYS",
      message: `${host()}'s team org/empty has no members`,
    });
  });

  test("fails whole when the rate limit ends in its middle, and asks for no further member", async () => {
    const many = Array.from({ length: 60 }, (_, index) => `user-${index}`);
    for (const login of many) github.users.set(login, { keys: [ALICE] });
    github.teams.set("org/many", many);
    github.rate.remaining = 10;
    github.rate.reset = Math.floor(Date.now() / 1000) + 600;
    const error = await failureOf(asMember().resolve("github:org/many"));
    expect(error.code).toBe("RATE_LIMITED");
    expect(error.message).toMatch(/it resets in 10 minutes, at \d\d:\d\d$/);
    expect(github.requests.length).toBeLessThan(20);
  });

  test("asks for four members at a time", async () => {
    github.faults.push({ fault: "stall", on: /^\/users\// });
    const directory = directoryAt(github.url, { GH_TOKEN: "secret" }, { timeout: 300 });
    expect(await failureOf(directory.resolve("github:2i2c-org/engineering"))).toMatchObject({ code: "NETWORK" });
    expect(github.requests.filter(({ path }) => path.startsWith("/users/"))).toHaveLength(4);
  });

  test("asks for no further member after a failure", async () => {
    const many = Array.from({ length: 30 }, (_, index) => `user-${index}`);
    for (const login of many) github.users.set(login, { keys: [ALICE] });
    github.teams.set("org/many", many);
    github.faults.push({ fault: "answer", status: 500, on: "/users/user-0/keys" });
    github.faults.push({ fault: "delay", milliseconds: 50, on: /^\/users\// });
    expect(await failureOf(asMember().resolve("github:org/many"))).toMatchObject({ code: "BAD_ANSWER" });
    await setTimeout(300);
    expect(github.requests.filter(({ path }) => path.startsWith("/users/"))).toHaveLength(4);
  });

  test("with a member whose login is none is refused", async () => {
    github.teams.set("org/evil", ["../../orgs/x"]);
    expect(await failureOf(asMember().resolve("github:org/evil"))).toMatchObject({ code: "BAD_ANSWER" });
    expect(github.requests.map(({ path }) => path)).toEqual(["/orgs/org/teams/evil/members?per_page=100"]);
  });
});
