import { describe, expect, test } from "vitest";
import { parseArgv } from "../src/cli/argv.ts";

describe("the command line is read as", () => {
  test.each([
    [["share", "--to", "choldgraf"], "share", { to: ["choldgraf"] }, []],
    [["share", "--to=a", "file", "--to", "b"], "share", { to: ["a", "b"] }, ["file"]],
    [["share", "--to", "-", "-"], "share", { to: ["-"] }, ["-"]],
    [["share", "--to", "ssh-ed25519 AAAA me"], "share", { to: ["ssh-ed25519 AAAA me"] }, []],
    [["-u", "receiver", "create"], "create", { user: "receiver" }, []],
    [["-u", "receiver", "-k", "2", "create", "vault"], "create", { user: "receiver", key: "2" }, ["vault"]],
    [
      ["-o", "clear-git-crypt-key", "view", "encrypted-key"],
      "view",
      { output: "clear-git-crypt-key" },
      ["encrypted-key"],
    ],
    [["v"], "view", {}, []],
    [["deploy", "values", "prod", "--explain", "a.b"], "deploy values", { explain: "a.b" }, ["prod"]],
    [["--json", "deploy", "check"], "deploy check", { json: true }, []],
    [["c", "-u", "x"], "create", { user: "x" }, []],
    [["view", "-qc"], "view", { quiet: true, clipboard: true }, []],
    [["view", "-qkfile"], "view", { quiet: true, key: "file" }, []],
    [["view", "-o", "-"], "view", { output: "-" }, []],
    [["view", "--output=--json"], "view", { output: "--json" }, []],
    [["view", "--", "--json"], "view", {}, ["--json"]],
    [
      ["-C", "folder", "--json", "--quiet", "--no-input", "keys", "a", "b", "c"],
      "keys",
      { directory: "folder", json: true, quiet: true, "no-input": true },
      ["a", "b", "c"],
    ],
    [["view", "--help", "a", "b"], "view", { help: true }, ["a", "b"]],
    [[], null, {}, []],
    [["-h"], null, { help: true }, []],
    [["--version"], null, { version: true }, []],
  ] as const)("%j", async (words, command, flags, args) => {
    const parsed = await parseArgv(words);
    expect({ command: parsed.command?.name ?? null, flags: parsed.flags, args: parsed.args }).toEqual({
      command,
      flags,
      args,
    });
  });
});

describe("the command line is refused for", () => {
  test.each([
    [["sahre"], "unknown command sahre", "did you mean `share`?"],
    [["deploy", "chekc"], "unknown command chekc", "did you mean `check`?"],
    [
      ["deploy"],
      "`vault deploy` needs one of: check, values, plan, apply, rollback, rollout, verify, certs, nodes, fetch, lock",
      "see `vault deploy --help`",
    ],
    [["frobnicate"], "unknown command frobnicate", "see `vault --help`"],
    [["\u001b[31m\u202e"], "unknown command", "see `vault --help`"],
    [["share", "--too", "a"], "unknown flag --too", "did you mean `--to`?"],
    [["view", "-x"], "unknown flag -x", "see `vault --help`"],
    [["keys", "--to", "a"], "--to is not a flag of `vault keys`", "see `vault keys --help`"],
    [["--to", "a"], "--to is not a flag of `vault`", "see `vault --help`"],
    [["view", "-o"], "-o needs a value: FILE", "see `vault view --help`"],
    [["view", "-o", "-c"], "-o needs a value: FILE", "see `vault view --help`"],
    [["view", "--clipboard=yes"], "--clipboard takes no value", "see `vault view --help`"],
    [["view", "-k", "a", "-k", "b"], "-k was given twice", "see `vault view --help`"],
    [["view", "a", "b"], "`vault view` takes at most 1 operand, got 2", "see `vault view --help`"],
    [["view", "--__proto__"], "unknown flag --__proto__", "see `vault --help`"],
    [["constructor"], "unknown command constructor", "see `vault --help`"],
  ] as const)("%j", async (words, message, hint) => {
    await expect(parseArgv(words)).rejects.toMatchObject({ code: "USAGE", message, hint });
  });
});
