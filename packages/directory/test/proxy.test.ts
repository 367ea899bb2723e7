import { readFileSync } from "node:fs";
import { startInternet, type Internet } from "@git-vault/testkit";
import { startGitHub } from "@git-vault/testkit/github";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startChild, type Child } from "./child.ts";
import { ALICE, ALICE_FINGERPRINT, vector } from "./fixtures.ts";
import { FORGES, GITHUB } from "../src/index.ts";

/** Where each forge serves the keys of choldgraf, by hand. */
const PAGES: Readonly<Record<string, readonly [host: string, ssh: string, openpgp: string]>> = {
  gitlab: ["gitlab.com", "/choldgraf.keys", "/choldgraf.gpg"],
  codeberg: ["codeberg.org", "/choldgraf.keys", "/choldgraf.gpg"],
  sourcehut: ["meta.sr.ht", "/~choldgraf.keys", "/~choldgraf.pgp"],
};
const HOSTS = ["api.github.com", "github.com", ...Object.values(PAGES).map(([host]) => host), "keys.example.org"];

let internet: Internet;
/** A Node that trusts its certificate. */
let child: Child;

beforeAll(async () => {
  internet = await startInternet(HOSTS);
  child = startChild({ NODE_EXTRA_CA_CERTS: internet.authority });
});
afterAll(async () => {
  await child[Symbol.asyncDispose]();
  await internet[Symbol.asyncDispose]();
});
beforeEach(() => {
  internet.proxy.asked.length = 0;
  internet.proxy.refusal = null;
  internet.site.requests.length = 0;
  internet.site.faults.length = 0;
  internet.site.users.set("choldgraf", { keys: [ALICE] });
});

const viaProxy = (extra: Record<string, string> = {}): Record<string, string> => ({
  HTTPS_PROXY: internet.proxy.url,
  ...extra,
});
const requests = (): unknown[] =>
  internet.site.requests.map(({ path, headers }) => [headers.host, path, headers.authorization]);
const FOUND = { fingerprints: [expect.stringMatching(ALICE_FINGERPRINT) as string] };

describe("through a proxy", () => {
  test("GitHub and a URL are asked over TLS, each by CONNECT, and GitHub alone is shown the token", async () => {
    internet.site.tokens.add("secret");
    const url = "https://keys.example.org/choldgraf.keys";
    const { results } = await child.lookUp(["choldgraf", url], viaProxy({ GH_TOKEN: "secret" }));
    expect(results).toEqual([
      { name: "github:choldgraf", ...FOUND },
      { name: url, ...FOUND },
    ]);
    expect(internet.proxy.asked).toEqual(["api.github.com:443", "keys.example.org:443"]);
    expect(requests()).toEqual([
      ["api.github.com", "/users/choldgraf/keys?per_page=100", "Bearer secret"],
      ["keys.example.org", "/choldgraf.keys", undefined],
    ]);
  });

  test("GitHub's plain page of OpenPGP keys is asked without the token", async () => {
    internet.site.tokens.add("secret");
    internet.site.users.set("old", { gpgKeys: [readFileSync(vector("alice.asc"), "utf8")], gpgKeysInParts: true });
    const { results } = await child.lookUp(["old"], viaProxy({ GH_TOKEN: "secret" }), "openpgp");
    expect(results).toEqual([{ name: "github:old", fingerprints: [expect.stringMatching(/^[0-9A-F]{40}$/)] }]);
    expect(requests()).toEqual([
      ["api.github.com", "/users/old/gpg_keys?per_page=100", "Bearer secret"],
      ["github.com", "/old.gpg", undefined],
    ]);
  });

  test("every other forge of the table is asked for a page of keys", async () => {
    internet.site.texts.set("/~choldgraf.keys", ALICE);
    const forges = FORGES.filter((forge) => forge !== GITHUB).map(({ prefix }) => prefix);
    expect(forges).toEqual(Object.keys(PAGES));
    const queries = forges.map((forge) => `${forge}:Choldgraf`);
    const { results } = await child.lookUp(queries, viaProxy({ GH_TOKEN: "secret" }));
    expect(results).toEqual(forges.map((forge) => ({ name: `${forge}:choldgraf`, fingerprints: FOUND.fingerprints })));
    await child.lookUp(queries, viaProxy({ GH_TOKEN: "secret" }), "openpgp");
    expect((await child.lookUp(queries, viaProxy(), "signer")).results).toEqual(results);
    expect(requests()).toEqual([
      ...Object.values(PAGES).map(([host, ssh]) => [host, ssh, undefined]),
      ...Object.values(PAGES).map(([host, , openpgp]) => [host, openpgp, undefined]),
      ...Object.values(PAGES).map(([host, ssh]) => [host, ssh, undefined]),
    ]);
  });

  test("a user that GitLab hides or does not have, and one without keys, are told apart", async () => {
    internet.site.users.set("bare", {});
    internet.site.texts.set("/users/sign_in", "<!DOCTYPE html><html></html>");
    internet.site.faults.push({ fault: "redirect", location: "https://gitlab.com/users/sign_in", on: "/hidden.keys" });
    const { results } = await child.lookUp(["gitlab:hidden", "gitlab:bare", "codeberg:nobody"], viaProxy());
    expect(results).toMatchObject([
      { code: "NOT_FOUND", message: "gitlab has no user hidden, or shows it only to those who are signed in" },
      { code: "NO_KEYS", message: "gitlab's user bare has no SSH keys" },
      { code: "NOT_FOUND", message: "codeberg has no user nobody" },
    ]);
  });

  test("a redirect from https to http is refused", async () => {
    internet.site.faults.push({ fault: "redirect", location: "http://keys.example.org/choldgraf.keys" });
    const { results } = await child.lookUp(["https://keys.example.org/choldgraf.keys"], viaProxy());
    expect(results).toMatchObject([
      { code: "BAD_ANSWER", message: "keys.example.org redirected to another server, which is not followed" },
    ]);
    expect(internet.proxy.asked).toHaveLength(1);
  });

  test("no next page is asked for over http, which would show everybody the token", async () => {
    internet.site.tokens.add("secret");
    const link = '<http://api.github.com/users/choldgraf/keys?page=2>; rel="next"';
    const headers = { "content-type": "application/json", link };
    internet.site.faults.push({ fault: "answer", status: 200, headers, body: "[]", times: 1 });
    const env = viaProxy({ GH_TOKEN: "secret", HTTP_PROXY: internet.proxy.url });
    const { results } = await child.lookUp(["choldgraf"], env, "ssh", true);
    expect(results).toMatchObject([{ code: "BAD_ANSWER", message: "github answered with a link to another server" }]);
    expect(internet.proxy.asked).toEqual(["api.github.com:443"]);
  });

  test("plain http on this machine is asked by CONNECT too, with HTTP_PROXY only", async () => {
    await using github = await startGitHub();
    github.users.set("choldgraf", { keys: [ALICE] });
    const env = { GITHUB_API_URL: github.url };
    expect((await child.lookUp(["choldgraf"], viaProxy(env))).results).toMatchObject([FOUND]);
    expect(internet.proxy.asked).toEqual([]);
    const proxied = await child.lookUp(["choldgraf"], { ...env, http_proxy: new URL(internet.proxy.url).host });
    expect(proxied.results).toMatchObject([FOUND]);
    expect(internet.proxy.asked).toEqual([new URL(github.url).host]);
  });

  test("the proxy is shown its user name and password", async () => {
    await using proxy = await internet.proxyFor("me:pass word");
    const withUser = proxy.url.replace("//", "//me:pass%20word@");
    const { results } = await child.lookUp(["choldgraf"], viaProxy({ HTTPS_PROXY: withUser }));
    expect(results).toMatchObject([FOUND]);
    const refused = await child.lookUp(["choldgraf"], viaProxy({ HTTPS_PROXY: proxy.url }));
    expect(refused.results).toMatchObject([{ code: "NETWORK" }]);
  });

  test("nothing goes for a host in NO_PROXY", async () => {
    const url = `https://localhost:${new URL(internet.site.url).port}/choldgraf.keys`;
    const { results } = await child.lookUp([url], viaProxy({ NO_PROXY: "example.org,localhost" }));
    expect(results).toMatchObject([FOUND]);
    expect(internet.proxy.asked).toEqual([]);
  });

  test.each([407, 403, 502])("its status %i is told", async (status) => {
    internet.proxy.refusal = status;
    const { results } = await child.lookUp(["choldgraf"], viaProxy());
    expect(results).toEqual([
      {
        code: "NETWORK",
        message: "the proxy on the way to api.github.com did not let the request through",
        hint: "check the proxy's address, user name and password in the environment",
      },
    ]);
    expect(internet.site.requests).toEqual([]);
  });

  test("a proxy that is not there is told", async () => {
    const { results } = await child.lookUp(["choldgraf"], { HTTPS_PROXY: "http://127.0.0.1:1" });
    expect(results).toMatchObject([
      { code: "NETWORK", message: "api.github.com, or the proxy on the way, refused the connection" },
    ]);
  });

  test("a proxy that is no URL is told, without its password", async () => {
    const { results } = await child.lookUp(["choldgraf"], { HTTPS_PROXY: "http://me:s3cret@:1:2" });
    expect(results).toMatchObject([{ code: "INVALID_SETTING" }]);
    expect(JSON.stringify(results)).not.toContain("s3cret");
  });
});

describe("TLS", () => {
  test("with a certificate that is not trusted is refused, with the way to trust it", async () => {
    const url = `https://localhost:${new URL(internet.site.url).port}/choldgraf.keys`;
    await using other = startChild();
    const { results } = await other.lookUp([url]);
    expect(results).toEqual([
      {
        code: "NETWORK",
        message: `${new URL(url).host} has a TLS certificate that is not trusted here`,
        hint: "name your authority's certificate in NODE_EXTRA_CA_CERTS",
      },
    ]);
    expect(internet.site.requests).toEqual([]);
  });

  test("with a trusted certificate of another name is refused", async () => {
    const { results } = await child.lookUp([`${internet.site.url}/choldgraf.keys`]);
    expect(results).toMatchObject([{ code: "NETWORK", message: expect.stringMatching(/TLS certificate/) as string }]);
  });

  // The last test: the child ends.
  test("and proxies make nothing warn, undici neither", async () => {
    expect((await child.end()).replace(/^.*NODE_EXTRA_CA_CERTS.*\n/gm, "")).toBe("");
  });
});
