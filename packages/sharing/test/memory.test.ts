import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LogFile } from "@git-vault/members";
import { throwawayRepository, type Repository } from "@git-vault/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  knownRoot,
  readHeld,
  readMemory,
  remember,
  rememberHeld,
  rememberRoot,
  type News,
} from "../src/members/memory.ts";
import { failureOf } from "./hands.ts";
import { opened, writeMemory } from "./team.ts";

/* What a clone and its user remember of members logs. */

const ROOT = "a".repeat(64);
const OTHER = "b".repeat(64);
const file = (name: string, text = name): { name: string; bytes: Buffer } => ({ name, bytes: Buffer.from(text) });

let repository: Repository;
beforeEach(async () => void (repository = await throwawayRepository()));
afterEach(() => repository.remove());

const memoryFile = (): string => join(repository.path, ".git/git-vault/members-seen");

test("a clone remembers a root, whom it met, and what the branch that it follows held, look by look", () => {
  const upstream = "refs/remotes/origin/main";
  expect(readMemory(opened(repository), [upstream])).toEqual({ root: null, met: new Set(), looks: [], files: [] });
  remember(opened(repository), { root: ROOT, met: ["one"], seen: new Map([[upstream, [[file("e1"), file("e2")]]]]) });
  remember(opened(repository), {
    met: ["one", "two"],
    seen: new Map([
      [
        upstream,
        [
          [file("e2"), file("e3")],
          [file("e3"), file("e5")],
        ],
      ],
    ]),
  });
  remember(opened(repository), { seen: new Map([["refs/remotes/origin/other", [[file("e4")]]]]) });
  expect(readMemory(opened(repository), [upstream])).toEqual({
    root: ROOT,
    met: new Set(["one", "two"]),
    looks: [["e1", "e2"], ["e3"], ["e5"]],
    files: [file("e1"), file("e2"), file("e3"), file("e5")],
  });
  expect(readMemory(opened(repository), ["refs/remotes/origin/other"]).looks).toEqual([["e4"]]);
  expect(readMemory(opened(repository), [])).toMatchObject({ root: ROOT, looks: [] });
  expect(statSync(memoryFile()).mode & 0o777).toBe(0o600);
});

test("what came first comes before all looks: as it was seen on a branch for that alone, by a person's word anywhere", () => {
  remember(opened(repository), { seen: new Map(["u", "v"].map((name) => [name, [[file(`on-${name}`)]]])) });
  remember(opened(repository), { first: { entries: ["e1"], seenOn: "u" } });
  remember(opened(repository), { first: { entries: ["e2", "e3"] } });
  expect(readMemory(opened(repository), ["u"]).looks).toEqual([["e1"], ["e2", "e3"], ["on-u"]]);
  expect(readMemory(opened(repository), ["v"]).looks).toEqual([["e2", "e3"], ["on-v"]]);
});

test("nothing is written where nothing is new, and the root that was accepted last is the one", () => {
  remember(opened(repository), { root: ROOT, met: ["one"], seen: new Map([["u", [[file("e1")]]]]) });
  const before = readFileSync(memoryFile(), "utf8");
  remember(opened(repository), { root: ROOT, met: ["one"], seen: new Map([["u", [[file("e1")]]]]) });
  expect(readFileSync(memoryFile(), "utf8")).toBe(before);
  remember(opened(repository), { root: OTHER });
  expect(readMemory(opened(repository), []).root).toBe(OTHER);
});

test.each(["{", "null", "1", '"x"'])(
  "a memory that is damaged (%s) is said to be, and never overwritten",
  async (text) => {
    writeMemory(repository, "members-seen", `{"root":"${ROOT}"}\n${text}\n`);
    const read = async (): Promise<unknown> => readMemory(opened(repository), []);
    const write = async (): Promise<unknown> => remember(opened(repository), { root: OTHER });
    for (const failing of [read, write]) expect((await failureOf(failing())).code).toBe("MEMORY_DAMAGED");
    expect(readFileSync(memoryFile(), "utf8")).toContain(ROOT);
  },
);

test("a memory of over 64 MiB is neither read nor written", async () => {
  const read = async (): Promise<unknown> => readMemory(opened(repository), []);
  const write = async (): Promise<unknown> => remember(opened(repository), { root: OTHER });
  remember(opened(repository), { root: ROOT });
  truncateSync(memoryFile(), (64 << 20) + 1);
  for (const failing of [read, write]) expect((await failureOf(failing())).code).toBe("MEMORY_FULL");
});

test("what there is no room for is left out, and what comes before others is remembered longer", () => {
  const large = file("large", "x".repeat(40 << 20));
  const seen = (...files: LogFile[]): Pick<News, "seen"> => ({ seen: new Map([["u", [files]]]) });
  const names = (): string[] => readMemory(opened(repository), ["u"]).files.map(({ name }) => name);
  expect(remember(opened(repository), { root: ROOT, ...seen(large) })).toBe(true);
  const more = file("more", "y".repeat(10 << 20));
  expect(remember(opened(repository), seen(more))).toBe(false);
  expect(remember(opened(repository), { ...seen(more, file("removal")), foremost: new Set(["removal"]) })).toBe(false);
  expect(names()).toEqual(["large", "removal"]);
  const whole = { ...seen(more, file("other", "z".repeat(12 << 20))), foremost: new Set(["more", "other"]) };
  expect(remember(opened(repository), whole)).toBe(false);
  expect(names()).toEqual(["large", "removal", "more"]);
  expect(remember(opened(repository), { root: OTHER })).toBe(true);
  expect(readMemory(opened(repository), []).root).toBe(OTHER);
});

test("of verified signatures those of the present log are kept where they become too many", () => {
  const digest = (at: number): string => at.toString(16).padStart(64, "0");
  const lines = Array.from({ length: 258_000 }, (_, at) => `${digest(at)}\n`).join("");
  writeMemory(repository, "members-verified", lines);
  const held = readHeld(opened(repository));
  expect(held.size).toBe(258_000);
  rememberHeld(opened(repository), held.add(digest(258_000)), () => []);
  expect(readHeld(opened(repository)).size).toBe(258_001);
  for (let at = 0; at < 5000; at += 1) held.add(digest(300_000 + at));
  rememberHeld(opened(repository), held, () => [digest(7), digest(300_000)]);
  expect(readHeld(opened(repository))).toEqual(new Set([digest(7), digest(300_000)]));
  // One that an older version let grow is read as empty, and then begun again.
  truncateSync(join(repository.path, ".git/git-vault/members-verified"), (64 << 20) + 1);
  expect(readHeld(opened(repository)).size).toBe(0);
  rememberHeld(opened(repository), new Set([digest(1)]), () => []);
  expect(readHeld(opened(repository))).toEqual(new Set([digest(1)]));
});

test("a user remembers the root of an address, in all clones from there", async () => {
  await repository.git("remote", "add", "origin", "git@github.com:org/repo.git");
  expect(knownRoot(opened(repository))).toBeNull();
  const own = ["origin"];
  rememberRoot(opened(repository), ROOT, { remotes: own, isSaid: false });
  expect(knownRoot(opened(repository))).toBe(ROOT);
  await repository.git("remote", "set-url", "origin", "https://github.com/org/repo");
  expect(knownRoot(opened(repository))).toBe(ROOT);
  // Another takes its place by a person's word alone.
  rememberRoot(opened(repository), OTHER, { remotes: own, isSaid: false });
  expect(knownRoot(opened(repository))).toBe(ROOT);
  rememberRoot(opened(repository), OTHER, { remotes: own, isSaid: true });
  expect(knownRoot(opened(repository))).toBe(OTHER);
  // Of the remotes that are meant.
  await repository.git("remote", "add", "upstream", "https://github.com/org/upstream");
  expect(knownRoot(opened(repository), ["upstream"])).toBeNull();
  await repository.git("remote", "remove", "upstream");
  const known = join(repository.env["HOME"] ?? "", ".config/git-vault/known-repositories");
  expect(readFileSync(known, "utf8")).toMatch(/^# [^\n]+\ngithub\.com\/org\/repo b{64}\n$/);
  await repository.git("remote", "set-url", "origin", "https://github.com/org/another");
  expect(knownRoot(opened(repository))).toBeNull();
  // What counts from the clone's own folder is another repository elsewhere.
  await repository.git("remote", "set-url", "origin", "../another.git");
  rememberRoot(opened(repository), ROOT, { remotes: own, isSaid: true });
  expect(knownRoot(opened(repository))).toBeNull();
  await repository.git("remote", "set-url", "origin", "https://github.com/org/another");
  writeFileSync(known, "github.com/org/another nonsense\n");
  expect(knownRoot(opened(repository))).toBeNull();
});
