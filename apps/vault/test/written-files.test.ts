import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
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
