import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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
/** A key that can only sign, and one that is too short. */
let ecdsa: string;
let weak: string;
beforeAll(async () => {
  folder = temporaryFolder();
  github = await startGitHub();
  github.tokens.add("token");
  directory = new Directory({ env: { GITHUB_API_URL: github.url }, cacheFolder: null });
  const lineOf = ({ publicKey }: { publicKey: string }): string => publicKey.split(" ").slice(0, 2).join(" ");
  ecdsa = lineOf(await makeSshKey({ folder: folder.path, name: "ecdsa", type: "ecdsa" }));
  weak = lineOf(await makeSshKey({ folder: folder.path, name: "weak", type: "rsa", bits: 1024 }));
  const made = ["one", "two", "three"].map((name) => makeSshKey({ folder: folder.path, name, type: "ed25519" }));
  keys = (await Promise.all(made)).map(lineOf);
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
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    expect(readdirSync(dirname(file))).toEqual(["known-recipients"]);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n").slice(1);
    expect(lines).toHaveLength(3);
    expect(
      lines.every((line) => /^http:\/\/127\.0\.0\.1:\d+\/users\/(?:alice|bob)\/keys SHA256:\S{43}$/.test(line)),
    ).toBe(true);
  });

  test("whose keys changed are told with what was added and removed, and remembered again", async () => {
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

  test("who had no key are known, so that a key of theirs is told as a new one", async () => {
    const pins = new Pins(file);
    pins.remember(await resolve(["alice", [one()]], ["bob", [ecdsa]]));
    expect(pins.compare(await resolve(["bob", [ecdsa]]))).toEqual({ first: [], changed: [] });
    const entries = await resolve(["bob", [two()]]);
    const added = entries.flatMap((entry) => entry.keys.map((key) => key.fingerprint));
    expect(pins.compare(entries)).toEqual({ first: [], changed: [{ entry: entries[0], added, removed: [] }] });
  });

  test("whose keys that can only sign come and go are the same", async () => {
    const pins = new Pins(file);
    pins.remember(await resolve(["alice", [one()]]));
    expect(pins.compare(await resolve(["alice", [one(), ecdsa]]))).toEqual({ first: [], changed: [] });
    pins.remember(await resolve(["alice", [one(), ecdsa]]));
    expect(pins.compare(await resolve(["alice", [one()]]))).toEqual({ first: [], changed: [] });
  });

  test("whom a grant names are compared to its keys, and are still new here", async () => {
    const pins = new Pins(file);
    const entries = await resolve(["alice", [one(), weak, ecdsa]]);
    const [ones = "", weaks = ""] = entries.flatMap((entry) => entry.keys.map((key) => key.fingerprint ?? ""));
    const granted = (...fingerprints: string[]): Map<string, Set<string>> =>
      new Map([["github:alice", new Set(fingerprints)]]);
    expect(pins.compare(entries, granted(ones))).toEqual({ first: entries, changed: [] });
    // A grant may be to a weak key; that it has none of it says nothing.
    expect(pins.compare(entries, granted(ones, weaks))).toEqual({ first: entries, changed: [] });
    const [entry] = entries;
    expect(pins.compare(entries, granted("SHA256:other"))).toEqual({
      first: [],
      changed: [{ entry, added: [ones], removed: ["SHA256:other"] }],
    });
    pins.remember(entries);
    expect(pins.compare(entries, granted("SHA256:other"))).toEqual({ first: [], changed: [] });
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
    writeFileSync(file, "");
    truncateSync(file, 16 * 1024 * 1024 + 1);
    expect((await failureOf(compare())).message).toContain("it is no file of a sensible size");
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
    const signing = await resolve(["carol", [ecdsa, one()]]);
    const only = signing[0]?.keys[0]?.fingerprint ?? "";
    expect((await failureOf(demand(signing, [only]))).message).toBe(`no recipient has a usable key ${only}`);
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
    // Who is called the same on another forge is somebody else.
    const [alice] = await resolve(["alice", [one()]]);
    const elsewhere = alice === undefined ? [] : [{ ...alice, name: "gitlab:alice" }];
    expect((await failureOf(demand(elsewhere, [], "org"))).code).toBe("NOT_EXPECTED");
    const env = { GITHUB_API_URL: github.url, GH_TOKEN: "token" };
    const signedIn = new Directory({ env, cacheFolder: null });
    expect(await assertExpected(entries, { memberOf: "org" }, signedIn)).toBe(true);
  });
});
