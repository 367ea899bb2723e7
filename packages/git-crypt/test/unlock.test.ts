import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { throwawayRepository } from "@git-vault/testkit";
import { attributesFor, encodeKeyFile, generateKeyFile, initialize, openRepository, unlock } from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { commands, isSealed, sealed } from "./sealed.ts";
import { vector } from "./vectors.ts";

const read = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");
const porcelain = async (git: (...args: string[]) => Promise<Buffer>): Promise<string> =>
  (await git("status", "--porcelain")).toString();
/** Files that git finds changed by what it remembers of them, without reading any. */
const stale = async (git: (...args: string[]) => Promise<Buffer>): Promise<string> =>
  (
    await git("-c", "filter.git-crypt.process=", "-c", "filter.git-crypt.clean=false", "diff-files", "--name-only")
  ).toString();

describe("unlock", () => {
  test("decrypts a clone, stores the key for its owner alone, and leaves git nothing to read", async () => {
    using source = await sealed({ "a.secret": "one\n", "sub/b.secret": "two\n", empty: "", "plain.txt": "plain\n" });
    const clone = await source.clone();
    expect(isSealed(readFileSync(join(clone.path, "a.secret")))).toBe(true);
    const steps: number[][] = [];
    const result = unlock(clone.opened, [source.key], { ...commands, progress: (...step) => steps.push(step) });
    expect(result).toEqual({
      keys: [{ name: "default", verified: true, wasUnlocked: false }],
      decrypted: 2,
      outside: 0,
      clear: [],
      changed: [],
      unopened: [],
      irregular: [],
      guarded: [],
    });
    expect(steps).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect([read(clone.path, "a.secret"), read(clone.path, "sub/b.secret")]).toEqual(["one\n", "two\n"]);
    expect(await stale(clone.git)).toBe("");
    expect(await porcelain(clone.git)).toBe("");
    const path = join(clone.path, ".git/git-crypt/keys/default");
    expect(readFileSync(path)).toEqual(source.key);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(clone.path, ".git/git-crypt"))).toEqual(["keys"]);
  });

  test("writes nothing that may fail once files are open", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const clone = await source.clone();
    const lock = join(clone.path, ".git/config.lock");
    unlock(clone.opened, [source.key], { ...commands, progress: () => writeFileSync(lock, "") });
    rmSync(lock);
    expect(read(clone.path, ".git/info/attributes")).toContain("git-vault-attributes");
    expect((await clone.git("config", "filter.git-vault-attributes.process")).toString()).not.toBe("");
    expect(await porcelain(clone.git)).toBe("");
  });

  test("a second time does nothing, and writes nothing", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const clone = await source.clone();
    unlock(clone.opened, [source.key], commands);
    const files = ["a.secret", ".git/index", ".git/config", ".git/git-crypt/keys/default"].map((name) =>
      join(clone.path, name),
    );
    const before = files.map((path) => statSync(path, { bigint: true }).ctimeNs);
    const result = unlock(clone.opened, [source.key], commands);
    expect(result).toMatchObject({ decrypted: 0, keys: [{ wasUnlocked: true, verified: true }] });
    expect(files.map((path) => statSync(path, { bigint: true }).ctimeNs)).toEqual(before);
  });

  test("keeps an edited file of an unlocked repository as it is", async () => {
    using source = await sealed({ "a.secret": "one\n", "b.secret": "two\n" });
    source.repo.write("a.secret", "edited\n");
    const result = unlock(source.opened, [source.key], commands);
    expect(result.changed.map(({ path }) => path)).toEqual(["a.secret"]);
    expect(read(source.repo.path, "a.secret")).toBe("edited\n");
  });

  test("keeps a protected file that was changed while it was locked", async () => {
    using source = await sealed({ "a.secret": "one\n", "b.secret": "two\n" });
    const clone = await source.clone();
    writeFileSync(join(clone.path, "a.secret"), "written over\n");
    expect(unlock(clone.opened, [source.key], commands)).toMatchObject({
      decrypted: 1,
      changed: [{ path: "a.secret" }],
    });
    expect([read(clone.path, "a.secret"), read(clone.path, "b.secret")]).toEqual(["written over\n", "two\n"]);
  });

  test("decrypts a file whose encrypted content is not that of the index", async () => {
    using source = await sealed({ "a.secret": "one\n", "b.secret": "two\n" });
    const clone = await source.clone();
    writeFileSync(join(clone.path, "a.secret"), readFileSync(join(clone.path, "b.secret")));
    unlock(clone.opened, [source.key], commands);
    expect(read(clone.path, "a.secret")).toBe("two\n");
    expect(await porcelain(clone.git)).toBe(" M a.secret\n");
  });

  test("leaves a deleted file deleted, and one whose folder became a link", async () => {
    using source = await sealed({ "a.secret": "one\n", "sub/b.secret": "two\n", "c.secret": "three\n" });
    const clone = await source.clone();
    rmSync(join(clone.path, "a.secret"));
    const outside = join(source.repo.folder, "outside");
    renameSync(join(clone.path, "sub"), outside);
    symlinkSync(outside, join(clone.path, "sub"));
    unlock(clone.opened, [source.key], commands);
    expect(await porcelain(clone.git)).toBe(" D a.secret\n D sub/b.secret\n?? sub\n");
    expect(isSealed(readFileSync(join(outside, "b.secret")))).toBe(true);
    expect(read(clone.path, "c.secret")).toBe("three\n");
  });

  test("keeps permissions, and works from a subfolder", async () => {
    using source = await sealed({ "sub/run.secret": "#!/bin/sh\n" });
    await source.repo.git("update-index", "--chmod=+x", "sub/run.secret");
    await source.repo.git("commit", "--quiet", "--message=Run");
    const clone = await source.clone();
    chmodSync(join(clone.path, "sub/run.secret"), 0o750);
    unlock(openRepository(join(clone.path, "sub"), source.repo), [source.key], commands);
    expect(statSync(join(clone.path, "sub/run.secret")).mode & 0o777).toBe(0o750);
    expect(await porcelain(clone.git)).toBe("");
  });

  test("knows file names of any bytes", async () => {
    const source = await throwawayRepository();
    using _ = source;
    const opened = openRepository(source.path, source);
    initialize(opened, commands);
    source.write(".gitattributes", attributesFor("odd*"));
    const names = ["odd é", "odd\nline", 'odd "quoted"\\', "odd-\u{202e}", " odd".slice(1), "odd:(top)*"].map((name) =>
      Buffer.from(name),
    );
    names.push(Buffer.concat([Buffer.from("odd"), Buffer.from([0xff, 0xfe])]));
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${source.path}/`), name]), "secret\n");
    await source.commit("Begin");
    const clone = join(source.folder, "clone");
    await source.git("clone", "--quiet", source.path, clone);
    const result = unlock(openRepository(clone, source), [opened.readKey().bytes], commands);
    expect(result.decrypted).toBe(names.length);
    for (const name of names) {
      expect(readFileSync(Buffer.concat([Buffer.from(`${clone}/`), name])).toString()).toBe("secret\n");
    }
    expect((await source.git("-C", clone, "status", "--porcelain")).toString()).toBe("");
  });

  test("takes several keys at once, and refuses two of one name", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    initialize(source.opened, { ...commands, keyName: "ops" });
    source.repo.write("sub/.gitattributes", attributesFor("*", "ops") + ".gitattributes !filter !diff !merge\n");
    source.repo.write("sub/b", "for ops\n");
    await source.repo.commit("Add a named key");
    const ops = source.opened.readKey("ops").bytes;
    const clone = await source.clone();
    expect(unlock(clone.opened, [source.key], commands).decrypted).toBe(1);
    expect(isSealed(readFileSync(join(clone.path, "sub/b")))).toBe(true);
    const result = unlock(clone.opened, [source.key, ops], commands);
    expect(result.keys).toEqual([
      { name: "default", verified: true, wasUnlocked: true },
      { name: "ops", verified: true, wasUnlocked: false },
    ]);
    expect(read(clone.path, "sub/b")).toBe("for ops\n");
    expect(await porcelain(clone.git)).toBe("");
    expect(unlock(clone.opened, [ops, ops], commands).keys).toMatchObject([{ name: "ops", wasUnlocked: true }]);
    const other = encodeKeyFile(generateKeyFile("ops"));
    errorOf("OTHER_KEY", () => unlock(clone.opened, [ops, other], commands));
  });

  test("a wrong key changes nothing, and the right one is then taken", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const clone = await source.clone();
    const before = read(clone.path, ".git/config");
    const wrong = encodeKeyFile(generateKeyFile());
    expect(errorOf("WRONG_KEY", () => unlock(clone.opened, [wrong], commands)).hint).toMatch(/nothing was changed/);
    errorOf("MALFORMED_KEY_FILE", () =>
      unlock(clone.opened, [Buffer.concat([source.key, Buffer.from("\n")])], commands),
    );
    errorOf("WRONG_KEY", () => unlock(source.opened, [wrong], commands));
    expect(read(clone.path, ".git/config")).toBe(before);
    expect(readdirSync(join(clone.path, ".git"))).not.toContain("git-crypt");
    expect(unlock(clone.opened, [source.key], commands).decrypted).toBe(1);
    expect(source.opened.readKey().bytes).toEqual(source.key);
  });

  test("the right key takes the place of a wrong one that another program left", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const clone = await source.clone();
    const path = join(clone.path, ".git/git-crypt/keys/default");
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, vector("default.key"));
    expect(unlock(clone.opened, [source.key], commands).decrypted).toBe(1);
    expect(readFileSync(path)).toEqual(source.key);
  });

  test("where nothing is encrypted, a key is taken unverified, and another not in its place", async () => {
    const repo = await throwawayRepository();
    using _ = repo;
    repo.write(".gitattributes", attributesFor("*.secret"));
    await repo.commit("Begin");
    const opened = openRepository(repo.path, repo);
    expect(unlock(opened, [vector("default.key")], commands).keys[0]).toMatchObject({ verified: false });
    errorOf("OTHER_KEY", () => unlock(opened, [encodeKeyFile(generateKeyFile())], commands));
    expect(opened.readKey().bytes).toEqual(vector("default.key"));
  });

  test("a legacy key file is stored in the current form", async () => {
    const repo = await throwawayRepository();
    using _ = repo;
    const opened = openRepository(repo.path, repo);
    unlock(opened, [vector("legacy.key")], commands);
    expect(opened.readKey().bytes).toHaveLength(148);
  });

  test("puts everything back where a file cannot be written", async () => {
    using source = await sealed({ "a.secret": "one\n", "b.secret": "two\n", "sub/c.secret": "three\n" });
    const clone = await source.clone();
    const state = join(clone.path, ".git/git-crypt");
    const before = ["a.secret", "b.secret", "sub/c.secret", ".git/config"].map((name) =>
      readFileSync(join(clone.path, name)),
    );
    const folders: string[] = [];
    const error = errorOf("UNWRITABLE", () => {
      unlock(clone.opened, [source.key], {
        ...commands,
        progress: (done) => {
          const unfinished = readdirSync(state).find((name) => name.startsWith("unfinished.")) ?? "";
          // The second file cannot be finished; from then on there is nothing in the way.
          if (done === 1) mkdirSync(join(state, unfinished, "1"));
          else folders.push(unfinished);
        },
      });
    });
    expect(error.message).toBe("the file b.secret cannot be written: EISDIR");
    expect(folders).toEqual([]);
    const after = ["a.secret", "b.secret", "sub/c.secret", ".git/config"].map((name) =>
      readFileSync(join(clone.path, name)),
    );
    expect(after).toEqual(before);
    expect(readdirSync(join(clone.path, ".git"))).not.toContain("git-crypt");
    expect(unlock(clone.opened, [source.key], commands).decrypted).toBe(3);
  });

  test("where not even that can be done, the filter stays, and another run finishes", async () => {
    using source = await sealed({ "a.secret": "one\n", "b.secret": "two\n" });
    const clone = await source.clone();
    const state = join(clone.path, ".git/git-crypt");
    const progress = (): void => {
      for (const name of readdirSync(state).filter((entry) => entry.startsWith("unfinished."))) {
        rmSync(join(state, name), { recursive: true });
        writeFileSync(join(state, name), "in the way");
      }
    };
    errorOf("HALFWAY", () => unlock(clone.opened, [source.key], { ...commands, progress }));
    expect(clone.opened.keyNames()).toEqual(["default"]);
    expect([read(clone.path, "a.secret"), isSealed(readFileSync(join(clone.path, "b.secret")))]).toEqual([
      "one\n",
      true,
    ]);
    await clone.git("add", "--all");
    expect(isSealed(await clone.git("cat-file", "blob", ":a.secret"))).toBe(true);
    expect(unlock(clone.opened, [source.key], commands).decrypted).toBe(1);
    expect(read(clone.path, "b.secret")).toBe("two\n");
  });
});

describe("a clone that was not checked out", () => {
  test("takes the key that opens the files of HEAD, and no other", async () => {
    using source = await sealed({ "a.secret": "one\n", "plain.txt": "plain\n" });
    const clone = await source.clone("clone", "--no-checkout");
    const wrong = encodeKeyFile(generateKeyFile());
    errorOf("WRONG_KEY", () => unlock(clone.opened, [wrong], commands));
    expect(readdirSync(join(clone.path, ".git"))).not.toContain("git-crypt");
    // Where a wrong one lies there all the same, the right one takes its place.
    mkdirSync(join(clone.path, ".git/git-crypt/keys"), { recursive: true });
    writeFileSync(join(clone.path, ".git/git-crypt/keys/default"), wrong);
    expect(unlock(clone.opened, [source.key], commands)).toMatchObject({ keys: [{ verified: true }], decrypted: 0 });
    await clone.git("checkout", "--quiet");
    expect(read(clone.path, "a.secret")).toBe("one\n");
    expect(await porcelain(clone.git)).toBe("");
  });

  test("also where the index is there, and HEAD alone holds the encrypted files", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const clone = await source.clone();
    await clone.git("rm", "--quiet", "a.secret");
    errorOf("WRONG_KEY", () => unlock(clone.opened, [encodeKeyFile(generateKeyFile())], commands));
    expect(unlock(clone.opened, [source.key], commands)).toMatchObject({ keys: [{ verified: true }] });
  });
});

describe("a repository that does not use git-crypt", () => {
  test("takes no key, as the one around a submodule, until its attributes speak of git-crypt", async () => {
    using inner = await sealed({ "a.secret": "one\n" });
    using repo = await throwawayRepository();
    await repo.git("submodule", "--quiet", "add", inner.repo.path, "sub");
    await repo.commit("Begin");
    const before = readFileSync(join(repo.path, ".git/config"));
    const opened = openRepository(repo.path, repo);
    const { message, hint } = errorOf("NOT_GIT_CRYPT", () => unlock(opened, [inner.key], commands));
    expect(message).toMatch(/^the repository does not use git-crypt/);
    expect(hint).toMatch(/such as a submodule/);
    expect(readFileSync(join(repo.path, ".git/config"))).toEqual(before);
    expect(readdirSync(join(repo.path, ".git"))).not.toContain("git-crypt");
    expect(unlock(openRepository(join(repo.path, "sub"), repo), [inner.key], commands).decrypted).toBe(1);
    repo.write(".gitattributes", attributesFor("*.secret"));
    expect(unlock(opened, [inner.key], commands)).toMatchObject({ keys: [{ verified: false }] });
  });

  test("and has no commit yet takes the key that it is to begin with", async () => {
    using repo = await throwawayRepository();
    const opened = openRepository(repo.path, repo);
    unlock(opened, [encodeKeyFile(generateKeyFile())], commands);
    expect(opened.keyNames()).toEqual(["default"]);
  });
});
