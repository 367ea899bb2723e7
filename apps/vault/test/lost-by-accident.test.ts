import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  makeSshKey,
  pathWithVault,
  run,
  temporaryFolder,
  type RunResult,
  type TemporaryFolder,
} from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { openTerminal } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* What must not be sealed, lost or taken by accident. */
const OPENPGP_KEY = join(import.meta.dirname, "../../../packages/directory/test/vectors/alice.asc");
let folder: TemporaryFolder;
let env: Record<string, string>;
let github: GitHubStandIn;

beforeAll(async () => {
  folder = temporaryFolder();
  const ssh = join(folder.path, ".ssh");
  mkdirSync(ssh);
  await makeSshKey({ folder: ssh, name: "id_ed25519", type: "ed25519" });
  await makeSshKey({ folder: folder.path, name: "bob", type: "ed25519" });
  await makeSshKey({ folder: ssh, name: "locked", type: "ed25519", passphrase: "secret" });
  github = await startGitHub();
  env = {
    HOME: folder.path,
    GITHUB_API_URL: github.url,
    PATH: pathWithVault(VAULT, join(folder.path, "bin")),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@example.org",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@example.org",
  };
  await sh("git init -q repo && cd repo && HOME=/nowhere vault init -q 'secret*' && git add . && git commit -qm start");
});
afterAll(async () => {
  await github.close();
  folder.remove();
});

const sh = (script: string): Promise<RunResult> => run("sh", ["-c", script], { cwd: folder.path, env });

describe("a closed standard output is an error before anything is made", () => {
  test.each([
    ["vault keys new", "the identity"],
    ["vault share --to ./bob.pub bob.pub", "the message"],
    ["cd repo && vault export-key", "the key"],
    ["vault keygen", "the key"],
  ])("%s", async (command) => {
    for (const closed of [">&-", "<&- >&-"]) {
      const { status, stderr } = await sh(`${command} ${closed}`);
      expect([status, stderr]).toEqual([1, expect.stringContaining("standard output is closed")]);
    }
  });

  test("grant --ci makes no key, no entry and no commit", async () => {
    await sh(
      "git init -q log && cd log && vault init -q --sign-key ~/.ssh/id_ed25519 'secret*' && git add . && git commit -qm start",
    );
    const before = (await sh("cd log && git log --format=%H && git status --porcelain && find .git-vault | sort"))
      .stdout;
    for (const where of [">&-", ">/dev/null"]) {
      const { status, stderr } = await sh(`cd log && vault grant --yes --ci ${where}`);
      expect([status, stderr]).toEqual([1, expect.stringContaining("standard output is closed")]);
    }
    const after = (await sh("cd log && git log --format=%H && git status --porcelain && find .git-vault | sort"))
      .stdout;
    expect(after.toString()).toBe(before.toString());
  });

  test("but /dev/null is a place for what can be had again", async () => {
    expect((await sh("vault share --to ./bob.pub bob.pub >/dev/null")).status).toBe(0);
  });
});

describe("a loop that reads names", () => {
  test("does not seal the rest of its list, from a file", async () => {
    writeFileSync(join(folder.path, "list"), "./bob.pub\n./bob.pub\n./bob.pub\n");
    const { stderr } = await sh('cd repo; while read u; do vault share -q --to ".$u" > ../out; done < ../list');
    expect(stderr).toContain("looks like the list of names that a loop reads");
    expect(readFileSync(join(folder.path, "out"), "utf8")).toBe("");
  });

  test("nor from a pipe, unless standard input is named", async () => {
    const piped = "printf 'alice\\ngithub:bob\\norg/team\\n'";
    const refused = await sh(`${piped} | vault share -q --to ./bob.pub`);
    expect([refused.status, refused.stdout.length]).toEqual([2, 0]);
    expect((await sh(`${piped} | vault share -q --to ./bob.pub -`)).status).toBe(0);
    expect((await sh("echo hunter2 | vault share -q --to ./bob.pub")).status).toBe(0);
    expect((await sh("vault share -q --to ./bob.pub < bob")).status).toBe(0);
  });

  test("nor what is left of any file that was begun", async () => {
    writeFileSync(join(folder.path, "notes"), "one line\nthe (rest)\n");
    const refused = await sh("{ read line; vault share -q --to ./bob.pub; } < notes");
    expect([refused.status, refused.stdout.length]).toEqual([2, 0]);
    expect((await sh("{ read line; vault share -q --to ./bob.pub -; } < notes")).status).toBe(0);
  });
});

describe("Ctrl-D at a prompt", () => {
  /** Types what comes before the last question, and there Ctrl-D; gives what the screen says. */
  async function endedAt(args: readonly string[], question: RegExp, before: readonly [RegExp, string][] = []) {
    const options = { cwd: folder.path, env: { ...env, EDITOR: "sed -i s/a/b/" }, cols: 250 };
    using terminal = openTerminal("vault", args, options);
    for (const [asked, answer] of before) {
      await terminal.waitFor(asked);
      terminal.type(`${answer}\r`);
    }
    await terminal.waitFor(question);
    terminal.press("ctrl-d");
    expect(await terminal.ended).toMatchObject({ status: 1, sane: true });
    expect(terminal.screen).toMatch(/error: .* was not answered: Ctrl-D ended it/);
  }

  test("ends each kind of them, and nothing is made", async () => {
    writeFileSync(join(folder.path, "pass"), "correct\n");
    await sh("vault share -q --with-passphrase --passphrase-file pass --work-factor 10 -o sealed bob.pub");
    await sh("vault share -q --yes --to ./bob.pub --to ~/.ssh/id_ed25519.pub -o for-two bob.pub");
    await sh("git init -q begun && cd begun && vault init -q --sign-key ~/.ssh/id_ed25519 '*.key'");
    await sh("cd begun && touch a.key && git add . && git commit -qm start && cd .. && git clone -q begun cloned");
    const keyOf = (path: string): string[] => [readFileSync(join(folder.path, path), "utf8").trim()];
    github.users.set("carol", { keys: keyOf("bob.pub") });
    github.users.set("dave", { keys: keyOf("bob.pub") });
    await sh("vault share -q --yes --to dave bob.pub >&2");
    github.users.set("dave", { keys: keyOf(".ssh/locked.pub") });
    await sh("git init -q named");
    const before = (await sh("git -C cloned status --porcelain; ls; ls begun/.git named/.git; cat for-two")).stdout;
    await endedAt(["view", "sealed"], /passphrase for the message/);
    await endedAt(["share", "--with-passphrase", "bob.pub", "-o", "made"], /new passphrase/);
    await endedAt(["share", "--with-passphrase", "bob.pub", "-o", "made"], /same again/, [[/new passphrase/, "x"]]);
    await endedAt(["share", "--to", "carol", "bob.pub", "-o", "made"], /are they theirs/);
    await endedAt(["share", "--to", "dave", "bob.pub", "-o", "made"], /go on with the present keys/);
    await endedAt(["edit", "for-two"], /further recipients/);
    await endedAt(["-C", "named", "init", "*.key"], /Your user name on GitHub/);
    await endedAt(["-C", "cloned", "unlock"], /is this the log that you expect/);
    const after = (await sh("git -C cloned status --porcelain; ls; ls begun/.git named/.git; cat for-two")).stdout;
    expect(after.toString()).toBe(before.toString());
  });

  test("ends it, and says so", async () => {
    const message = (await sh("vault share -q --to ~/.ssh/locked.pub bob.pub")).stdout;
    writeFileSync(join(folder.path, "message"), message);
    using terminal = openTerminal("vault", ["view", "message"], { cwd: folder.path, env });
    await terminal.waitFor(/passphrase for/);
    terminal.press("ctrl-d");
    expect(await terminal.ended).toMatchObject({ status: 1, sane: true });
    expect(terminal.screen).toMatch(/error: passphrase for .* was not answered: Ctrl-D ended it/);
  });
});

describe("the first key of a repository without encrypted files", () => {
  test("is not taken from a message before a person said so", async () => {
    await sh("cd repo && vault share -q --key-name default --to ~/.ssh/id_ed25519.pub -o ../key.age");
    await sh(
      "git init -q empty && cd empty && echo 'secret* filter=git-crypt diff=git-crypt' > .gitattributes && git add . && git commit -qm x",
    );
    const refused = await sh("cd empty && vault unlock ../key.age");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("nothing is encrypted here yet that the key could be tried on");
    expect(existsSync(join(folder.path, "empty/.git/git-crypt"))).toBe(false);
    using terminal = openTerminal("vault", ["-C", "empty", "unlock", "../key.age"], {
      cwd: folder.path,
      env,
      cols: 250,
    });
    await terminal.waitFor(/nothing is encrypted here yet; .* from somebody who did not sign it\? \(y\/N\)/s);
    terminal.type("n\r");
    expect((await terminal.ended).status).toBe(1);
    expect(existsSync(join(folder.path, "empty/.git/git-crypt"))).toBe(false);
    expect((await sh("cd empty && vault unlock --yes ../key.age")).status).toBe(0);
  });
});

describe("a question about who you are", () => {
  test("keeps no name that nobody has", async () => {
    await sh("git init -q misspelt");
    using terminal = openTerminal("vault", ["-C", "misspelt", "init", "*.key"], { cwd: folder.path, env, cols: 250 });
    await terminal.waitFor(/Your user name on GitHub/);
    terminal.type("y\r");
    expect((await terminal.ended).status).toBe(0);
    expect(terminal.screen).toMatch(/no members log was started: .* has no user y/);
    expect((await sh("git -C misspelt config git-vault.user")).stdout.toString()).toBe("");
  });
});

describe("the OpenPGP and the SSH keys of one account", () => {
  test("are no change of each other's", async () => {
    const line = readFileSync(join(folder.path, "bob.pub"), "utf8").trim();
    github.users.set("both", { keys: [line], gpgKeys: [readFileSync(OPENPGP_KEY, "utf8")] });
    await sh("git init -q two-kinds && cd two-kinds && vault init -q --sign-key ~/.ssh/id_ed25519 '*.key'");
    await sh("cd two-kinds && git add . && git commit -qm start");
    for (const kind of ["--gpg", ""]) {
      const granted = await sh(`cd two-kinds && vault grant ${kind} both < /dev/null`);
      expect(granted.stderr).toContain("granted the key default to github:both");
      expect(granted.stderr).not.toContain("  removed ");
      expect(granted.status).toBe(0);
    }
  });
});
