import { parseArgs } from "node:util";
import { describe, expect, test } from "vitest";
import { operandsOf, optionsOf, parseArgv } from "../src/cli/argv.ts";
import { COMMANDS, TABLE } from "../src/commands/index.ts";
import { outcomeOf } from "../src/cli/error-codes.ts";
import { CliError } from "../src/errors.ts";
import { GLOBAL_FLAGS } from "../src/cli/flags.ts";
import { tokensOf } from "../src/cli/tokens.ts";
import { MESSAGE_TABLE } from "../src/commands/message/index.ts";

/** What a run is given, without what nothing was said of. */
async function read(words: readonly string[]): Promise<{ command: string | null; options: object; operands: unknown }> {
  const { command, given, operands } = await parseArgv(words, TABLE);
  const flags = { ...(command === null ? {} : COMMANDS[command].flags), ...GLOBAL_FLAGS };
  const options = Object.entries(optionsOf(flags, given)).filter(
    ([, value]) => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0),
  );
  return { command, options: Object.fromEntries(options), operands };
}

describe("the command line is read as", () => {
  test.each([
    [["share", "--to", "choldgraf"], "share", { to: ["choldgraf"] }, []],
    [["share", "--to=a", "file", "--to", "b"], "share", { to: ["a", "b"] }, ["file"]],
    [["share", "--to", "-", "-"], "share", { to: ["-"] }, ["-"]],
    [["share", "--to", "ssh-ed25519 AAAA me"], "share", { to: ["ssh-ed25519 AAAA me"] }, []],
    [["share", "--format=openpgp"], "share", { format: "openpgp" }, []],
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
    [["view", "-q", "-q"], "view", { quiet: true }, []],
    [["view", "-qkfile"], "view", { quiet: true, key: "file" }, []],
    [["view", "-o", "-"], "view", { output: "-" }, []],
    [["view", "--output=--json"], "view", { output: "--json" }, []],
    [["view", "--output="], "view", { output: "" }, []],
    [["view", "--clear-after", "0"], "view", { clearAfter: 0 }, []],
    [["view", "--", "--json"], "view", {}, ["--json"]],
    [["grant", "--ci"], "grant", { ci: true }, []],
    [["grant", "--ci=deploy"], "grant", { ci: "deploy" }, []],
    [["grant", "--ci", "deploy"], "grant", { ci: true }, ["deploy"]],
    [["deploy", "apply", "prod", "--history-max", "10"], "deploy apply", { historyMax: 10 }, ["prod"]],
    [
      ["-C", "folder", "--json", "--quiet", "keys", "a", "b", "c"],
      "keys",
      { directory: "folder", json: true, quiet: true },
      ["a", "b", "c"],
    ],
    [["view", "--help", "a", "b"], "view", { help: true }, ["a", "b"]],
    [["deploy", "--help"], null, { help: true }, []],
    [[], null, {}, []],
    [["-h"], null, { help: true }, []],
    [["--version"], null, { version: true }, []],
  ] as const)("%j", async (words, command, options, operands) => {
    expect(await read(words)).toEqual({ command, options, operands });
  });

  test("with nothing said of a flag as false, undefined or an empty list", async () => {
    const { given } = await parseArgv(["share"], TABLE);
    expect(optionsOf(COMMANDS.share.flags, given)).toMatchObject({ to: [], sign: false, key: undefined, json: false });
  });
});

/** The error, as it is told. */
async function refusalOf(words: readonly string[]): Promise<{ message: string; hint: string | undefined }> {
  let name: string | null = null;
  try {
    const { command, given, operands } = await parseArgv(words, TABLE);
    if (command === null) throw new Error("no command was named");
    name = command;
    optionsOf(COMMANDS[command].flags, given);
    operandsOf(COMMANDS[command], operands);
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== "USAGE") throw error;
    return { message: error.message, hint: outcomeOf(error, name).hint };
  }
  throw new Error(`${words.join(" ")} was taken`);
}

describe("the command line is refused for", () => {
  test.each([
    [["sahre"], "unknown command sahre", "did you mean `share`?"],
    [["deploy", "chekc"], "unknown command chekc", "did you mean `check`?"],
    [
      ["deploy"],
      "`vault deploy` needs one of: init, check, values, template, plan, apply, rollback, rollout, drift, rights, verify, certs, nodes, fetch, lock",
      "see `vault deploy --help`",
    ],
    [["frobnicate"], "unknown command frobnicate", "see `vault --help`"],
    [["\u001b[31m\u202e"], "unknown command", "see `vault --help`"],
    [["share", "--too", "a"], "unknown flag --too", "did you mean `--to`?"],
    [["view", "-x"], "unknown flag -x", "see `vault --help`"],
    [["keys", "--to", "a"], "--to is not a flag of `vault keys`", "see `vault keys --help`"],
    [["--to", "a"], "--to is not a flag of `vault`", "see `vault --help`"],
    [["--json"], "--json is not a flag of `vault`", "see `vault --help`"],
    [["completion", "bash", "--json"], "--json is not a flag of `vault completion`", "see `vault completion --help`"],
    [["status", "--no-input"], "--no-input is not a flag of `vault status`", "see `vault status --help`"],
    [["doctor", "-q"], "-q is not a flag of `vault doctor`", "see `vault doctor --help`"],
    [["view", "-o"], "-o needs a value: FILE", "see `vault view --help`"],
    [["view", "-o", "-c"], "-o needs a value: FILE", "see `vault view --help`"],
    [["view", "--clipboard=yes"], "--clipboard takes no value", "see `vault view --help`"],
    [["view", "-k", "a", "-k", "b"], "-k was given twice", "see `vault view --help`"],
    [["view", "a", "b"], "`vault view` takes at most 1 operand, got 2", "see `vault view --help`"],
    [
      ["merge", "1", "2", "3", "4", "5", "6"],
      "`vault merge` takes at most 5 operands, got 6",
      "see `vault merge --help`",
    ],
    [["status", "a"], "`vault status` takes no operand, got 1", "see `vault status --help`"],
    [["decrypt"], "expected a file: [REV:]PATH", "see `vault decrypt --help`"],
    [["share", "--format", "pgp"], "--format: expected age, ssh-vault, openpgp, got pgp", "see `vault share --help`"],
    [
      ["view", "--clear-after", "soon"],
      "--clear-after: expected a whole number of seconds, at most 999999",
      "`--clear-after 0` leaves the clipboard alone",
    ],
    [
      ["deploy", "apply", "prod", "--timeout", "0"],
      "--timeout: expected a number of seconds, such as 600",
      "see `vault deploy apply --help`",
    ],
    [
      ["deploy", "apply", "prod", "--history-max", "1"],
      "--history-max: expected a number of revisions, at least 2, or 0 for no limit",
      "see `vault deploy apply --help`",
    ],
    [["view", "--__proto__"], "unknown flag --__proto__", "see `vault --help`"],
    [["constructor"], "unknown command constructor", "see `vault --help`"],
  ] as const)("%j", async (words, message, hint) => {
    expect(await refusalOf(words)).toEqual({ message, hint });
  });
});

describe("a flag", () => {
  test("is written alike in all commands that take it, since it may stand before them", () => {
    for (const [command, { flags }] of TABLE.commands) {
      // Some take a flag several times: whether a word is its value does not depend on that.
      for (const [name, { short, value, optional }] of Object.entries(flags)) {
        const { [name]: known } = TABLE.flags;
        expect([command, name, { short, value, optional }]).toEqual([
          command,
          name,
          { short: known?.short, value: known?.value, optional: known?.optional },
        ]);
      }
    }
  });

  test("has a letter that no other has", () => {
    const letters = Object.values(TABLE.flags).flatMap(({ short }) => short ?? []);
    expect(letters).toEqual([...new Set(letters)]);
  });
});

/** A number below `below`, the same in each run. */
function numbers(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const WORDS = [
  ["share", "view", "v", "-", "--", "", "a", "a=b", "--=b", "--to", "--to=", "--to=x", "--to=--json", "--json"],
  ["--json=1", "--ci", "--ci=x", "--unheard", "--unheard=of", "-q", "-k", "-kx", "-qk", "-qkx", "-qjk", "-x", "-xq"],
  ["-q=1", "-k=1", "-k-", "-o", "-oq", "--output", "--__proto__", "--__proto__=x", "--constructor", "--é", "-é"],
].flat();

test("words are taken apart as by node:util, in any order", () => {
  const next = numbers();
  const options = Object.fromEntries(
    Object.entries(TABLE.flags).map(([name, { short, value }]) => [
      name,
      { type: value === undefined ? "boolean" : "string", ...(short === undefined ? {} : { short }) } as const,
    ]),
  );
  for (let round = 0; round < 20_000; round++) {
    const words = Array.from({ length: next(6) }, () => WORDS[next(WORDS.length)] ?? "");
    const { tokens } = parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true });
    const expected = {
      operands: tokens.flatMap((token) => (token.kind === "positional" ? [token.value] : [])),
      flags: tokens.flatMap((token) =>
        token.kind === "option"
          ? [{ name: token.name, rawName: token.rawName, value: token.value, isInline: token.inlineValue === true }]
          : [],
      ),
      ended: tokens.some((token) => token.kind === "option-terminator"),
    };
    expect({ words, ...tokensOf(words, TABLE.flags) }).toEqual({ words, ...expected });
  }
});

test("a line of a command on messages says the same to those commands alone", async () => {
  const next = numbers();
  const words = ["--to", "x", "--key=k", "-q", "-kx", "--json", "--", "-", "--yes", "--keep", "-u", "--help", "file"];
  let accepted = 0;
  for (let round = 0; round < 5000; round++) {
    const name = Object.keys(MESSAGE_TABLE.specs)[next(4)] ?? "";
    const line = [name, ...Array.from({ length: next(5) }, () => words[next(words.length)] ?? "")];
    const alone = await parseArgv(line, MESSAGE_TABLE).catch(() => null);
    if (alone === null) continue;
    accepted += 1;
    expect(alone).toEqual(await parseArgv(line, TABLE));
  }
  expect(accepted).toBeGreaterThan(1000);
});

test("a letter stands for one flag in all commands", () => {
  const letters = Object.values(TABLE.flags).flatMap(({ short }) => short ?? []);
  expect(letters.toSorted()).toEqual([...new Set(letters)].toSorted());
});
