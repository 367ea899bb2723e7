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
import { openTerminal } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* What must not be sealed, lost or taken by accident. */
let folder: TemporaryFolder;
let env: Record<string, string>;

beforeAll(async () => {
  folder = temporaryFolder();
  const ssh = join(folder.path, ".ssh");
  mkdirSync(ssh);
  await makeSshKey({ folder: ssh, name: "id_ed25519", type: "ed25519" });
  await makeSshKey({ folder: folder.path, name: "bob", type: "ed25519" });
  await makeSshKey({ folder: ssh, name: "locked", type: "ed25519", passphrase: "secret" });
  env = {
    HOME: folder.path,
    PATH: pathWithVault(VAULT, join(folder.path, "bin")),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@example.org",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@example.org",
  };
  await sh("git init -q repo && cd repo && HOME=/nowhere vault init -q 'secret*' && git add . && git commit -qm start");
});
afterAll(() => folder.remove());

const sh = (script: string): Promise<RunResult> => run("sh", ["-c", script], { cwd: folder.path, env });

describe("a closed standard output is an error before anything is made", () => {
  test.each([
    ["vault keys new", "the identity"],
    ["vault share --to ./bob.pub bob.pub", "the message"],
    ["cd repo && vault export-key", "the key"],
    ["vault keygen", "the key"],
  ])("%s", async (command) => {
    const { status, stderr } = await sh(`${command} >&-`);
    expect([status, stderr]).toEqual([1, expect.stringContaining("standard output is closed")]);
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
});

describe("Ctrl-D at a prompt", () => {
  test("ends it, and says so", async () => {
    const message = (await sh("vault share -q --to ~/.ssh/locked.pub bob.pub")).stdout;
    writeFileSync(join(folder.path, "message"), message);
    using terminal = openTerminal("vault", ["view", "message"], { cwd: folder.path, env, deadline: 20_000 });
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
      deadline: 30_000,
    });
    await terminal.waitFor(/nothing is encrypted here yet; .* from somebody who did not sign it\? \(y\/N\)/s);
    terminal.type("n\r");
    expect((await terminal.ended).status).toBe(1);
    expect(existsSync(join(folder.path, "empty/.git/git-crypt"))).toBe(false);
    expect((await sh("cd empty && vault unlock --yes ../key.age")).status).toBe(0);
  });
});
