import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { ValidateFunction } from "ajv";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { peer, runOk, temporaryFolder } from "../src/index.ts";
import { startGitHub, type GitHubStandIn } from "../src/github/index.ts";

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH8gOptz22JZEashS2LEWWvJiUYI9M6lxubNX1FGYMXa";

let github: GitHubStandIn;
beforeEach(async () => {
  github = await startGitHub();
});
afterEach(async () => {
  await github.close();
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(github.url + path, { headers, redirect: "manual" });

/** GitHub's own description of its API, without the rest of its ten thousand schemas. */
const description = createRequire(import.meta.url)("@octokit/openapi/generated/api.github.com.json") as {
  paths: Record<
    string,
    { get: { responses: Record<string, { $ref?: string; content?: Record<string, { schema: object }> }> } }
  >;
  components: unknown;
};
const ajv = new Ajv({ strict: false, allErrors: true });
(addFormats as unknown as (to: Ajv) => void)(ajv);
const ROOT = "https://api.github.com/description";
ajv.addSchema({ $id: ROOT, components: description.components });

function validatorFor(path: string, status: string): ValidateFunction {
  const response = description.paths[path]?.get.responses[status];
  if (response === undefined) throw new Error(`GitHub does not describe ${status} for ${path}`);
  if (response.$ref !== undefined)
    return ajv.compile({ $ref: `${ROOT}${response.$ref}/content/application~1json/schema` });
  const { schema } = response.content?.["application/json"] ?? {};
  // References in the description are relative to its root.
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', `"${ROOT}#/`)) as object);
}

async function expectDescribed(answer: Response, path: string): Promise<unknown> {
  const content: unknown = await answer.json();
  const validate = validatorFor(path, String(answer.status));
  validate(content);
  expect(validate.errors).toBeNull();
  return content;
}

describe("the answers, against GitHub's own description", () => {
  test("would notice a missing field", () => {
    expect(validatorFor("/users/{username}/keys", "200")([{ id: 1 }])).toBe(false);
    expect(validatorFor("/users/{username}", "200")({ login: "choldgraf" })).toBe(false);
  });

  test("describes a user, in any case of the login, with every field of the public view", async () => {
    github.users.set("ChoLdgraf", { name: "Chris", keys: [] });
    const user = (await expectDescribed(await get("/users/choldgraf"), "/users/{username}")) as object;
    expect(user).toMatchObject({ login: "ChoLdgraf", name: "Chris", type: "User" });
  });

  test("lists a user's keys", async () => {
    github.users.set("choldgraf", { keys: [ED25519] });
    const answer = await get("/users/choldgraf/keys");
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    const keys = await expectDescribed(answer, "/users/{username}/keys");
    expect(keys).toMatchObject([{ key: ED25519, id: expect.any(Number) as number }]);
  });

  test("lists a user's signing keys", async () => {
    github.users.set("choldgraf", { signingKeys: [ED25519] });
    const keys = await expectDescribed(
      await get("/users/choldgraf/ssh_signing_keys"),
      "/users/{username}/ssh_signing_keys",
    );
    expect(keys).toMatchObject([{ key: ED25519, title: "signing" }]);
  });

  test("lists a team's members to anyone who has a token", async () => {
    github.teams.set("2i2c-org/engineering", ["choldgraf", "GeorgianaElena"]);
    github.tokens.add("secret");
    const answer = await get("/orgs/2i2c-org/teams/engineering/members", { authorization: "token secret" });
    const members = await expectDescribed(answer, "/orgs/{org}/teams/{team_slug}/members");
    expect(members).toMatchObject([{ login: "choldgraf" }, { login: "GeorgianaElena" }]);
  });

  test("answers an unknown user with 404, a message and a link to the documentation", async () => {
    const answer = await get("/users/nobody");
    expect(answer.status).toBe(404);
    const error = await expectDescribed(answer, "/users/{username}");
    expect(error).toEqual({
      message: "Not Found",
      documentation_url: "https://docs.github.com/rest/users/users#get-a-user",
      status: "404",
    });
  });

  const gpg = peer("gpg");
  test.skipIf(gpg.missing)(`describes an OpenPGP key as ${gpg.label} does`, async () => {
    using home = temporaryFolder();
    const options = { env: { ...process.env, GNUPGHOME: home.path } };
    const quick = ["--batch", "--passphrase", "", "--quick-generate-key", "Alice <alice@example.org>"];
    await runOk(gpg.path, [...quick, "default", "default", "never"], options);
    const armored = (await runOk(gpg.path, ["--armor", "--export"], options)).toString();
    const listed = (await runOk(gpg.path, ["--with-colons", "--list-keys"], options)).toString().split("\n");
    await runOk("gpgconf", ["--kill", "all"], options);
    const idOf = (kind: string): string | undefined =>
      listed.find((line) => line.startsWith(`${kind}:`))?.split(":")[4];
    github.users.set("alice", { gpgKeys: [armored] });
    const keys = await expectDescribed(await get("/users/alice/gpg_keys"), "/users/{username}/gpg_keys");
    expect(idOf("pub")).toMatch(/^[0-9A-F]{16}$/);
    expect(keys).toMatchObject([
      {
        key_id: idOf("pub"),
        emails: [{ email: "alice@example.org", verified: true }],
        subkeys: [{ key_id: idOf("sub"), can_encrypt_comms: true }],
        raw_key: armored,
      },
    ]);
  });
});

describe("the rules of the API", () => {
  test("serves the same below the prefix of an enterprise server, and links there", async () => {
    github.users.set("choldgraf", { keys: [ED25519] });
    const answer = await get("/api/v3/users/choldgraf");
    expect(await answer.json()).toMatchObject({ url: `${github.url}/api/v3/users/choldgraf` });
  });

  test("refuses an unknown token with 401, and a team without a token with 404", async () => {
    github.users.set("choldgraf", { keys: [ED25519] });
    github.teams.set("org/team", ["choldgraf"]);
    const refused = await get("/users/choldgraf/keys", { authorization: "Bearer wrong" });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ message: "Bad credentials" });
    expect((await get("/orgs/org/teams/team/members")).status).toBe(404);
  });

  test("gives 30 items a page by default, 100 at most, and links the pages by number", async () => {
    github.users.set("many", { keys: Array.from({ length: 250 }, (_, index) => `ssh-ed25519 AAAA${index}`) });
    expect(await (await get("/users/many/keys")).json()).toHaveLength(30);
    const seen: string[] = [];
    let next: string | undefined = `${github.url}/users/many/keys?per_page=1000`;
    const links: (string | undefined)[] = [];
    while (next !== undefined) {
      const answer: Response = await fetch(next);
      const items = (await answer.json()) as { key: string }[];
      seen.push(...items.map(({ key }) => key));
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
      links.push(next);
    }
    expect(links).toEqual([
      expect.stringMatching(/\/user\/\d+\/keys\?per_page=1000&page=2$/),
      expect.stringMatching(/\/user\/\d+\/keys\?per_page=1000&page=3$/),
      undefined,
    ]);
    expect(new Set(seen).size).toBe(250);
  });

  test("answers 304 without a body to anyone who has the weak ETag, until the keys change", async () => {
    github.users.set("choldgraf", { keys: [ED25519] });
    const etag = (await get("/users/choldgraf/keys")).headers.get("etag") ?? "";
    expect(etag).toMatch(/^W\/"[0-9a-f]{64}"$/);
    const same = await get("/users/choldgraf/keys", { "if-none-match": etag });
    expect([same.status, await same.text()]).toEqual([304, ""]);
    github.users.set("choldgraf", { keys: [] });
    expect((await get("/users/choldgraf/keys", { "if-none-match": etag })).status).toBe(200);
  });

  test("counts down the rate limit, spares a signed-in 304, and refuses at zero", async () => {
    github.users.set("choldgraf", { keys: [ED25519] });
    github.tokens.add("secret");
    github.rate.remaining = 2;
    const first = await get("/users/choldgraf/keys", { authorization: "token secret" });
    expect(first.headers.get("x-ratelimit-remaining")).toBe("1");
    const etag = first.headers.get("etag") ?? "";
    const second = await get("/users/choldgraf/keys", { authorization: "token secret", "if-none-match": etag });
    expect([second.status, second.headers.get("x-ratelimit-remaining")]).toEqual([304, "1"]);
    await get("/users/choldgraf/keys");
    const refused = await get("/users/choldgraf/keys");
    expect([refused.status, refused.headers.get("x-ratelimit-remaining")]).toEqual([403, "0"]);
    expect(refused.headers.get("x-ratelimit-reset")).toBe(String(github.rate.reset));
  });

  test("serves a user's .keys, and any other text, as plain text with an ETag", async () => {
    github.users.set("choldgraf", { keys: [ED25519, "ssh-rsa AAAA"] });
    github.texts.set("/deep/alice.keys", "# none\n");
    const keys = await get("/choldgraf.keys");
    expect(keys.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await keys.text()).toBe(`${ED25519}\nssh-rsa AAAA\n`);
    expect((await get("/choldgraf.keys", { "if-none-match": keys.headers.get("etag") ?? "" })).status).toBe(304);
    expect(await (await get("/deep/alice.keys")).text()).toBe("# none\n");
    github.users.set("bare", {});
    expect(await (await get("/bare.keys")).text()).toBe("");
    expect((await get("/nobody.keys")).status).toBe(404);
  });

  test("records every request with its path, query and headers", async () => {
    await get("/users/nobody?a=1", { "x-mark": "yes" });
    expect(github.requests).toMatchObject([{ method: "GET", path: "/users/nobody?a=1", headers: { "x-mark": "yes" } }]);
  });
});

describe("faults", () => {
  beforeEach(() => {
    github.users.set("choldgraf", { keys: [ED25519] });
  });

  test("strike only the path they name, and only so often", async () => {
    github.faults.push({ fault: "answer", status: 502, on: "/users/choldgraf/keys", times: 2 });
    const statuses = [];
    for (const path of ["/users/choldgraf", "/users/choldgraf/keys", "/users/choldgraf/keys", "/users/choldgraf/keys"])
      statuses.push((await get(path)).status);
    expect(statuses).toEqual([200, 502, 502, 200]);
  });

  test.each([403, 429] as const)("use up the rate limit with %i", async (status) => {
    github.faults.push({ fault: "rate-limit", status, resetIn: 600 });
    const answer = await get("/users/choldgraf/keys");
    expect([answer.status, answer.headers.get("x-ratelimit-remaining")]).toEqual([status, "0"]);
    expect(Number(answer.headers.get("x-ratelimit-reset"))).toBeGreaterThan(Date.now() / 1000 + 590);
  });

  test("reach the secondary limit, with and without retry-after", async () => {
    github.faults.push(
      { fault: "secondary-limit", retryAfter: 7, times: 1 },
      { fault: "secondary-limit", retryAfter: null },
    );
    expect((await get("/users/choldgraf/keys")).headers.get("retry-after")).toBe("7");
    expect((await get("/users/choldgraf/keys")).headers.get("retry-after")).toBeNull();
  });

  test("cut the connection before the headers and in the middle of the body", async () => {
    github.faults.push({ fault: "drop", when: "before-headers", times: 1 }, { fault: "drop", when: "after-headers" });
    await expect(get("/users/choldgraf/keys")).rejects.toThrow(TypeError);
    const half = await get("/users/choldgraf/keys");
    expect(half.status).toBe(200);
    await expect(half.text()).rejects.toThrow(TypeError);
  });

  test("send bodies that are too big, endless or cut, pages and redirects", async () => {
    github.faults.push(
      { fault: "oversized", bytes: 2_000_000, times: 1 },
      { fault: "endless", times: 1 },
      { fault: "broken-json", times: 1 },
      { fault: "html", times: 1 },
      { fault: "redirect", location: "/elsewhere", times: 1 },
      { fault: "stall", times: 1 },
      { fault: "delay", milliseconds: 5, times: 1 },
    );
    expect(await (await get("/users/choldgraf/keys")).text()).toHaveLength(2_000_000);
    let size = 0;
    for await (const chunk of (await get("/users/choldgraf/keys")).body ?? []) {
      size += (chunk as Uint8Array).length;
      if (size > 3_000_000) break;
    }
    expect(size).toBeGreaterThan(3_000_000);
    await expect((await get("/users/choldgraf/keys")).json()).rejects.toThrow(SyntaxError);
    expect((await get("/users/choldgraf/keys")).headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect((await get("/users/choldgraf/keys")).headers.get("location")).toBe("/elsewhere");
    const stalled = await get("/users/choldgraf/keys");
    expect(stalled.status).toBe(200);
    await stalled.body?.cancel();
    expect((await get("/users/choldgraf/keys")).status).toBe(200);
  });
});

test("serves https where it is given a certificate", async () => {
  using folder = temporaryFolder();
  const [key, cert] = [join(folder.path, "key.pem"), join(folder.path, "cert.pem")];
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  await runOk("openssl", [...request, "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", cert]);
  await using secure = await startGitHub({ tls: { key: readFileSync(key), cert: readFileSync(cert) } });
  expect(secure.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  await expect(fetch(secure.url)).rejects.toMatchObject({ cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" } });
});

test("frees its port when it is closed, no matter who is still connected", async () => {
  const other = await startGitHub();
  other.faults.push({ fault: "stall" });
  const answer = await fetch(other.url);
  await other.close();
  await expect(answer.text()).rejects.toThrow(TypeError);
  await expect(fetch(other.url)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
});
