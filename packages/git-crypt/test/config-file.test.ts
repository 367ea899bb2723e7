import { spawn } from "node:child_process";
import { existsSync, linkSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, throwawayRepository } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { changeConfig } from "../src/git/config-file.ts";
import { initialize, lock, openRepository, status, unlock } from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { commands, driver, sealed } from "./sealed.ts";

describe("git's configuration", () => {
  test("that another program is writing is waited for, then it is told whose lock that may be, and nothing was changed", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const clone = await source.clone();
    const held = join(clone.path, ".git/config.lock");
    writeFileSync(held, "");
    const { message, hint } = errorOf("CONFIG_LOCKED", () => unlock(clone.opened, [source.key], commands));
    expect(message).toBe("another program is writing the repository's configuration");
    expect(hint).toBe(`wait for it to end, then run the command again; if no such command is running, remove ${held}`);
    expect(readdirSync(join(clone.path, ".git"))).not.toContain("git-crypt");
    expect(status(clone.opened)).toMatchObject({ state: "locked", findings: [] });
    const empty = join(source.repo.folder, "empty");
    await source.repo.git("init", "--quiet", empty);
    writeFileSync(join(empty, ".git/config.lock"), "");
    const opened = openRepository(empty, source.repo);
    errorOf("CONFIG_LOCKED", () => initialize(opened, commands));
    expect(opened.keyNames()).toEqual([]);
  });

  test("is freed of the lock and the copy that a killed process of ours left, and of no other", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const clone = await source.clone();
    const config = join(clone.path, ".git/config");
    const dead = spawn("true");
    const pid = dead.pid ?? 0;
    await new Promise((resolve) => {
      dead.on("exit", resolve);
    });
    const copy = `${config}.git-vault-${pid}`;
    writeFileSync(copy, "cut off");
    writeFileSync(`${copy}.lock`, "git's own lock of the copy");
    linkSync(copy, `${config}.lock`);
    const living = `${config}.git-vault-${process.ppid}`;
    writeFileSync(living, "somebody else's copy");
    unlock(clone.opened, [source.key], commands);
    expect(readdirSync(join(clone.path, ".git")).filter((name) => name.startsWith("config"))).toEqual([
      "config",
      `config.git-vault-${process.ppid}`,
    ]);
    expect(status(clone.opened)).toMatchObject({ state: "unlocked", findings: [] });
  });

  test("is written as git itself writes it, also where that would append new sections", async () => {
    const values = ["true", "", "a b", " a", "a ", 'a "b"', "a\\b", "a;b", "#a", "a\tb\nc", "a = b", "\\"];
    const changes = values.map((value, at) => [
      "--replace-all",
      `${at % 2 ? "filter.one" : "merge.two-2"}.v${"x".repeat(at)}`,
      value,
    ]);
    const befores = [
      "[core]\n\tbare = false\n",
      "[core]\n\tbare = false",
      '[filter "one"]\n\told = 1\n',
      '[Filter  "one"]\n\told = 1\n',
      "[filter.one]\n\told = 1\n",
      '[a]\n\tb = "c\\\n"\n',
    ];
    using repo = await throwawayRepository();
    const { commonDir } = openRepository(repo.path, repo);
    const path = join(commonDir, "config");
    const others = ["ü", "a\rb"].map((value) => ["--replace-all", "filter.one.v", value]);
    const cases = [
      { before: "", some: changes },
      ...others.map((change) => ({ before: "", some: [change] })),
      ...befores.map((before) => ({ before, some: changes.slice(1, 2) })),
    ];
    for (const { before, some } of cases) {
      const theirs = join(repo.folder, "theirs");
      writeFileSync(theirs, before);
      for (const change of some) await runOk("git", ["config", "--file", theirs, ...change], repo);
      const expected = readFileSync(theirs, "latin1");
      writeFileSync(path, before);
      expect(changeConfig({ ...repo, topLevel: null, gitDir: repo.folder, commonDir }, () => some)).toBe(true);
      expect([before, some, readFileSync(path, "latin1")]).toEqual([before, some, expected]);
    }
  });

  test("is changed whole, and keeps what others write meanwhile", async () => {
    using source = await sealed({ "a.secret": "one\n" });
    const clone = await source.clone();
    const config = join(clone.path, ".git/config");
    const before = readFileSync(config, "utf8");
    const writers = Array.from({ length: 20 }, async (_, at) => {
      for (;;) {
        try {
          return await clone.git("config", `ours.writer${at}`, "here");
        } catch (error) {
          if (!String(error).includes("could not lock")) throw error;
        }
      }
    });
    const ours = Array.from({ length: 6 }, () =>
      runOk(process.execPath, [driver, "unlock", source.keyPath], { cwd: clone.path, env: source.repo.env }),
    );
    await Promise.all([...writers, ...ours]);
    expect(status(clone.opened)).toMatchObject({ state: "unlocked", findings: [] });
    for (let at = 0; at < writers.length; at++) {
      expect((await clone.git("config", `ours.writer${at}`)).toString()).toBe("here\n");
    }
    expect(existsSync(`${config}.lock`)).toBe(false);
    lock(clone.opened);
    const after = readFileSync(config, "utf8");
    expect(after.startsWith(before.trimEnd())).toBe(true);
    expect(after).not.toContain("git-crypt");
  });
});
