import { readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lock, unlock } from "../src/index.ts";
import { refreshEntries } from "../src/git/index-file.ts";
import { commands, sealed, type Clone } from "./sealed.ts";

const files = { "a.secret": "one\n", "deep/er/b.secret": "two\n", "deep/er/c.secret": "three\n", "z.txt": "plain\n" };

/** Tells whether git's next look finds nothing, without a filter that would help it. */
async function expectFresh(git: Clone["git"]): Promise<void> {
  const settings = ["process=false", "clean=false"].flatMap((setting) => ["-c", `filter.git-crypt.${setting}`]);
  expect((await git(...settings, "status", "--porcelain")).toString()).toBe("");
  expect((await git("fsck")).toString()).toBe("");
}

describe("after unlock and lock git reads no file again", () => {
  const cases: [string, (git: Clone["git"]) => Promise<unknown>][] = [
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
  test.each(cases)("with %s", async (_, prepare) => {
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
