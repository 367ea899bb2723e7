import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../src/index.ts";
import { runScript } from "../src/script/index.ts";

test("a script that uses every command holds", async () => {
  const path = join(import.meta.dirname, "scripts/everything.txt");
  const options = { programs: { upper: ["tr", "a-z", "A-Z"] }, env: { GREETING: "hello" } };
  await expect(runScript(path, options)).resolves.toBeUndefined();
});

test.each([
  ["exec false", /:1: exec false\nexpected false to succeed, and it ended with 1/],
  ["\n# comment\n! exec true", /:3: ! exec true\nexpected true to fail, and it ended with 0/],
  ["! exec sh -c 'kill -9 $$'", /expected sh to fail, and it ended with SIGKILL/],
  ["exec no-such-program", /ENOENT/],
  [
    "exec echo some output\nstdout 'other'",
    /:2: stdout 'other'\nexpected \/other\/m in stdout\n\[stdout\]\nsome output\n/,
  ],
  ["exec echo some output\n! stdout 'some'", /expected not \/some\/m in stdout/],
  ["exec sh -c 'exit 3'", /ended with 3/],
  ["? exec sh -c 'exit 3'\nstatus 4", /expected status 4, got 3/],
  ["exists nothing", /expected nothing to exist/],
  ["mode file 0600\n-- file --\n", /expected mode 0600, got 0[0-7]+/],
  ["cmp a b\n-- a --\na\n-- b --\nb\n", /expected a and b to be the same/],
  ["exec echo 'open", /a quote is not closed/],
  ["exec echo $NOTHING", /the variable NOTHING is not set/],
  ["frobnicate", /there is no command frobnicate/],
  ["tty stdn", /there is no stream stdn/],
  ["? exists nothing", /only a program may do either/],
  ["env =x", /expected NAME=value/],
  ["exec", /expected argument 1/],
  ["ttyin 'never' 'x'\nexec echo hello", /ended before \/never\/m was printed/],
  ["tty stdin\nexec stty -echo", /expected the terminal to be left as it was found/],
])("a script fails with its line and the reason: %j", async (text, reason) => {
  using folder = temporaryFolder();
  const path = join(folder.path, "script.txt");
  writeFileSync(path, text);
  await expect(runScript(path)).rejects.toThrow(reason);
});

const prepare = (place: { folder: string; env: Record<string, string> }): void => {
  writeFileSync(join(place.folder, "file"), "prepared\n");
  place.env["FILE"] = "file";
};

test("setup prepares the script's folder and environment", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "script.txt");
  writeFileSync(path, "exec cat $FILE\nstdout '^prepared$'");
  await expect(runScript(path, { setup: prepare })).resolves.toBeUndefined();
});
