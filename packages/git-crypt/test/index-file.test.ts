import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import * as fc from "fast-check";
import { cases, throwawayRepository } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { lock, openRepository, type Repository, unlock } from "../src/index.ts";
import {
  blobInIndex,
  blobsInIndex,
  digestBelow,
  digestOf,
  entriesBelow,
  refreshEntries,
} from "../src/git/index-file.ts";
import { listIndex } from "../src/git/protected-files.ts";
import { commands, sealed, type Clone } from "./sealed.ts";

const files = { "a.secret": "one\n", "deep/er/b.secret": "two\n", "deep/er/c.secret": "three\n", "z.txt": "plain\n" };

/** Tells whether git's next look finds nothing, without a filter that would help it. */
async function expectFresh(git: Clone["git"]): Promise<void> {
  const settings = ["process=false", "clean=false"].flatMap((setting) => ["-c", `filter.git-crypt.${setting}`]);
  expect((await git(...settings, "status", "--porcelain")).toString()).toBe("");
  expect((await git("fsck")).toString()).toBe("");
}

describe("after unlock and lock git reads no file again", () => {
  const kinds: [string, (git: Clone["git"]) => Promise<unknown>][] = [
    ["an index of version 2", async () => {}],
    ["an index of version 4", (git) => git("update-index", "--index-version=4")],
    [
      "an index of version 3",
      async (git) => {
        await git("update-index", "--index-version=2");
        await git("sparse-checkout", "set", "--no-cone", "/*", "!z.txt");
      },
    ],
    ["an index with an untracked cache", (git) => git("update-index", "--force-untracked-cache")],
  ];
  test.each(kinds)("with %s", async (_, prepare) => {
    using source = await sealed(files);
    const clone = await source.clone();
    await prepare(clone.git);
    expect(unlock(clone.opened, [source.key], commands).decrypted).toBe(3);
    await expectFresh(clone.git);
    expect(lock(clone.opened).encrypted).toBe(3);
    await expectFresh(clone.git);
  });

  test("with a split index, which git refreshes itself", async () => {
    using source = await sealed(files);
    const clone = await source.clone();
    await clone.git("update-index", "--split-index");
    expect(unlock(clone.opened, [source.key], commands).decrypted).toBe(3);
    expect((await clone.git("status", "--porcelain")).toString()).toBe("");
    expect(lock(clone.opened).encrypted).toBe(3);
    expect((await clone.git("status", "--porcelain")).toString()).toBe("");
  });

  test("with SHA-256", async () => {
    using source = await sealed(files, "--object-format=sha256");
    expect((await source.repo.git("rev-parse", "HEAD")).toString()).toHaveLength(65);
    expect(lock(source.opened).encrypted).toBe(3);
    await expectFresh((...args) => source.repo.git(...args));
    expect(unlock(source.opened, [source.key], commands).decrypted).toBe(3);
    await expectFresh((...args) => source.repo.git(...args));
  });
});

test("a change that was made in the index's own second, with the same size, is not lost", async () => {
  using source = await sealed({ "a.secret": "one\n", "z.txt": "plain\n" });
  const clone = await source.clone();
  const [index, file] = [join(clone.path, ".git/index"), join(clone.path, "z.txt")];
  const second = Math.floor(Date.now() / 1000) - 5;
  utimesSync(file, second, second);
  await clone.git("update-index", "--refresh");
  writeFileSync(file, "other\n");
  utimesSync(file, second, second);
  utimesSync(index, second, second);
  unlock(clone.opened, [source.key], commands);
  expect((await clone.git("status", "--porcelain")).toString()).toBe(" M z.txt\n");
});

test("an index that is damaged anywhere is left to git", async () => {
  using source = await sealed({ "a.secret": "one\n" });
  const oid = (await source.repo.git("rev-parse", ":a.secret")).toString().trim();
  const index = readFileSync(join(source.repo.path, ".git/index"));
  const one = new Map([["a.secret", { oid, stat: statSync(source.repo.path, { bigint: true }) }]]);
  const refresh = (bytes: Buffer): boolean | null => refreshEntries(bytes, 0n, one, () => true);
  expect(refresh(Buffer.from(index))).toBe(true);
  fc.assert(
    fc.property(fc.nat(index.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(index);
      damaged.writeUInt8(damaged.readUInt8(at) ^ change, at);
      expect(refresh(damaged)).toBeNull();
      expect(refresh(Buffer.from(index.subarray(0, at)))).toBeNull();
    }),
  );
});

/** Trees whose names lie around a folder, in git's order and not. */
const around = fc.uniqueArray(
  fc.constantFrom(
    "b",
    "deep/log/x",
    "deep/log/y/z",
    "deep/log.x",
    "deep/log0",
    "deep/lo",
    "deep/logs/x",
    "deep/log-/x",
    "deep/log/\u00e9",
    "deep/log/ \n",
    `deep/log/${"n".repeat(200)}`,
    `deep/log/${"f/".repeat(100)}x`,
    "deepest",
    "z/log/x",
  ),
  { minLength: 1 },
);

describe("the names below a folder are those that git lists", () => {
  const listAll = (opened: Repository): string[] => {
    const { stdout } = spawnSync("git", ["ls-files", "-z"], { cwd: opened.topLevel ?? "", env: opened.env });
    return [...new Set(stdout.toString("latin1").split("\0").slice(0, -1))];
  };
  const below = (names: readonly string[], folder: string): string[] =>
    names.filter((name) => name.startsWith(`${folder}/`));

  const ways: [string, { readonly init?: string; readonly version: number }, ...(readonly string[])[]][] = [
    ["version 2", { version: 2 }],
    ["version 3", { version: 3 }, ["rm", "--quiet", "--cached", "a"], ["add", "--intent-to-add", "a"]],
    ["version 4", { version: 4 }, ["update-index", "--index-version=4"]],
    ["split", { version: 2 }, ["update-index", "--split-index"]],
    ["SHA-256", { version: 2, init: "--object-format=sha256" }],
    [
      "SHA-256, version 4, split",
      { version: 4, init: "--object-format=sha256" },
      ["update-index", "--index-version=4"],
      ["update-index", "--split-index"],
    ],
  ];
  test.each(ways)("%s", async (_, { init, version }, ...prepare) => {
    await fc.assert(
      fc.asyncProperty(
        around,
        fc.uniqueArray(fc.nat(), { maxLength: 3 }),
        fc.boolean(),
        async (names, later, hashed) => {
          using repo = await throwawayRepository();
          const index = join(repo.path, ".git/index");
          if (init !== undefined) {
            rmSync(join(repo.path, ".git"), { recursive: true });
            await repo.git("init", "--quiet", init);
          }
          for (const name of ["a", ...names]) repo.write(name, "x\n");
          await repo.git("add", "--all");
          for (const command of prepare) await repo.git(...command);
          for (const number of later) repo.write(`deep/log/later-${number}`, "y\n");
          if (later.length > 0) await repo.git("add", "deep");
          const bytes = readFileSync(index);
          expect(bytes.readUInt32BE(4)).toBe(version);
          // As index.skipHash has it.
          if (!hashed) writeFileSync(index, bytes.fill(0, bytes.length - (init === undefined ? 20 : 32)));
          const opened = openRepository(repo.path, repo);
          const all = listAll(opened);
          for (const folder of ["deep/log", "deep", "z", "none"]) {
            expect([...blobsInIndex(opened, folder).keys()]).toEqual(below(all, folder));
            expect(digestBelow(opened, folder)).toBe(digestOf(blobsInIndex(opened, folder)));
          }
          expect(digestBelow(opened, "none")).toBeNull();
          const isSplit = prepare.flat().includes("--split-index");
          const read = isSplit ? new Map() : entriesBelow(bytes, init === undefined ? 20 : 32, "deep/log/");
          expect([...(read?.keys() ?? [])]).toEqual(isSplit ? [] : below(all, "deep/log"));
          const blobs = listIndex(opened).map(({ name, oid }) => [name, oid] as const);
          expect([...blobsInIndex(opened)]).toEqual(blobs);
          const oids = new Map(blobs);
          for (const name of [...oids.keys(), "0", "a0", "deep", "deep/lo", "zz"])
            expect([name, blobInIndex(opened, name)]).toEqual([name, oids.get(name) ?? null]);
        },
      ),
      { numRuns: cases(8, 60) },
    );
  });

  test("also in a sparse index, in a conflict, and where there is no index", async () => {
    using repo = await throwawayRepository();
    const opened = openRepository(repo.path, repo);
    expect([...blobsInIndex(opened, "deep").keys()]).toEqual([]);
    for (const name of ["deep/log/x", "deep/y", "other/z"]) repo.write(name, "x\n");
    await repo.commit("Begin");
    await repo.git("checkout", "--quiet", "-b", "side");
    repo.write("deep/log/x", "side\n");
    await repo.commit("Side");
    await repo.git("checkout", "--quiet", "main");
    repo.write("deep/log/x", "main\n");
    await repo.commit("Main");
    await expect(repo.git("merge", "--quiet", "side")).rejects.toThrow("git");
    expect([...blobsInIndex(opened, "deep").keys()]).toEqual(["deep/log/x", "deep/y"]);
    expect(blobInIndex(opened, "deep/log/x")).toBe(listIndex(opened, "deep/log/x").at(-1)?.oid);
    await repo.git("merge", "--abort");
    await repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "other");
    expect(entriesBelow(readFileSync(join(repo.path, ".git/index")), 20, "deep/log/")).toBeNull();
    for (const name of ["deep/log/x", "deep/y", "other/z"])
      expect([name, blobInIndex(opened, name)]).toEqual([name, listIndex(opened, name)[0]?.oid]);
    const all = listAll(opened);
    for (const folder of ["deep/log", "deep", "other"]) {
      expect([...blobsInIndex(opened, folder).keys()]).toEqual(below(all, folder));
      expect(digestBelow(opened, folder)).toBe(digestOf(blobsInIndex(opened, folder)));
    }
  });

  // Of many files it is noted, and taken from there while the index has the same bytes.
  test.each([0, 300])(
    "a digest of a folder changes with a name and with a content there alone, beside %i",
    async (many) => {
      using repo = await throwawayRepository();
      const opened = openRepository(repo.path, repo);
      const seen = new Set<string | null>();
      const note = join(repo.path, ".git/git-vault/index-stretch");
      const look = async (): Promise<number> => {
        await repo.git("add", "--all");
        for (let again = 0; again < 2; again += 1) {
          const all = listIndex(opened).map(({ name, oid }) => [name, oid] as const);
          expect(digestBelow(opened, "log")).toBe(digestOf(new Map(all.filter(([name]) => name.startsWith("log/")))));
          for (const [name, oid] of all.slice(0, 2).concat(all.slice(-2))) expect(blobInIndex(opened, name)).toBe(oid);
          expect(existsSync(note)).toBe(many > 0);
        }
        return seen.add(digestBelow(opened, "log")).size;
      };
      for (let at = 0; at < many; at += 1) repo.write(`log/m${at}`, "x\n");
      expect(await look()).toBe(1);
      repo.write("log/a", "x\n");
      expect(await look()).toBe(2);
      repo.write("log/a", "y\n");
      expect(await look()).toBe(3);
      repo.write("log/b", "y\n");
      expect(await look()).toBe(4);
      rmSync(join(repo.path, "log/a"));
      expect(await look()).toBe(5);
      for (const name of ["lo", "log.txt", "logs/a", "a", "z/log/a"]) repo.write(name, "x\n");
      expect(await look()).toBe(5);
      for (const name of many > 0 ? ["log/0", "log/m00", "log/zz"] : []) {
        repo.write(name, "x\n");
        expect(await look()).toBe(seen.size);
      }
      for (const damage of ["", "x", "0 1 2 3 4 5"]) {
        if (many > 0) writeFileSync(note, damage);
        expect(seen.has(digestBelow(opened, "log"))).toBe(true);
      }
    },
  );

  test("an index that is cut off, or read with another hash, is not understood", async () => {
    using source = await sealed(files);
    const index = readFileSync(join(source.repo.path, ".git/index"));
    expect(entriesBelow(index, 20, "")?.size).toBe(5);
    expect(entriesBelow(index, 32, "")).toBeNull();
    expect([0, 11].map((length) => entriesBelow(index.subarray(0, length), 20, ""))).toEqual([null, null]);
    for (const length of [12, 40, 100]) {
      expect(() => entriesBelow(index.subarray(0, length), 20, "")).toThrow(RangeError);
    }
  });
});
