import { describe, expect, test } from "vitest";
import { DirectoryError } from "../src/index.ts";
import { gitHubServer, proxiesOf } from "../src/settings.ts";

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof DirectoryError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
};

describe("the GitHub that is asked", () => {
  const tokens = {
    GH_TOKEN: "gh",
    GITHUB_TOKEN: "github",
    GH_ENTERPRISE_TOKEN: "ghe",
    GITHUB_ENTERPRISE_TOKEN: "githube",
  };

  test.each([
    [{}, "https://api.github.com", "https://github.com", "github", "gh"],
    [{ GH_HOST: "" }, "https://api.github.com", "https://github.com", "github", "gh"],
    [{ GH_HOST: "GitHub.com" }, "https://api.github.com", "https://github.com", "github", "gh"],
    [{ GH_HOST: "acme.ghe.com" }, "https://api.acme.ghe.com", "https://acme.ghe.com", "acme.ghe.com", "gh"],
    [{ GH_HOST: "evilghe.com" }, "https://evilghe.com/api/v3", "https://evilghe.com", "evilghe.com", "ghe"],
    [{ GH_HOST: "git.acme.org" }, "https://git.acme.org/api/v3", "https://git.acme.org", "git.acme.org", "ghe"],
    [
      { GH_HOST: "git.acme.org:8443", GH_ENTERPRISE_TOKEN: "" },
      "https://git.acme.org:8443/api/v3",
      "https://git.acme.org:8443",
      "git.acme.org:8443",
      "githube",
    ],
    [{ GITHUB_API_URL: "https://api.github.com" }, "https://api.github.com", "https://github.com", "github", "gh"],
    [
      { GITHUB_API_URL: "https://git.acme.org/api/v3/" },
      "https://git.acme.org/api/v3",
      "https://git.acme.org",
      "git.acme.org",
      "gh",
    ],
    [{ GITHUB_API_URL: "http://[::1]:8080" }, "http://[::1]:8080", "http://[::1]:8080", "[::1]:8080", "gh"],
    [
      { GITHUB_API_URL: "https://api.github.com", GH_HOST: "git.acme.org" },
      "https://git.acme.org/api/v3",
      "https://git.acme.org",
      "git.acme.org",
      "ghe",
    ],
  ])("with %o is at %s", (env, api, web, label, token) => {
    expect(gitHubServer({ ...tokens, ...env })).toMatchObject({ api, web, label, token });
  });

  test("has no token of github.com's for another host", () => {
    expect(gitHubServer({ GH_HOST: "git.acme.org", GH_TOKEN: "gh" }).token).toBeUndefined();
  });

  test.each([
    [{ GITHUB_API_URL: "api.github.com" }],
    [{ GITHUB_API_URL: "http://api.github.com" }],
    [{ GITHUB_API_URL: "http://127.0.0.1.evil.example" }],
    [{ GITHUB_API_URL: "ftp://127.0.0.1" }],
    [{ GITHUB_API_URL: "https://user:s3cret@api.github.com" }],
    [{ GITHUB_API_URL: "https://api.github.com?x=1" }],
    [{ GH_HOST: "https://github.com" }],
    [{ GH_HOST: "git.acme.org/api" }],
    [{ GH_HOST: "user:s3cret@acme.org" }],
    [{ GH_TOKEN: "s3cret\nx-evil: 1" }],
    [{ GH_TOKEN: "s3crét" }],
  ])("is refused with %o", (env) => {
    const failure = codeOf(() => gitHubServer(env));
    expect(failure).toMatch(new RegExp(`^INVALID_SETTING: expected ${Object.keys(env)[0]} to be `));
    expect(failure).not.toContain("s3cr");
  });
});

describe("the proxies", () => {
  test.each([
    [{}, null],
    [{ HTTPS_PROXY: "" }, null],
    [{ NO_PROXY: "x" }, null],
    [{ HTTPS_PROXY: "http://up:1" }, { http: "", https: "http://up:1", except: "" }],
    [
      { https_proxy: "http://low:1", HTTPS_PROXY: "http://up:1" },
      { http: "", https: "http://low:1", except: "" },
    ],
    [
      { http_proxy: "low:3128", no_proxy: "a,b" },
      { http: "http://low:3128", https: "", except: "a,b" },
    ],
  ])("of %o are %o", (env, proxies) => {
    expect(proxiesOf(env)).toEqual(proxies);
  });

  test.each([
    [{ HTTPS_PROXY: "socks5://user:s3cret@x" }],
    [{ http_proxy: "http://" }],
    [{ HTTP_PROXY: "http://s3cret:x:y" }],
  ])("of %o are refused, and not shown", (env) => {
    const failure = codeOf(() => proxiesOf(env));
    expect(failure).toMatch(
      /^INVALID_SETTING: expected HTTPS?_PROXY to be the http:\/\/ or https:\/\/ URL of a proxy$/,
    );
    expect(failure).not.toContain("s3cret");
  });
});
