import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeSshKey, run, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeKey } from "../src/commands/repository/key-files.ts";
import { VAULT } from "./program.ts";

let folder: TemporaryFolder;
let publicKey: string;

beforeAll(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, ".ssh"));
  publicKey = (await makeSshKey({ type: "ed25519", folder: join(folder.path, ".ssh") })).publicKeyPath;
});
afterAll(() => folder.remove());

describe("a file that is written", () => {
  test("is brought to the disk whole before it gets its name", async () => {
    const watch = join(folder.path, "watch.cjs");
    const log = join(folder.path, "log");
    writeFileSync(
      watch,
      `const fs = require("node:fs");
       const { fsyncSync, renameSync } = fs;
       const note = (text) => fs.appendFileSync(process.env.LOG, text + "\\n");
       fs.fsyncSync = (fd) => { note("synced " + fs.fstatSync(fd).size); fsyncSync(fd); };
       fs.renameSync = (from, to) => { note("named " + fs.statSync(from).size); renameSync(from, to); };`,
    );
    const env = { PATH: process.env["PATH"], HOME: folder.path, LOG: log, NODE_OPTIONS: `--require ${watch}` };
    await runOk(process.execPath, [VAULT, "share", "--to", publicKey, "-o", "message"], {
      cwd: folder.path,
      env,
      input: "secret",
    });
    const size = readFileSync(join(folder.path, "message")).length;
    expect(readFileSync(log, "utf8")).toMatch(new RegExp(`^synced ${size}\\nnamed ${size}$`, "m"));
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  const vault = (...args: string[]): ReturnType<typeof run> =>
    run(process.execPath, [VAULT, ...args], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"], HOME: folder.path },
    });

  test("is its owner's alone, and is not written over where it is a key", async () => {
    expect(await vault("keygen", "-o", "made")).toMatchObject({ status: 0 });
    expect(statSync(join(folder.path, "made")).mode & 0o777).toBe(0o600);
    const before = readFileSync(join(folder.path, "made"));
    expect(await vault("keygen", "-o", "made")).toMatchObject({ status: 1 });
    expect(readFileSync(join(folder.path, "made"))).toEqual(before);
  });

  test("is not there where the run failed, nor anything beside it", async () => {
    writeFileSync(join(folder.path, "large"), Buffer.alloc(17 * 1024 * 1024));
    expect(await vault("share", "-q", "--binary", "--to", publicKey, "-o", "cut", "large")).toMatchObject({
      status: 0,
    });
    truncateSync(join(folder.path, "cut"), statSync(join(folder.path, "cut")).size - 100);
    const before = readdirSync(folder.path);
    expect(await vault("view", "-o", "opened", "cut")).toMatchObject({ status: 5 });
    expect(readdirSync(folder.path)).toEqual(before);
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 130],
  ] as const)("is not there where %s ended the run, nor anything beside it", async (signal, status) => {
    const before = readdirSync(folder.path);
    const child = spawn(process.execPath, [VAULT, "share", "-q", "--binary", "--to", publicKey, "-o", "begun", "-"], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"], HOME: folder.path, NODE_DISABLE_COMPILE_CACHE: "1" },
      stdio: ["pipe", "inherit", "inherit"],
    });
    const ended = once(child, "exit");
    child.stdin.on("error", () => {}); // it ends before it read all
    // More than is read whole: it is written piece by piece, and the rest does not come.
    child.stdin.write(Buffer.alloc(20 * 1024 * 1024));
    while (!readdirSync(folder.path).some((name) => name.endsWith(".tmp"))) await sleep(20);
    child.kill(signal);
    expect(await ended).toEqual([status, null]);
    child.stdin.destroy();
    expect(readdirSync(folder.path)).toEqual(before);
  });

  test("is not asked for beside the clipboard", async () => {
    expect(await vault("view", "-c", "-o", "opened", "message")).toMatchObject({ status: 2 });
  });

  test("leaves no key in memory", async () => {
    const key = Buffer.from("a key of a repository");
    const options = { output: join(folder.path, "key"), json: false, quiet: true };
    await writeKey(key, options, null);
    expect(readFileSync(options.output, "utf8")).toBe("a key of a repository");
    expect(key).toEqual(Buffer.alloc(21));
    const other = Buffer.from("another");
    await expect(writeKey(other, { ...options, output: folder.path }, null)).rejects.toThrow("it is a folder");
    expect(other).toEqual(Buffer.alloc(7));
  });
});
