import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, temporaryFolder } from "@git-vault/testkit";
import { startGitHub, type GitHubFaultKind, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ALICE, directoryAt, failureOf } from "./fixtures.ts";

let web: GitHubStandIn;
beforeEach(async () => {
  web = await startGitHub();
  web.texts.set("/alice.keys", `# Gitea isn't a key server.\n${ALICE} alice\n`);
});
afterEach(async () => {
  await web.close();
});

const host = (): string => new URL(web.url).host;

describe("a URL", () => {
  test("gives the keys at it, under itself", async () => {
    const url = `${web.url}/alice.keys`;
    expect(await directoryAt("").resolve(url)).toMatchObject([
      { name: url, source: url, keys: [{ comment: "alice" }] },
    ]);
    expect(web.requests).toMatchObject([
      { path: "/alice.keys", headers: { "user-agent": "git-vault", accept: "text/plain" } },
    ]);
  });

  test("without a page at it is not found", async () => {
    expect(await failureOf(directoryAt("").resolve(`${web.url}/nobody.keys`))).toMatchObject({
      code: "NOT_FOUND",
      message: `${host()} has no such page`,
    });
  });

  test.each([[""], ["# none\n"], ["\n\n"]])("with the text %j has no keys", async (text) => {
    web.texts.set("/empty.keys", text);
    expect(await failureOf(directoryAt("").resolve(`${web.url}/empty.keys`))).toMatchObject({
      code: "NO_KEYS",
      message: `the page at ${host()} holds no keys`,
    });
  });

  test.each([
    ["words", "hello world"],
    ["a truncated key", ALICE.slice(0, 50)],
    ["NUL bytes", `${ALICE}\0`],
  ])("with %s is refused", async (_what, text) => {
    web.texts.set("/bad.keys", text);
    expect(await failureOf(directoryAt("").resolve(`${web.url}/bad.keys`))).toMatchObject({
      code: "BAD_ANSWER",
      message: `${host()} answered with something else than public keys`,
    });
  });

  test("with a private key is refused, and its owner to be told", async () => {
    using folder = temporaryFolder();
    const { privateKeyPath } = await makeSshKey({ folder: folder.path, type: "ed25519" });
    web.texts.set("/id_ed25519", readFileSync(privateKeyPath, "utf8"));
    expect(await failureOf(directoryAt("").resolve(`${web.url}/id_ed25519`))).toMatchObject({
      code: "BAD_ANSWER",
      message: `${host()} answered with a private key`,
    });
  });

  test.each([
    [{ fault: "html" }, "BAD_ANSWER", "answered with a web page instead of public keys"],
    [
      { fault: "answer", status: 200, body: `\n <html><pre>\n${ALICE} mallory\n` },
      "BAD_ANSWER",
      "answered with a web page instead of public keys",
    ],
    [
      {
        fault: "answer",
        status: 200,
        headers: { "content-type": "text/html" },
        body: `Guest book\n${ALICE} mallory\n`,
      },
      "BAD_ANSWER",
      "answered with a web page instead of public keys",
    ],
    [{ fault: "endless" }, "BAD_ANSWER", "answered with more than 1048576 bytes"],
    [{ fault: "answer", status: 503 }, "BAD_ANSWER", "answered with status 503, a failure of its own"],
    [{ fault: "answer", status: 410 }, "NOT_FOUND", "has no such page"],
    [{ fault: "answer", status: 401 }, "AUTHENTICATION_REQUIRED", "shows these keys only to those who are signed in"],
    [{ fault: "answer", status: 403 }, "AUTHENTICATION_REQUIRED", "shows these keys only to those who are signed in"],
    [
      { fault: "redirect", location: "https://elsewhere.example/" },
      "BAD_ANSWER",
      "redirected to another server, which is not followed",
    ],
  ] as [GitHubFaultKind, string, string][])("answered with %o is refused as %s", async (fault, code, what) => {
    web.faults.push({ ...fault });
    const error = await failureOf(directoryAt("").resolve(`${web.url}/alice.keys`));
    expect(error).toMatchObject({ code, message: `${host()} ${what}` });
  });

  test("asked too often says when to come back", async () => {
    web.faults.push({ fault: "answer", status: 429, headers: { "retry-after": "90" } });
    const error = await failureOf(directoryAt("").resolve(`${web.url}/alice.keys`));
    expect(error).toMatchObject({ code: "RATE_LIMITED", hint: "wait, or give a file of the keys" });
    expect(error.message).toMatch(/it resets in 2 minutes, at \d\d:\d\d$/);
  });
});

describe("plain http", () => {
  test("to another machine is refused before anything is sent", async () => {
    expect(await failureOf(directoryAt("").resolve("http://keys.example.org/x.keys"))).toMatchObject({
      code: "PLAIN_HTTP",
      message: "expected https for keys.example.org, got http",
    });
  });

  test("to another machine is tried where it is allowed", async () => {
    const directory = directoryAt("", {}, { allowHttp: true });
    expect(await failureOf(directory.resolve("http://nobody.invalid/x.keys"))).toMatchObject({ code: "NETWORK" });
  });

  test.each(["http://127.0.0.1.example.org/x", "http://127.evil.invalid/x", "http://localhost.evil.invalid/x"])(
    "to %s is not taken for this machine",
    async (url) => {
      expect(await failureOf(directoryAt("").resolve(url))).toMatchObject({ code: "PLAIN_HTTP" });
    },
  );
});

describe("headers of the user's own", () => {
  const headers = { "x-team": "blue" };

  test("go to URLs, and not to GitHub", async () => {
    web.users.set("alice", { keys: [ALICE] });
    const directory = directoryAt(web.url, {}, { headers });
    await directory.resolve(`${web.url}/alice.keys`);
    await directory.resolve("alice");
    expect(web.requests.length).toBeGreaterThan(1);
    expect(web.requests.map((request) => request.headers["x-team"])).toEqual([
      "blue",
      ...web.requests.slice(1).map(() => undefined),
    ]);
  });

  test("keep the answer from the cache, and one of the cache from being asked about", async () => {
    using folder = temporaryFolder();
    const directory = directoryAt(web.url, {}, { headers, cacheFolder: folder.path });
    await directory.resolve(`${web.url}/alice.keys`);
    expect(readdirSync(folder.path)).toEqual([]);
    // What everybody is shown need not be what the bearer of the headers is shown.
    await directoryAt(web.url, {}, { cacheFolder: folder.path }).resolve(`${web.url}/alice.keys`);
    await directory.resolve(`${web.url}/alice.keys`);
    expect(readdirSync(join(folder.path, "http"))).toHaveLength(1);
    expect(web.requests.map((request) => request.headers["if-none-match"])).toEqual([undefined, undefined, undefined]);
  });
});

describe("a download", () => {
  test("gives the bytes at a URL, and keeps them nowhere", async () => {
    using folder = temporaryFolder();
    web.texts.set("/key/1", "anything at all");
    const directory = directoryAt(web.url, {}, { cacheFolder: folder.path, headers: { "x-team": "blue" } });
    expect((await directory.download(`${web.url}/key/1`)).toString()).toBe("anything at all");
    expect(web.requests).toMatchObject([{ path: "/key/1", headers: { "x-team": "blue" } }]);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test.each([
    ["/nothing", "NOT_FOUND"],
    ["http://keys.example.org/1", "PLAIN_HTTP"],
    ["alice", "INVALID_RECIPIENT"],
    ["./alice.pub", "INVALID_RECIPIENT"],
  ])("of %s is refused", async (address, code) => {
    const url = address.startsWith("/") ? web.url + address : address;
    expect(await failureOf(directoryAt(web.url).download(url))).toMatchObject({ code });
  });
});
