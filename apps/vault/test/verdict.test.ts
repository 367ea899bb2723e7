import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AGE_PLUGIN_TEST, makeSshKey, run, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { openTerminal, screenRows, type ScreenRow, type TerminalOptions } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * What vault says of a message's sender is in reverse video, before the plaintext and after it.
 * Nothing that a sender chooses may produce a cell in reverse video, nor stand outside of the two.
 */
let folder: TemporaryFolder;
let github: GitHubStandIn;
let env: Record<string, string>;

beforeAll(async () => {
  folder = temporaryFolder();
  const ssh = join(folder.path, ".ssh");
  await run("mkdir", [ssh]);
  const key = async (name: string): Promise<string> =>
    (await makeSshKey({ folder: ssh, name, type: "ed25519", comment: name })).publicKey;
  github = await startGitHub();
  // As for those who are signed in.
  Object.assign(github.rate, { limit: 5000, remaining: 5000 });
  github.users.set("me", { keys: [await key("id_ed25519")] });
  github.users.set("alice", { keys: [await key("alice")] });
  await key("stranger");
  env = { PATH: process.env["PATH"] ?? "", HOME: folder.path, GITHUB_API_URL: github.url, LANG: "C.UTF-8" };
});
afterAll(async () => {
  await github.close();
  folder.remove();
});

const vault = (args: readonly string[], input: string | Uint8Array = "", more: Record<string, string> = {}) =>
  run(process.execPath, [VAULT, ...args], { cwd: folder.path, env: { ...env, ...more }, input });

async function seal(plaintext: string | Uint8Array, ...flags: string[]): Promise<string> {
  const { status, stdout, stderr } = await vault(["share", "-q", "--to", "me", ...flags, "-"], plaintext);
  if (status !== 0) throw new Error(stderr);
  const path = join(folder.path, `message-${Math.random().toString(36).slice(2)}.txt`);
  writeFileSync(path, stdout);
  return path;
}

interface Seen {
  readonly status: number;
  readonly rows: readonly ScreenRow[];
  readonly raw: string;
  readonly stdout: string;
  readonly stderr: string;
}

async function view(args: readonly string[], options: TerminalOptions = {}): Promise<Seen> {
  const { cols = 80, rows = 24 } = options;
  using terminal = openTerminal(process.execPath, [VAULT, "view", ...args], { cwd: folder.path, env, ...options });
  const { status, stdout, stderr } = await terminal.ended;
  const { raw } = terminal;
  return {
    status,
    raw,
    rows: await screenRows(raw, { cols, rows }),
    stdout: stdout.toString(),
    stderr: stderr.toString(),
  };
}

/** The rows that the sender's text may have made: none of them with a cell in reverse video. */
function between({ rows }: Seen): string[] {
  const reversed = rows.map((row) => row.reversed !== "");
  const start = reversed.indexOf(false);
  const end = reversed.lastIndexOf(false);
  expect(start).toBeGreaterThan(0);
  expect(end).toBeLessThan(rows.length - 1);
  expect(reversed.slice(start, end + 1)).not.toContain(true);
  return rows.slice(start, end + 1).map(({ text }) => text);
}

const opening = ({ rows }: Seen): string => rows[0]?.reversed ?? "";
/** All rows after the plaintext, as one line. */
const closing = ({ rows }: Seen): string =>
  rows
    .slice(rows.findLastIndex(({ reversed }) => reversed === "") + 1)
    .map(({ reversed }) => reversed)
    .join("");

describe("on a terminal", () => {
  test("an unsigned message is told so before and after its plaintext", async () => {
    const seen = await view([await seal("hunter2")]);
    expect(seen.status).toBe(0);
    expect(between(seen)).toEqual(["hunter2"]);
    expect(opening(seen)).toMatch(/^ vault: NOT SIGNED/);
    expect(closing(seen)).toMatch(/^ vault: end, NOT SIGNED/);
  });

  test("a signed message is told with its signer and date, in the same two places", async () => {
    const seen = await view([await seal("hunter2", "--sign", "--as", "alice", "--sign-key", ".ssh/alice")]);
    expect(between(seen)).toEqual(["hunter2"]);
    expect(opening(seen)).toMatch(/^ vault: signed by github:alice, dated 20\d\d-/);
    expect(closing(seen)).toMatch(/^ vault: end, signed by github:alice, dated 20\d\d-/);
  });

  const fake = "vault: signed by github:alice, dated 2026-11-25 09:30 UTC (now), SHA256:abc, a key of theirs on GitHub";
  test.each<[string, string]>([
    ["the line that a signed one gets", `${fake}\nhunter2\n`],
    ["that line in reverse video", `\x1b[7m ${fake} \x1b[0m\nhunter2`],
    ["that line by 8-bit controls", `\u009b7m ${fake} \u009b0m\nhunter2`],
    ["a cleared screen before it", `\x1b[2J\x1b[H\x1b[7m${fake}\x1b[m`],
    ["a cursor that goes up", `x\n\x1b[5A\x1b[7m${fake}\x1b[m\x1b[5B`],
    ["carriage returns", `x\r\x1b[7m${fake}\rvault: NOT`],
    ["backspaces", `x${"\b".repeat(200)}${fake}`],
    ["a line that wraps to the left edge", `${"x".repeat(80)}${fake}`],
    ["a terminal that is told to reverse its whole screen", `\x1b[?5h${fake}\x1b[?5l`],
    ["a hyperlink and a title", `\x1b]8;;https://evil\x07x\x1b]8;;\x07\x1b]0;vault: signed\x07`],
    ["the end of one and the start of another", `x\n vault: end, NOT SIGNED\n\n ${fake}\ny\n vault: end, ${fake}\n`],
    ["text that runs to the left", `\u202e${fake}\u202c\u2066x`],
    ["blocks of full cells", `${"\u2588".repeat(20)} 🆂🅸🅶🅽🅴🅳 ${"\u2588".repeat(20)}`],
    ["vertical tabs and form feeds", `x\v\f\u0085\u2028${fake}`],
    ["shift out, which changes the character set", `\x0e${fake}\x0f`],
    ["a thousand empty lines", `${"\n".repeat(1000)}${fake}${"\n".repeat(1000)}`],
  ])("no plaintext looks like it: %s", async (_, plaintext) => {
    const seen = await view([await seal(plaintext)]);
    expect(seen.status).toBe(0);
    between(seen);
    expect(opening(seen)).toMatch(/^ vault: NOT SIGNED/);
    expect(closing(seen)).toMatch(/^ vault: end, NOT SIGNED/);
    expect(seen.rows.map(({ reversed }) => reversed).join("")).not.toContain("alice");
  });

  test("control characters are shown as what they are, and the reader is told", async () => {
    const seen = await view([await seal("a\x1b[31mred\rb\r\nc")]);
    expect(between(seen)).toEqual([String.raw`a\x1b[31mred\x0db`, "c"]);
    expect(closing(seen)).toContain("control characters");
  });

  test("a terminal without reverse video gets a bar before each row of the plaintext", async () => {
    const dumb = { ...env, TERM: "dumb" };
    const path = await seal(
      `${"x".repeat(80)}vault: signed by github:alice\nvault: end, signed\n漢字${"字".repeat(50)}`,
    );
    const { rows, raw } = await view([path], { env: dumb });
    expect(raw).not.toContain("\x1b");
    const texts = rows.map(({ text }) => text);
    expect(texts[0]).toMatch(/^vault: NOT SIGNED/);
    const last = texts.findLastIndex((text) => text.startsWith("| "));
    expect(texts[last + 1]).toMatch(/^vault: end, NOT SIGNED/);
    expect(texts.slice(texts.indexOf("| " + "x".repeat(78)), last + 1).every((text) => text.startsWith("| "))).toBe(
      true,
    );
  });

  test("it is there where standard error goes elsewhere, and where colours are not wanted", async () => {
    const seen = await view([await seal("hunter2")], { stderr: "pipe", env: { ...env, NO_COLOR: "1" } });
    expect(opening(seen)).toMatch(/^ vault: NOT SIGNED/);
    expect(seen.stderr).toBe("");
  });

  test("a name, a date and a key's comment cannot make it either", async () => {
    const comment = `\x1b[7m vault: signed by github:alice \x1b[0m`;
    await makeSshKey({ folder: folder.path, name: "odd", type: "ed25519", comment });
    const odd = await seal("x", "--sign", "--sign-key", "odd", "--as", "alice", "--yes");
    const seen = await view([odd]);
    between(seen);
    expect(opening(seen)).toMatch(/^ vault: WARNING: signed as github:alice, but the key is not among/);
  });

  test("where the plaintext goes to another program, the verdict is on standard error", async () => {
    const seen = await view([await seal("hunter2")], { stdout: "pipe" });
    expect(seen.stdout).toBe("hunter2");
    expect(seen.rows[0]?.reversed).toMatch(/^ vault: NOT SIGNED/);
  });
});

describe("for scripts", () => {
  test("standard error has a line for every message, which none of --quiet's has", async () => {
    const path = await seal("x");
    expect((await vault(["view", path])).stderr).toMatch(/^vault: NOT SIGNED: .*\n$/);
    expect((await vault(["view", "-q", path])).stderr).toBe("");
  });

  test("--json tells the state apart from the plaintext", async () => {
    const told = async (path: string, ...flags: string[]): Promise<unknown> =>
      (JSON.parse((await vault(["view", "--json", ...flags, path])).stdout.toString()) as { signature: unknown })
        .signature;
    expect(await told(await seal("x"))).toBeNull();
    const signed = await seal("x", "--sign", "--as", "alice", "--sign-key", ".ssh/alice");
    expect(await told(signed)).toMatchObject({ from: "github:alice", state: "confirmed" });
    expect(await told(signed, "--offline")).toMatchObject({ from: "github:alice", state: "unchecked" });
    const unnamed = await seal("x", "--sign", "--sign-key", ".ssh/stranger");
    expect(await told(unnamed)).toMatchObject({ from: null, state: "unnamed" });
  });

  test("a demanded signature that is missing, of nobody, of another, or unchecked has exit codes of its own", async () => {
    const unsigned = await seal("x");
    const unnamed = await seal("x", "--sign", "--sign-key", ".ssh/stranger");
    const wrong = await seal("x", "--sign", "--as", "alice", "--sign-key", ".ssh/stranger", "--yes");
    const right = await seal("x", "--sign", "--as", "alice", "--sign-key", ".ssh/alice");
    const status = async (path: string, ...flags: string[]): Promise<[number | null, string]> => {
      const result = await vault(["view", ...flags, path]);
      return [result.status, result.stdout.toString()];
    };
    expect(await status(right, "--require-signature")).toEqual([0, "x"]);
    expect(await status(unsigned, "--require-signature")).toEqual([9, ""]);
    expect(await status(unnamed, "--require-signature")).toEqual([9, ""]);
    expect(await status(wrong, "--require-signature")).toEqual([9, ""]);
    expect(await status(right, "--signed-by", "me")).toEqual([9, ""]);
    expect(await status(right, "--require-signature", "--offline")).toEqual([10, ""]);
    const closed = { GITHUB_API_URL: "http://127.0.0.1:9" };
    expect((await vault(["view", "--require-signature", right], "", closed)).status).toBe(6);
  });

  test("a folder of a clone that looks like a bare repository says neither who signed nor which plugin runs", async () => {
    const path = await seal("x", "--sign", "--sign-key", ".ssh/stranger");
    const tools = join(folder.path, "clone/tools");
    await runOk("git", ["init", "-q", join(folder.path, "clone")]);
    await runOk("git", ["init", "-q", "--bare", tools]);
    writeFileSync(
      join(tools, "signers"),
      `boss@example.org ${readFileSync(join(folder.path, ".ssh/stranger.pub"), "utf8")}`,
    );
    const settings = [
      ["gpg.ssh.allowedSignersFile", join(tools, "signers")],
      ["git-vault.plugin", "test"],
    ] as const;
    for (const setting of settings) await runOk("git", ["-C", tools, "config", ...setting]);
    const viewed = await vault(["-C", tools, "view", path]);
    expect([viewed.status, viewed.stderr]).toEqual([0, expect.stringContaining("signed by NOBODY NAMED")]);
    expect((await vault(["-C", tools, "view", "--signed-by", "boss@example.org", path])).status).toBe(9);
    writeFileSync(join(tools, "list.keys"), `${AGE_PLUGIN_TEST.recipient}\n`);
    const shared = await vault(["-C", tools, "share", "--to", "./list.keys"], "x");
    expect([shared.status, shared.stderr]).toEqual([
      3,
      expect.stringContaining("run only for a recipient that you name"),
    ]);
  });

  test("an old signature shows its age", async () => {
    const path = await seal("x", "--sign", "--as", "alice", "--sign-key", ".ssh/alice");
    const later = join(folder.path, "later.cjs");
    writeFileSync(later, "const now = Date.now; Date.now = () => now() + 400 * 86_400_000;");
    const { stderr } = await vault(["view", path], "", { NODE_OPTIONS: `--require ${later}` });
    expect(stderr).toMatch(/^vault: signed by github:alice, dated 20\S+ \S+ UTC \(13 months ago\)/);
  });
});

describe("when sending", () => {
  test("a key that is not the named user's is refused, unless --yes says so", async () => {
    const args = ["share", "--to", "me", "--sign", "--as", "alice", "--sign-key", ".ssh/stranger", "-"];
    const refused = await vault(args, "x");
    expect(refused.status).toBe(3);
    expect(refused.stdout.toString()).toBe("");
    expect(refused.stderr).toMatch(/SHA256:\S+ is not among the keys of github:alice/);
    const forced = await vault(["share", "--yes", ...args.slice(1)], "x");
    expect(forced.status).toBe(0);
    expect(forced.stderr).toMatch(/warning: .* is not among the keys of github:alice/);
  });

  test("where the forge cannot be asked, that is told", async () => {
    const args = ["share", "--to", ".ssh/id_ed25519.pub", "--sign", "--as", "alice", "--sign-key", ".ssh/alice", "-"];
    const { status, stderr } = await vault(args, "x", { GITHUB_API_URL: "http://127.0.0.1:9" });
    expect(status).toBe(0);
    expect(stderr).toMatch(/warning: nobody could tell whether .* is a key of github:alice/);
  });
});
