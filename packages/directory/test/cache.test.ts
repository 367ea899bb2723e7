import {
  chmodSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Directory } from "../src/index.ts";
import { ALICE, directoryAt, failureOf } from "./fixtures.ts";

let github: GitHubStandIn;
let folder: TemporaryFolder;
beforeEach(async () => {
  github = await startGitHub();
  github.users.set("choldgraf", { keys: [ALICE] });
  folder = temporaryFolder();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await github.close();
  folder.remove();
});

const cacheFolder = (): string => join(folder.path, "cache");
const answers = (): string => join(cacheFolder(), "http");
const ask = async (query = "choldgraf", env: Record<string, string> = {}): Promise<number> => {
  const [entry] = await directoryAt(github.url, env, { cacheFolder: cacheFolder() }).resolve(query);
  return entry?.keys.length ?? -1;
};
const etagsSent = (): (string | undefined)[] => github.requests.map(({ headers }) => headers["if-none-match"]);
/** Puts the folder elsewhere, and a link to it in its place. */
const moveBehindLink = (): void => {
  renameSync(answers(), join(folder.path, "elsewhere"));
  symlinkSync(join(folder.path, "elsewhere"), answers());
};
const files = (): string[] => readdirSync(answers()).map((name) => join(answers(), name));

describe("the cache", () => {
  test("asks each time, and is spared the body where nothing changed", async () => {
    github.tokens.add("secret");
    expect(await ask("choldgraf", { GH_TOKEN: "secret" })).toBe(1);
    const { remaining } = github.rate;
    expect(await ask("choldgraf", { GH_TOKEN: "secret" })).toBe(1);
    expect(etagsSent()).toEqual([undefined, expect.stringMatching(/^W\/"/)]);
    expect(github.rate.remaining).toBe(remaining);
  });

  test("never hides a key that was removed, nor one that was added", async () => {
    github.users.set("choldgraf", { keys: [ALICE, ALICE] });
    expect(await ask()).toBe(2);
    github.users.set("choldgraf", { keys: [ALICE] });
    expect(await ask()).toBe(1);
    github.users.set("choldgraf", { keys: [ALICE, ALICE, ALICE] });
    expect(await ask()).toBe(3);
  });

  test("is of no help when the server cannot be asked", async () => {
    await ask();
    github.faults.push({ fault: "answer", status: 500 });
    expect(await failureOf(ask())).toMatchObject({ code: "BAD_ANSWER" });
    await github.close();
    expect(await failureOf(ask())).toMatchObject({ code: "NETWORK" });
  });

  test("keeps the link to the next page", async () => {
    github.users.set("many", { keys: Array.from({ length: 150 }, () => ALICE) });
    expect([await ask("many"), await ask("many")]).toEqual([150, 150]);
    expect(etagsSent().map((etag) => etag !== undefined)).toEqual([false, false, true, true]);
  });

  test("keeps the texts of other servers too", async () => {
    github.texts.set("/alice.keys", ALICE);
    expect([await ask(`${github.url}/alice.keys`), await ask(`${github.url}/alice.keys`)]).toEqual([1, 1]);
    expect(etagsSent()[1]).toMatch(/^W\/"/);
  });

  test("keeps what one token was shown from another", async () => {
    github.tokens.add("one").add("two");
    await ask("choldgraf", { GH_TOKEN: "one" });
    await ask("choldgraf", { GH_TOKEN: "two" });
    await ask("choldgraf");
    expect(etagsSent()).toEqual([undefined, undefined, undefined]);
    for (const file of files()) expect(readFileSync(file, "utf8")).not.toMatch(/"one"|"two"/);
  });

  test("is a folder and files for their owner alone", async () => {
    await ask();
    expect(files()).toHaveLength(1);
    expect([cacheFolder(), answers(), ...files()].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o700, 0o700, 0o600,
    ]);
  });

  test("keeps nothing but a 200 that has an ETag", async () => {
    await failureOf(ask("nobody"));
    github.faults.push({ fault: "answer", status: 404, headers: { etag: '"gone"' }, body: "[]", times: 1 });
    expect(await failureOf(ask())).toMatchObject({ code: "NOT_FOUND" });
    github.faults.push({
      fault: "answer",
      status: 200,
      headers: { "content-type": "application/json" },
      body: `[{"key":"${ALICE}"}]`,
    });
    expect(await ask()).toBe(1);
    expect(() => files()).toThrow(/ENOENT/);
    expect(etagsSent()).toEqual([undefined, undefined, undefined]);
  });

  test("keeps apart what was asked for in different forms", async () => {
    await ask();
    await failureOf(ask(`${github.url}/users/choldgraf/keys?per_page=100`));
    expect(etagsSent()).toEqual([undefined, undefined]);
  });

  test.each([
    ["empty", () => ""],
    ["cut off", (text: string) => text.slice(0, 50)],
    ["of another form", () => "[]"],
    ["null", () => "null"],
    ["without a body", (text: string) => text.replace('"body"', '"bodies"')],
    ["of a body that is not the one that was kept", (text: string) => text.replace(/"body":"...../, '"body":"AAAAA')],
    ["of another answer", (text: string) => text.replace(/"id":"../, '"id":"zz')],
  ])("is ignored where it is %s", async (_how, spoil) => {
    await ask();
    const [file = ""] = files();
    writeFileSync(file, spoil(readFileSync(file, "utf8")));
    expect(await ask()).toBe(1);
    expect(etagsSent()).toEqual([undefined, undefined]);
    expect(await ask()).toBe(1);
    expect(etagsSent()[2]).toMatch(/^W\/"/);
  });

  test.each([
    ["writable by its group", () => chmodSync(answers(), 0o720)],
    ["writable by others", () => chmodSync(answers(), 0o702)],
    ["another user's", () => vi.spyOn(process, "getuid").mockReturnValue(statSync(answers()).uid + 1)],
    ["a link to elsewhere", moveBehindLink],
    [
      "a link to elsewhere, where the system has no users",
      () => {
        moveBehindLink();
        vi.spyOn(process as { getuid: unknown }, "getuid", "get").mockReturnValue(undefined);
      },
    ],
  ])("is neither read nor written where its folder is %s", async (_how, spoil) => {
    await ask();
    spoil();
    expect(await ask()).toBe(1);
    expect(etagsSent()).toEqual([undefined, undefined]);
    for (const file of files()) rmSync(file);
    await ask();
    expect(files()).toEqual([]);
  });

  test("that cannot be written changes nothing", async () => {
    writeFileSync(cacheFolder(), "a file stands in its place");
    expect([await ask(), await ask()]).toEqual([1, 1]);
    expect(readFileSync(cacheFolder(), "utf8")).toBe("a file stands in its place");
  });

  test.each([
    ["XDG_CACHE_HOME", { XDG_CACHE_HOME: "xdg" }, "xdg/git-vault/http"],
    ["HOME", {}, "home/.cache/git-vault/http"],
  ])("lies below %s by default", async (_variable, extra, place) => {
    const absolute = Object.fromEntries(Object.entries(extra).map(([name, path]) => [name, join(folder.path, path)]));
    const env = { GITHUB_API_URL: github.url, HOME: join(folder.path, "home"), ...absolute };
    await new Directory({ env }).resolve("choldgraf");
    expect(readdirSync(join(folder.path, place))).toHaveLength(1);
  });

  test("ignores a relative XDG_CACHE_HOME", async () => {
    const env = { GITHUB_API_URL: github.url, HOME: folder.path, XDG_CACHE_HOME: "relative" };
    await new Directory({ env }).resolve("choldgraf");
    expect(readdirSync(folder.path)).toEqual([".cache"]);
  });
});
