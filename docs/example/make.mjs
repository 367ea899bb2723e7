#!/usr/bin/env node
// Makes the example a git repository in a new folder, its secrets encrypted: node
// docs/example/make.mjs FOLDER [VAULT] VAULT is the command that encrypts; `vault` where it is left
// out. The key lies in .git/git-crypt/keys/default.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [folder, named = "vault"] = process.argv.slice(2);
if (folder === undefined || existsSync(folder)) {
  console.error("usage: make.mjs FOLDER [VAULT], where FOLDER does not exist yet");
  process.exit(2);
}
const vault = /[\\/]/.test(named) ? resolve(named) : named;
const run = (program, ...args) => execFileSync(program, args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
const commit = (message) =>
  run("git", "-c", "user.name=Example", "-c", "user.email=example@example.org", "commit", "--quiet", "-m", message);

try {
  cpSync(fileURLToPath(new URL("repository", import.meta.url)), folder, { recursive: true });
  run("git", "init", "--quiet", "--initial-branch=main");
  // From here on, what lies in secrets/ is stored encrypted.
  run(vault, "init", "secrets/**");
  run("git", "add", "--all");
  commit("The example");
} catch (error) {
  if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  const why =
    error.code === "ENOENT" && error.syscall.startsWith("spawn")
      ? `the program ${error.path} is not there: put vault and git on PATH, or name vault's file as VAULT`
      : `it failed, and left nothing: ${error.message.split("\n", 1)[0]}`;
  console.error(`make.mjs: ${why}`);
  process.exitCode = 1;
}
