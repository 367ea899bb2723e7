import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSshKey, peer, run, runOk } from "@git-vault/testkit";
import { openTerminal, type Terminal, type TerminalEnd, type TerminalOptions } from "@git-vault/testkit/terminal";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/*
 * `vault edit` and `vault create` with an editor, in a pseudo-terminal. All that the program may
 * write to lies in a folder of the test, which is searched for the plaintext afterwards.
 */

const CANARY = "canary-in-the-coal-mine-4711";
const TMPFS = 0x01021994;
const memory = existsSync("/dev/shm") && statfsSync("/dev/shm").type === TMPFS;

let model: string;
let root: string;
let work: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  model = mkdtempSync(join(tmpdir(), "git-vault-test-"));
  mkdirSync(join(model, "home/.ssh"), { recursive: true });
  for (const folder of ["work", "tmp", "run"]) mkdirSync(join(model, folder));
  await makeSshKey({ folder: join(model, "home/.ssh"), type: "ed25519", comment: "me@ed" });
  await makeSshKey({ folder: join(model, "home/.ssh"), type: "rsa", bits: 2048 });
  await makeSshKey({ folder: join(model, "work"), name: "stranger", type: "ed25519", comment: "stranger" });
});
afterAll(() => rmSync(model, { recursive: true }));

beforeEach(() => {
  // In memory where there is such a file system, so that it is also where the program looks for one
  // first.
  root = mkdtempSync(join(memory ? "/dev/shm" : tmpdir(), "git-vault-test-"));
  cpSync(model, root, { recursive: true });
  work = join(root, "work");
  env = {
    HOME: join(root, "home"),
    PATH: process.env["PATH"],
    TMPDIR: join(root, "tmp"),
    XDG_RUNTIME_DIR: join(root, "run"),
    EDITOR: join(work, "editor"),
  };
});
afterEach(() => rmSync(root, { recursive: true }));

const vault = (args: readonly string[], input?: string): Promise<Buffer> =>
  runOk(process.execPath, [VAULT, ...args], { cwd: work, env, ...(input === undefined ? {} : { input }) });

const terminal = (args: readonly string[], options: TerminalOptions = {}): Terminal =>
  openTerminal(process.execPath, [VAULT, ...args], { cwd: work, env, ...options });

/** How it ended, with what a failing test should show. */
const endOf = async (session: Terminal): Promise<TerminalEnd & { screen: string }> => ({
  ...(await session.ended),
  screen: session.screen,
});

/** An editor in shell, which tells where the secret lies, and its folder's mode. */
function editor(script: string): void {
  const tells = 'echo "$1" > "$HOME/where"; stat -c %a "$(dirname "$1")" > "$HOME/mode" 2>/dev/null';
  writeFileSync(join(work, "editor"), `#!/bin/sh\n${tells}\n${script}\n`);
  chmodSync(join(work, "editor"), 0o755);
}

const where = (): string => readFileSync(join(root, "home/where"), "utf8").trim();

/** The files below the test's folder that hold the canary. */
const plaintexts = (): string[] =>
  readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => {
    const full = join(root, path);
    return statSync(full, { throwIfNoEntry: false })?.isFile() && readFileSync(full).includes(CANARY);
  });

/** Nothing is left of the secret, nor of the folder that it lay in. */
function expectNothingLeft(): void {
  expect(plaintexts()).toEqual([]);
  expect(readdirSync(join(root, "run"))).toEqual([]);
  expect(readdirSync(join(root, "tmp"))).toEqual([]);
  expect(readdirSync(work).filter((name) => name.startsWith("."))).toEqual([]);
  expect(existsSync(where())).toBe(false);
}

const sealedVault = async (): Promise<Buffer> => {
  await vault(["create", "-k", "../home/.ssh/id_ed25519.pub", "v"], CANARY);
  return readFileSync(join(work, "v"));
};

// Of thousands of pseudo-terminals one never starts its program, and shows nothing: seen twice, its
// cause unknown. What starts is judged as it is.
describe("vault edit in a terminal", { retry: 1 }, () => {
  test.each([
    ["saves in place", 'printf changed >> "$1"', "changed"],
    ["saves by renaming", 'sed "s/$/changed/" "$1" > "$1.new"; mv "$1.new" "$1"', "changed"],
    [
      "keeps a backup and a swap file",
      'cp "$1" "$1~"; cp "$1" "$(dirname "$1")/.secret.swp"; printf changed >> "$1"',
      "changed",
    ],
    [
      "makes temporary files and folders",
      'mkdir -p "$TMPDIR/a/b"; cp "$1" "$TMPDIR/a/b/c"; chmod 0 "$TMPDIR/a/b/c"; printf changed >> "$1"',
      "changed",
    ],
  ])("takes what an editor that %s has saved", async (_how, script, more) => {
    const before = await sealedVault();
    editor(script);
    using session = terminal(["edit", "v"]);
    expect(await endOf(session)).toMatchObject({ status: 0 });
    expectNothingLeft();
    const after = readFileSync(join(work, "v"));
    expect((await vault(["view", "v"])).toString().replaceAll("\n", "")).toBe(CANARY + more);
    // Sealed with fresh keys: after the header with the fingerprint no line is the same.
    const lines = new Set(before.toString().split("\n").slice(2));
    expect(
      after
        .toString()
        .split("\n")
        .slice(2)
        .filter((line) => lines.has(line)),
    ).toEqual([]);
  });

  test("holds the secret in memory, in a folder of its own", async () => {
    await sealedVault();
    editor("exit 0");
    using session = terminal(["edit", "v"]);
    expect((await session.ended).status).toBe(0);
    expect(where().startsWith(join(root, memory ? "run" : "tmp"))).toBe(true);
    expect(readFileSync(join(root, "home/mode"), "utf8").trim()).toMatch(/^700$|^$/);
  });

  test("overwrites the secret, and what the editor left beside it, before it removes them", async () => {
    editor('cp "$1" "$1~"; for name in "$1" "$1~"; do ln "$name" "$HOME/${name##*/}"; done; true');
    await sealedVault();
    await vault(["edit", "v"]);
    for (const name of ["secret.txt", "secret.txt~"]) {
      const left = readFileSync(join(root, "home", name));
      expect(left.length).toBe(CANARY.length);
      expect(left).toEqual(Buffer.alloc(left.length));
    }
  });

  test("leaves the vault alone where nothing was changed", async () => {
    const before = await sealedVault();
    const { mtimeMs, ino } = statSync(join(work, "v"));
    editor('touch "$1"');
    using session = terminal(["edit", "v"]);
    expect((await session.ended).status).toBe(0);
    expect(session.screen).toContain("nothing was changed");
    expect(statSync(join(work, "v"))).toMatchObject({ mtimeMs, ino });
    expect(readFileSync(join(work, "v")).equals(before)).toBe(true);
    expectNothingLeft();
  });

  test.each([
    ["fails", 'printf changed >> "$1"; exit 3', 1, /failed with status 3/],
    ["is killed", 'printf changed >> "$1"; kill -KILL $$', 1, /ended by SIGKILL/],
    ["removes the file", 'rm "$1"', 1, /removed the file/],
    ["ends by Ctrl-C itself", 'printf changed >> "$1"; kill -INT $$', 130, /interrupted/],
  ])("leaves the vault alone, and nothing else behind, where the editor %s", async (_how, script, status, says) => {
    const before = await sealedVault();
    editor(script);
    using session = terminal(["edit", "v"]);
    expect(await endOf(session)).toMatchObject({ status, sane: true });
    expect(session.screen).toMatch(says);
    expect(session.screen).not.toContain(CANARY);
    expect(readFileSync(join(work, "v")).equals(before)).toBe(true);
    expectNothingLeft();
  });

  test("ends with the editor at Ctrl-C, and leaves nothing behind", async () => {
    const before = await sealedVault();
    editor('printf changed >> "$1"; echo ready; sleep 20');
    using session = terminal(["edit", "v"]);
    await session.waitFor(/ready/);
    expect(plaintexts().length).toBe(1);
    session.press("ctrl-c");
    expect(await endOf(session)).toMatchObject({ status: 130, sane: true });
    expect(readFileSync(join(work, "v")).equals(before)).toBe(true);
    expectNothingLeft();
  });

  test("goes on where the editor takes Ctrl-C for its own", async () => {
    await sealedVault();
    editor("trap 'printf interrupted >> \"$1\"' INT; echo ready; sleep 20; exit 0");
    using session = terminal(["edit", "v"]);
    await session.waitFor(/ready/);
    session.press("ctrl-c");
    expect(await endOf(session)).toMatchObject({ status: 0 });
    expect((await vault(["view", "v"])).toString()).toBe(`${CANARY}interrupted`);
    expectNothingLeft();
  });

  test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)("wipes the secret when %s ends it", async (signal) => {
    const before = await sealedVault();
    // It does not end by SIGINT alone: that is the editor's, which gets it too where it comes from
    // the terminal.
    editor(
      `echo $PPID > "$HOME/pid"; printf changed >> "$1"; echo ready; ${signal === "SIGINT" ? "sleep 1; kill -INT $$" : "exec sleep 20"}`,
    );
    using session = terminal(["edit", "v"]);
    await session.waitFor(/ready/);
    process.kill(Number(readFileSync(join(root, "home/pid"), "utf8")), signal);
    expect(await endOf(session)).toMatchObject({ status: 130 });
    expect(readFileSync(join(work, "v")).equals(before)).toBe(true);
    expectNothingLeft();
  });

  test("wipes the secret though the editor does not heed SIGTERM", async () => {
    await sealedVault();
    editor('trap "" TERM; echo $PPID > "$HOME/pid"; echo ready; while :; do sleep 1; done');
    using session = terminal(["edit", "v"]);
    await session.waitFor(/ready/);
    process.kill(Number(readFileSync(join(root, "home/pid"), "utf8")), "SIGTERM");
    expect(await endOf(session)).toMatchObject({ status: 130 });
    expectNothingLeft();
  });

  test("seals what was saved beside the vault, where somebody else changed that meanwhile", async () => {
    await sealedVault();
    editor('printf changed >> "$1"; printf theirs > v');
    const { status, stderr } = await run(process.execPath, [VAULT, "edit", "v"], { cwd: work, env });
    expect(status).toBe(1);
    expect(readFileSync(join(work, "v"), "utf8")).toBe("theirs");
    const beside = /what you saved is sealed in (\S+)/.exec(stderr)?.[1] ?? "";
    expect((await vault(["view", beside])).toString()).toBe(`${CANARY}changed`);
    expectNothingLeft();
  });

  test("gives the editor the terminal, though standard input and output are pipes", async () => {
    await sealedVault();
    editor('test -t 0 && test -t 1 && printf tty >> "$1"');
    using session = terminal(["edit", "v"], { stdin: "", stdout: "pipe" });
    expect(await endOf(session)).toMatchObject({ status: 0 });
    expect((await vault(["view", "v"])).toString()).toBe(`${CANARY}tty`);
  });

  test("takes the editor's flags, and VISUAL before EDITOR", async () => {
    await sealedVault();
    editor('printf "%s" "$1-$2" > "$3"');
    env["VISUAL"] = `"${join(work, "editor")}" --wait 'two words'`;
    env["EDITOR"] = "/no/such/editor";
    using session = terminal(["edit", "v"]);
    expect(await endOf(session)).toMatchObject({ status: 0 });
    expect((await vault(["view", "v"])).toString()).toBe("--wait-two words");
  });

  test("keeps the vault's mode, and works without a terminal", async () => {
    await sealedVault();
    chmodSync(join(work, "v"), 0o644);
    editor('printf changed >> "$1"');
    await vault(["edit", "v"]);
    expect(statSync(join(work, "v")).mode & 0o777).toBe(0o644);
    expectNothingLeft();
  });
});

describe("vault edit of an age message", () => {
  const own = "../home/.ssh/id_ed25519.pub";
  const rsa = "../home/.ssh/id_rsa.pub";
  const age = peer("age");

  test("seals it to the same keys, where all of them are known", async () => {
    await vault(["share", "--to", own, "--to", rsa, "-o", "m"], CANARY);
    editor('printf changed >> "$1"');
    await vault(["edit", "m"]);
    expect(readFileSync(join(work, "m"), "latin1")).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/);
    for (const key of ["id_ed25519", "id_rsa"]) {
      expect((await vault(["view", "-k", `../home/.ssh/${key}`, "m"])).toString()).toBe(`${CANARY}changed`);
    }
    expectNothingLeft();
  });

  test.skipIf(age.missing)(`keeps the binary form of ${age.label}`, async () => {
    await runOk(age.path, ["-R", own, "-o", "m"], { cwd: work, input: CANARY });
    editor('printf changed >> "$1"');
    await vault(["edit", "m"]);
    expect(readFileSync(join(work, "m"), "latin1")).toMatch(/^age-encryption\.org\/v1\n/);
    const opened = await runOk(age.path, ["-d", "-i", "../home/.ssh/id_ed25519", "m"], { cwd: work });
    expect(opened.toString()).toBe(`${CANARY}changed`);
  });

  test.skipIf(age.missing)(`keeps the passphrase of a message that ${age.label} opens with one`, async () => {
    const passphrase = join(work, "passphrase");
    writeFileSync(passphrase, "correct horse\n");
    await vault(["share", "--with-passphrase", "--passphrase-file", passphrase, "-o", "m"], CANARY);
    editor('printf changed >> "$1"');
    await vault(["edit", "--passphrase-file", passphrase, "m"]);
    expect(readFileSync(join(work, "m"), "latin1")).toMatch(/^-----BEGIN AGE/);
    using session = openTerminal(age.path, ["-d", "m"], { cwd: work, env, stdout: "pipe" });
    await session.waitFor(/passphrase/);
    session.type("correct horse\r");
    expect((await session.ended).stdout.toString()).toBe(`${CANARY}changed`);
    expectNothingLeft();
  });

  test("seals it to a native age key, where that is the only one", async () => {
    const { generateIdentity } = await import("@git-vault/sealing");
    const { identity, recipient } = await generateIdentity();
    writeFileSync(join(work, "identity"), `${identity}\n`);
    await vault(["share", "--to", recipient, "-o", "m"], CANARY);
    editor('printf changed >> "$1"');
    await vault(["edit", "-k", "identity", "m"]);
    expect((await vault(["view", "-k", "identity", "m"])).toString()).toBe(`${CANARY}changed`);
  });

  describe("with a recipient who is not known", () => {
    beforeEach(async () => {
      await vault(["share", "--to", own, "--to", "./stranger.pub", "-o", "m"], CANARY);
      editor('printf changed >> "$1"');
    });

    test("asks whom else to seal it to", async () => {
      using session = terminal(["edit", "m"]);
      await session.waitFor(/sealed to 1 more key, which it does not tell/);
      await session.waitFor(/further recipients/);
      session.type("./stranger.pub\r");
      expect(await endOf(session)).toMatchObject({ status: 0 });
      for (const key of ["../home/.ssh/id_ed25519", "stranger"]) {
        expect((await vault(["view", "-k", key, "m"])).toString()).toBe(`${CANARY}changed`);
      }
      expectNothingLeft();
    });

    test("changes nothing at Ctrl-C", async () => {
      const before = readFileSync(join(work, "m"));
      using session = terminal(["edit", "m"]);
      await session.waitFor(/further recipients/);
      session.press("ctrl-c");
      expect((await session.ended).status).toBe(130);
      expect(readFileSync(join(work, "m")).equals(before)).toBe(true);
    });

    test("says what to do where nothing can be asked, before the editor is opened", async () => {
      const { status, stderr } = await run(process.execPath, [VAULT, "edit", "m"], { cwd: work, env });
      expect(status).toBe(2);
      expect(stderr).toMatch(/there is no terminal\nvault: hint: .*--to R/);
      expect(existsSync(join(root, "home/where"))).toBe(false);
    });

    test("takes them from --to", async () => {
      await vault(["edit", "--to", "./stranger.pub", "m"]);
      expect((await vault(["view", "-k", "stranger", "m"])).toString()).toBe(`${CANARY}changed`);
      expect((await run(process.execPath, [VAULT, "view", "m"], { cwd: work, env })).status).toBe(3);
    });
  });
});

describe("vault create in a terminal", () => {
  test("seals what was written in the editor", async () => {
    editor(`printf ${CANARY} > "$1"`);
    using session = terminal(["create", "v"]);
    expect(await endOf(session)).toMatchObject({ status: 0 });
    expect((await vault(["view", "v"])).toString()).toBe(CANARY);
    expect(statSync(join(work, "v")).mode & 0o777).toBe(0o600);
    expect(plaintexts()).toEqual(["work/editor"]);
  });

  test("gives the vault to a pipe and the terminal to the editor", async () => {
    editor(`test -t 1 && printf ${CANARY} > "$1"`);
    using session = terminal(["create"], { stdout: "pipe" });
    const { status, stdout, screen } = await endOf(session);
    expect({ status, screen }).toMatchObject({ status: 0 });
    expect(stdout.toString()).toMatch(/^SSH-VAULT;AES256;/);
  });

  test.each([
    ["nothing was written", "exit 0", 1, /nothing was written in the editor/],
    ["the editor fails", 'echo x > "$1"; exit 1', 1, /failed with status 1/],
    ["the editor is interrupted", 'echo x > "$1"; kill -INT $$', 130, /interrupted/],
  ])("leaves no file where %s", async (_what, script, status, says) => {
    editor(script);
    using session = terminal(["create", "v"]);
    expect(await endOf(session)).toMatchObject({ status });
    expect(session.screen).toMatch(says);
    expect(existsSync(join(work, "v"))).toBe(false);
    expectNothingLeft();
  });

  test("says what is wrong with the key before the editor is opened", async () => {
    await makeSshKey({ folder: work, name: "weak", type: "rsa", bits: 1024 });
    editor("exit 0");
    using session = terminal(["create", "-k", "./weak.pub", "v"]);
    expect((await session.ended).status).toBe(3);
    expect(existsSync(join(root, "home/where"))).toBe(false);
  });

  test("asks nothing with --no-input", async () => {
    editor("exit 0");
    using session = terminal(["create", "--no-input", "v"]);
    expect((await session.ended).status).toBe(2);
    expect(session.screen).toMatch(/--no-input forbids it/);
  });
});
