import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory, type DirectoryEntry } from "@git-vault/directory";
import { makeSshKey, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { assertExpected, defaultPinFile, Pins } from "../src/index.ts";
import { failureOf } from "./hands.ts";

let folder: TemporaryFolder;
let github: GitHubStandIn;
let keys: string[];
let directory: Directory;
beforeAll(async () => {
  folder = temporaryFolder();
  github = await startGitHub();
  github.tokens.add("token");
  directory = new Directory({ env: { GITHUB_API_URL: github.url }, cacheFolder: null });
  const made = ["one", "two", "three"].map((name) => makeSshKey({ folder: folder.path, name, type: "ed25519" }));
  keys = (await Promise.all(made)).map(({ publicKey }) => publicKey.split(" ").slice(0, 2).join(" "));
});
afterAll(async () => {
  await github.close();
  folder.remove();
});

let file: string;
let count = 0;
beforeEach(() => void (file = join(folder.path, `config-${(count += 1)}`, "known-recipients")));
afterEach(() => github.users.clear());

const resolve = async (...users: (readonly [string, string[]])[]): Promise<DirectoryEntry[]> => {
  for (const [name, theirs] of users) github.users.set(name, { keys: theirs });
  return (await Promise.all(users.map(([name]) => directory.resolve(name)))).flat();
};
const [one, two, three] = [0, 1, 2].map((at) => () => keys[at] ?? "") as [() => string, () => string, () => string];

describe("recipients", () => {
  test("are new at first, and known from then on", async () => {
    const entries = await resolve(["alice", [one(), two()]], ["bob", [three()]]);
    const pins = new Pins(file);
    expect(pins.compare(entries)).toEqual({ first: entries, changed: [] });
    pins.remember(entries);
    expect(new Pins(file).compare(entries)).toEqual({ first: [], changed: [] });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n").slice(1);
    expect(lines).toHaveLength(3);
    expect(
      lines.every((line) => /^http:\/\/127\.0\.0\.1:\d+\/users\/(?:alice|bob)\/keys SHA256:\S{43}$/.test(line)),
    ).toBe(true);
  });

  test("whose keys changed are told with what was added and removed, and remembered anew", async () => {
    const pins = new Pins(file);
    const [before] = await resolve(["alice", [one(), two()]]);
    pins.remember(await resolve(["alice", [one(), two()]], ["bob", [three()]]));
    const entries = await resolve(["alice", [one(), three()]]);
    const prints = (entry: DirectoryEntry | undefined): (string | null)[] =>
      entry?.keys.map((key) => key.fingerprint) ?? [];
    expect(pins.compare(entries)).toEqual({
      first: [],
      changed: [{ entry: entries[0], added: [prints(entries[0])[1]], removed: [prints(before)[1]] }],
    });
    pins.remember(entries);
    expect(pins.compare(entries).changed).toEqual([]);
    expect(pins.compare(await resolve(["bob", [three()]]))).toEqual({ first: [], changed: [] });
  });

  test("that are keys or files themselves need no pin", async () => {
    const pins = new Pins(file);
    const entries = [...(await directory.resolve(one())), ...(await directory.resolve(join(folder.path, "two.pub")))];
    expect(pins.compare(entries)).toEqual({ first: [], changed: [] });
    pins.remember(entries);
    expect(() => statSync(file)).toThrow(/ENOENT/);
  });

  test("are not taken from a damaged file", async () => {
    const entries = await resolve(["alice", [one()]]);
    new Pins(file).remember(entries);
    writeFileSync(file, "# comment\n\nhttps://x SHA256:a\nhttps://x\n");
    const compare = async (): Promise<unknown> => new Pins(file).compare(entries);
    expect((await failureOf(compare())).code).toBe("PINS_UNREADABLE");
    const folderInstead = async (): Promise<unknown> => new Pins(folder.path).compare(entries);
    expect((await failureOf(folderInstead())).code).toBe("PINS_UNREADABLE");
    expect(new Pins(null).compare(entries).first).toEqual(entries);
  });

  test("are kept where the XDG Base Directory Specification says", () => {
    expect(defaultPinFile({ XDG_CONFIG_HOME: "/c", HOME: "/h" })).toBe("/c/git-vault/known-recipients");
    expect(defaultPinFile({ XDG_CONFIG_HOME: "relative", HOME: "/h" })).toBe("/h/.config/git-vault/known-recipients");
    expect(defaultPinFile({ HOME: "" })).toBeNull();
  });
});

describe("a demand", () => {
  const demand = async (
    entries: readonly DirectoryEntry[],
    fingerprints?: string[],
    memberOf?: string,
  ): Promise<unknown> => assertExpected(entries, { fingerprints, memberOf }, directory);

  test("for a key is met by each recipient who has one of those that were named, and by no other", async () => {
    const entries = await resolve(["alice", [one(), two()]], ["bob", [three()]]);
    const [alices = "", , bobs = ""] = entries.flatMap((entry) => entry.keys.map((key) => key.fingerprint ?? ""));
    expect(await demand(entries)).toBe(false);
    expect(await demand(entries, [alices, bobs])).toBe(true);
    expect((await failureOf(demand(entries, [alices]))).message).toBe(
      "expected a key that was named, and github:bob has none",
    );
    expect((await failureOf(demand(entries, [alices, bobs, "SHA256:x"]))).code).toBe("NOT_EXPECTED");
  });

  test("for a member is met by a public one, and by a private one for those who belong to it", async () => {
    github.members.set("org", [{ login: "alice", public: true }, { login: "bob" }]);
    const entries = await resolve(["alice", [one()]], ["bob", [three()]]);
    expect(await demand(entries.slice(0, 1), [], "Org")).toBe(true);
    expect((await failureOf(demand(entries, [], "org"))).message).toBe(
      "expected members of org, and github:bob is not seen to be one",
    );
    expect((await failureOf(demand(entries, [], "../x"))).code).toBe("INVALID_RECIPIENT");
    expect((await failureOf(demand(await directory.resolve(one()), [], "org"))).code).toBe("NOT_EXPECTED");
    const env = { GITHUB_API_URL: github.url, GH_TOKEN: "token" };
    const signedIn = new Directory({ env, cacheFolder: null });
    expect(await assertExpected(entries, { memberOf: "org" }, signedIn)).toBe(true);
  });
});
