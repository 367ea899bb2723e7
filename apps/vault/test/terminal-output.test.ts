import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, type Repository, run, runOk, throwawayRepository } from "@git-vault/testkit";
import { openTerminal, screenRows, type TerminalOptions } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { coloured } from "../src/io/colour.ts";
import { progressText } from "../src/io/progress.ts";
import { VAULT } from "./program.ts";

/*
 * What long and coloured output is on a real terminal, and that none of it is elsewhere. The
 * repository has files in the clear on protected paths, one of which has a name that would colour
 * the terminal; `status` tells of each, and exits 7.
 */
const FILES = 12;
const HOSTILE = "secrets/\u001b[41mred\u001b]0;title\u0007";
const SECRETS = {
  GIT_CRYPT_KEY: "canary-1",
  GIT_CRYPT_KEY_PROD: "canary-2",
  GIT_VAULT_IDENTITY: "canary-3",
  SOPS_AGE_KEY: "canary-4",
  SSH_VAULT_PASSPHRASE: "canary-5",
  GH_TOKEN: "canary-6",
  GITHUB_TOKEN: "canary-7",
};

let repository: Repository;
let env: Record<string, string>;
/** What the pager got, and the environment that it had. */
let paged: string;
let pagersEnv: string;

beforeAll(async () => {
  repository = await throwawayRepository();
  env = { ...repository.env, LANG: "C.UTF-8" };
  await runOk(VAULT, ["init", "-q", "secrets/**"], { cwd: repository.path, env });
  const plain = ["filter.git-crypt.process=", "filter.git-crypt.clean=cat", "filter.git-crypt.required=false"];
  for (let at = 0; at < FILES; at += 1) repository.write(`secrets/file-${at}`, `secret ${at}`);
  repository.write(HOSTILE, "secret");
  await repository.git(...plain.flatMap((setting) => ["-c", setting]), "add", ".");
  await repository.git("commit", "-qm", "in the clear");
  paged = join(repository.folder, "paged");
  pagersEnv = join(repository.folder, "pagers-env");
});
afterAll(() => repository.remove());
beforeEach(() => {
  for (const path of [paged, pagersEnv]) rmSync(path, { force: true });
});

interface Shown {
  readonly status: number;
  readonly raw: string;
  readonly screen: string;
}

async function shown(
  args: readonly string[],
  more: Record<string, string> = {},
  options: TerminalOptions = {},
): Promise<Shown> {
  using terminal = openTerminal(VAULT, args, { cwd: repository.path, rows: 200, ...options, env: { ...env, ...more } });
  const { status, sane } = await terminal.ended;
  expect(sane).toBe(true);
  return { status, raw: terminal.raw, screen: terminal.screen };
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const COLOUR = /\u001b\[\d+m/;
/** Control sequences other than those of a colour. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const OTHER_CONTROL = /\u001b(?!\[\d+m)|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u007f-\u009f]/;

describe("colour", () => {
  test.each([
    [{}, true],
    [{ NO_COLOR: "" }, true],
    [{ NO_COLOR: "1" }, false],
    [{ NO_COLOR: "0" }, false],
    [{ CLICOLOR: "0" }, false],
    [{ CLICOLOR: "1" }, true],
    [{ TERM: "dumb" }, false],
    [{ TERM: "dumb", CLICOLOR_FORCE: "1" }, true],
    [{ TERM: "dumb", FORCE_COLOR: "1" }, true],
    [{ CLICOLOR: "0", CLICOLOR_FORCE: "1" }, true],
    [{ CLICOLOR: "0", CLICOLOR_FORCE: "0" }, false],
    [{ FORCE_COLOR: "0" }, false],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    [{ NO_COLOR: "1", CLICOLOR_FORCE: "1" }, false],
  ] as [Record<string, string>, boolean][])("on a terminal with %j: %s", async (variables, expected) => {
    const { raw, screen, status } = await shown(["status"], variables);
    expect([status, COLOUR.test(raw)]).toEqual([7, expected]);
    expect(screen).toContain("committed-plaintext: secrets/file-0 is committed unencrypted\n");
  });

  test("is not in a pipe unless it is forced, and never in JSON", async () => {
    const piped = async (args: readonly string[], more: Record<string, string> = {}): Promise<string> =>
      (await run(VAULT, args, { cwd: repository.path, env: { ...env, ...more } })).stdout.toString();
    const plain = await piped(["status"]);
    expect(plain).not.toMatch(/\u001b/); // oxlint-disable-line no-control-regex -- it is what is looked for
    for (const force of [{ FORCE_COLOR: "1" }, { CLICOLOR_FORCE: "1" }]) {
      const forced = await piped(["status"], force);
      expect(forced).toMatch(COLOUR);
      // oxlint-disable-next-line no-control-regex -- they are what is removed
      expect(forced.replaceAll(/\u001b\[\d+m/g, "")).toBe(plain);
      expect(await piped(["status", "--json"], force)).not.toMatch(/\u001b/); // oxlint-disable-line no-control-regex -- it is what is looked for
    }
    using terminal = openTerminal(VAULT, ["status", "--json"], { cwd: repository.path, env, rows: 200 });
    await terminal.ended;
    expect(terminal.raw).not.toMatch(COLOUR);
  });

  test("is the program's own: a name brings no control character to the terminal", async () => {
    for (const args of [["status"], ["status", "--no-such-flag"], ["decrypt", `${HOSTILE}-none`]]) {
      const { raw } = await shown(args, { FORCE_COLOR: "1" });
      expect(raw).toMatch(COLOUR);
      expect(raw.replaceAll("\r\n", "\n")).not.toMatch(OTHER_CONTROL);
    }
    vi.stubEnv("NO_COLOR", "");
    vi.stubEnv("FORCE_COLOR", "1");
    expect(coloured("bad", "a\u001b[41m\u009b1m")).toBe(String.raw`${"\u001b[31m"}a\x1b[41m\xc2\x9b1m${"\u001b[39m"}`);
    vi.unstubAllEnvs();
    const { raw } = await shown(["status"]);
    expect(raw).toContain(String.raw`secrets/\x1b[41mred\x1b]0;title\x07 is committed unencrypted`);
  });
});

describe("a pager", () => {
  const keeping = (): string => `env >'${pagersEnv}'; cat >'${paged}'`;
  const small = { rows: 24 } as const;

  test("gets what is longer than the screen, as git's does, and the exit code stays", async () => {
    const { status, screen } = await shown(["status"], { ...SECRETS, GIT_PAGER: keeping() }, small);
    expect([status, screen]).toEqual([7, ""]);
    const text = readFileSync(paged, "utf8");
    expect(text).toMatch(COLOUR);
    expect(text).toContain("secrets/file-11 is committed unencrypted\n");
    const got = readFileSync(pagersEnv, "utf8");
    expect(got).toContain("LESS=FRX\n");
    expect(got).toContain("LV=-c\n");
    expect(got).not.toContain("canary");
  });

  test("is the one that git would use", async () => {
    await repository.git("config", "core.pager", `cat >'${paged}'`);
    try {
      await shown(["status"], { PAGER: "false" }, small);
      expect(readFileSync(paged, "utf8")).toContain("secrets/file-11");
    } finally {
      await repository.git("config", "--unset", "core.pager");
    }
    rmSync(paged);
    await shown(["status"], { PAGER: `cat >'${paged}'`, LESS: "-S" }, small);
    expect(readFileSync(paged, "utf8")).toContain("secrets/file-11");
  });

  test.each([
    ["for short output", ["status"], {}, { rows: 200 }],
    ["with --no-pager", ["status", "--no-pager"], {}, small],
    ["with --no-pager before the command", ["--no-pager", "status"], {}, small],
    ["for JSON", ["status", "--json"], {}, small],
    ["on a terminal without control sequences", ["status"], { TERM: "dumb" }, small],
  ] as [string, string[], Record<string, string>, TerminalOptions][])(
    "is not started %s",
    async (_, args, more, options) => {
      const { screen } = await shown(args, { GIT_PAGER: keeping(), ...more }, options);
      expect(existsSync(paged)).toBe(false);
      expect(screen).toContain("secrets/file-11");
    },
  );

  test("is not started where standard output is no terminal", async () => {
    using terminal = openTerminal(VAULT, ["status"], {
      cwd: repository.path,
      env: { ...env, GIT_PAGER: keeping() },
      stdout: "pipe",
    });
    const { stdout } = await terminal.ended;
    expect(existsSync(paged)).toBe(false);
    expect(stdout.toString()).not.toMatch(COLOUR);
  });

  test.each(["cat", "", "no-such-pager", "no-such-pager --with words"])(
    "that is %j leaves the text on the terminal",
    async (GIT_PAGER) => {
      const { status, raw } = await shown(["status"], { GIT_PAGER }, small);
      expect(status).toBe(7);
      expect(raw.replaceAll("\r\n", "\n")).toMatch(/secrets\/file-9 is committed unencrypted\n/);
    },
  );

  test("that ends early ends the command quietly", async () => {
    const { status, screen } = await shown(["status"], { GIT_PAGER: "head -n 2" }, small);
    expect([status, screen.split("\n").length]).toEqual([7, 3]);
  });

  test("shows help", async () => {
    await shown(["help"], { GIT_PAGER: keeping() }, small);
    expect(readFileSync(paged, "utf8")).toContain("usage: vault COMMAND");
    await shown(["share", "--help"], { GIT_PAGER: keeping() }, small);
    expect(readFileSync(paged, "utf8")).toContain("usage: vault share");
  });

  test("gets no secret that is shown", async () => {
    const { privateKey, recipient } = await ageKey();
    const secret = Array.from({ length: 100 }, (_, at) => `line ${at}\n`).join("");
    const { stdout } = await run(VAULT, ["share", "-q", "--to", recipient, "-"], {
      cwd: repository.path,
      env,
      input: secret,
    });
    const message = join(repository.folder, "message");
    writeFileSync(message, stdout);
    const { screen } = await shown(["view", "-k", privateKey, message], { GIT_PAGER: keeping() }, small);
    expect(screen).toContain("line 99\n");
    expect(existsSync(paged)).toBe(false);
  });

  test("is not taken from a folder in the work tree that looks like a repository", async () => {
    const bare = join(repository.path, "folder");
    await repository.git("init", "-q", "--bare", bare);
    await runOk("git", ["-C", bare, "config", "core.pager", `touch '${paged}'; cat`], { env });
    const { screen } = await shown(["help"], { PAGER: "cat" }, { ...small, cwd: bare });
    rmSync(bare, { recursive: true });
    expect(screen).toContain("usage: vault COMMAND");
    expect(existsSync(paged)).toBe(false);
  });

  const less = peer("less");
  test.skipIf(less.missing)("that is less shows a page, and q leaves it", async () => {
    for (const isInterrupted of [false, true]) {
      using terminal = openTerminal(VAULT, ["status"], {
        cwd: repository.path,
        env: { ...env, GIT_PAGER: less.path },
        cols: 120,
        deadline: 60_000,
      });
      await terminal.waitFor(/file-\d+[^]*\n:/);
      expect(terminal.screen).not.toContain("secrets/file-9 is committed");
      if (isInterrupted) {
        // It belongs to the pager, as with git's.
        terminal.press("ctrl-c");
        await terminal.waitFor(/file-\d+[^]*\n:/);
      }
      terminal.type("q");
      expect(await terminal.ended).toMatchObject({ status: 7, sane: true });
    }
  });
});

describe("progress", () => {
  /** Seals what comes slowly through a pipe, in a file. */
  const sealSlowly = async (...flags: string[]): Promise<Shown> => {
    const { recipient } = await ageKey();
    const slow = "{ head -c 20000000 /dev/zero; sleep 2; head -c 20000000 /dev/zero; }";
    const script = `${slow} | "$@"`;
    const out = join(repository.folder, "sealed");
    const args = ["-c", script, "sh", VAULT, "share", "--to", recipient, "-o", out, ...flags, "-"];
    using terminal = openTerminal("/bin/sh", args, { cwd: repository.path, env, cols: 60 });
    const { status, sane } = await terminal.ended;
    rmSync(out, { force: true });
    expect([status, sane]).toEqual([0, true]);
    return { status, raw: terminal.raw, screen: terminal.screen };
  };

  test.each([
    ["in threads", "--binary"],
    ["in armor", "--allow-weak"],
  ])("of a large message %s has a rate, and is wiped", async (_, flag) => {
    const { raw } = await sealSlowly(flag);
    expect(raw).toMatch(/vault: sealed \d+ MiB, \S+ [KM]iB\/s/);
    const rows = (await screenRows(raw, { cols: 60 })).map(({ text }) => text);
    expect(rows[0]).toMatch(/^vault: sealed standard input \(40000000 bytes\) in the age/);
    expect(rows.join("\n")).not.toContain("iB/s");
  });

  test.each(["--quiet", "--json"])("is not shown with %s", async (flag) => {
    expect((await sealSlowly("--binary", flag)).raw).not.toContain("MiB");
  });

  test.each([
    [{ done: 120, total: 480, elapsed: 2000, before: 0 }, "decrypted 120 of 480 files (25%), 60 a second, 6s left"],
    [{ done: 1, total: 480, elapsed: 900, before: 1 }, "decrypted 1 of 480 files (0%)"],
    [{ done: 3, total: 480, elapsed: 4000, before: 1 }, "decrypted 3 of 480 files (0%), 0.5 a second, 15m 54s left"],
    [{ done: 0, total: 0, elapsed: 4000, before: 0 }, "decrypted 0 files"],
  ])("%j is told as %s", (reached, text) => {
    expect(progressText({ done: "decrypted", unit: "files" }, reached)).toBe(text);
  });

  test.each([
    [{ done: 5e9, total: 2e13, elapsed: 10_000, before: 0 }, "sealed 4.7 GiB of 18 TiB (0%), 477 MiB/s, 11h 06m left"],
    [{ done: 3e6, total: null, elapsed: 1500, before: 0 }, "sealed 2.9 MiB, 1.9 MiB/s"],
  ])("%j is told as %s", (reached, text) => {
    expect(progressText({ done: "sealed", unit: "bytes" }, reached)).toBe(text);
  });
});

/** A new age key in a file of its own. */
async function ageKey(): Promise<{ privateKey: string; recipient: string }> {
  const privateKey = join(repository.folder, "age-key");
  rmSync(privateKey, { force: true });
  const { stderr } = await run(peer("age-keygen").path, ["-o", privateKey]);
  return { privateKey, recipient: /age1\S+/.exec(stderr)?.[0] ?? "" };
}
