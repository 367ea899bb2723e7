import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, pathWithVault, peer, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { startGitHub, type GitHubStandIn } from "@git-vault/testkit/github";
import { startXServer, type XServer } from "@git-vault/testkit/terminal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

const gitCrypt = peer("git-crypt");
const xvfb = peer("Xvfb");
const xclip = peer("xclip");
const missing = [gitCrypt, xvfb, xclip].find((its) => its.missing);

/*
 * The lines of the flow as people know them, word for word with `vault` in the place of
 * `ssh-vault`, on a real git-crypt repository and a real clipboard. pbcopy and pbpaste are macOS's;
 * here they are xclip.
 */
describe.skipIf(missing !== undefined)(`the flow as people know it${missing ? `: ${missing.label}` : ""}`, () => {
  let folder: TemporaryFolder;
  let github: GitHubStandIn;
  let x: XServer;
  let env: NodeJS.ProcessEnv;
  const SECRET = "password: the-ferry-leaves-at-dawn\n";

  const sh = (cwd: string, line: string): Promise<Buffer> =>
    runOk("sh", ["-ec", line], { cwd: join(folder.path, cwd), env });
  /** A clone that is still locked. */
  const clone = async (name: string): Promise<string> => {
    await sh(".", `git clone -q repo ${name}`);
    return name;
  };
  const secretOf = (name: string): string => readFileSync(join(folder.path, name, "secret.yaml"), "utf8");

  beforeAll(async () => {
    folder = temporaryFolder();
    const home = join(folder.path, "home");
    mkdirSync(join(home, ".ssh"), { recursive: true });
    const key = await makeSshKey({ type: "ed25519", folder: join(home, ".ssh") });
    github = await startGitHub();
    github.users.set("receiver", { keys: [key.publicKey.trim()] });
    x = await startXServer();
    const bin = join(folder.path, "bin");
    env = {
      HOME: home,
      PATH: pathWithVault(VAULT, bin),
      DISPLAY: x.display,
      GITHUB_API_URL: github.url,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@example.org",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@example.org",
    };
    for (const [name, flag] of [
      ["pbcopy", "-i"],
      ["pbpaste", "-o"],
    ] as const) {
      // xclip goes on in the background as the clipboard's owner, and would hold the pipe of the
      // test.
      writeFileSync(
        join(bin, name),
        `#!/bin/sh\nexec xclip -selection clipboard ${flag}${flag === "-i" ? " >/dev/null 2>&1" : ""}\n`,
      );
      chmodSync(join(bin, name), 0o755);
    }
    await sh(".", "git init -q repo");
    writeFileSync(join(folder.path, "repo/secret.yaml"), SECRET);
    await sh(
      "repo",
      "git-crypt init && echo 'secret.yaml filter=git-crypt diff=git-crypt' > .gitattributes && git add . && git commit -qm secrets",
    );
  });

  afterAll(async () => {
    await x?.close();
    await github?.close();
    folder?.remove();
  });

  test("runs from the key file to an unlocked clone through the clipboard", async () => {
    await sh("repo", "cat .git/git-crypt/keys/default | vault -u receiver create | pbcopy");
    expect((await x.readClipboard())?.toString()).toMatch(/^SSH-VAULT;CHACHA20-POLY1305;/);
    const place = await clone("from-pbpaste");
    await sh(place, "pbpaste | vault view | git-crypt unlock -");
    expect(secretOf(place)).toBe(SECRET);
  });

  test("opens a file through a pipe, and by its name", async () => {
    await sh("repo", "cat .git/git-crypt/keys/default | vault -u receiver create > ../encrypted-key");
    const place = await clone("from-file");
    await sh(place, "cat ../encrypted-key | vault view | git-crypt unlock -");
    expect(secretOf(place)).toBe(SECRET);
    await sh(
      ".",
      "vault -o clear-git-crypt-key view encrypted-key && cmp clear-git-crypt-key repo/.git/git-crypt/keys/default",
    );
    const other = await clone("from-key-file");
    await sh(other, "git-crypt unlock ../clear-git-crypt-key");
    expect(secretOf(other)).toBe(SECRET);
  });

  test("is two commands with share, and view reads the clipboard by itself", async () => {
    await sh("repo", "vault share --to receiver -c </dev/null");
    expect((await x.readClipboard())?.toString()).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/);
    const place = await clone("from-clipboard");
    await sh(place, "vault view </dev/null | git-crypt unlock -");
    expect(secretOf(place)).toBe(SECRET);
  });

  test("is one command with unlock, which reads the clipboard by itself", async () => {
    await sh("repo", "vault share --to receiver -c </dev/null");
    const place = await clone("unlocked-from-clipboard");
    await sh(place, "vault unlock </dev/null");
    expect(secretOf(place)).toBe(SECRET);
    await sh("repo", "cat .git/git-crypt/keys/default | vault -u receiver create | pbcopy");
    const other = await clone("unlocked-from-vault");
    await sh(other, "vault unlock </dev/null");
    expect(secretOf(other)).toBe(SECRET);
  });

  test("works as `git vault`", async () => {
    await sh(
      ".",
      "ln -s vault bin/git-vault && cd repo && git vault share --to receiver </dev/null > ../message && git vault view ../message | cmp - .git/git-crypt/keys/default",
    );
  });

  const age = peer("age");
  test.skipIf(age.missing)(`is opened by ${age.label}, by the line that share prints`, async () => {
    await sh("repo", "vault share --to receiver </dev/null > ../message.txt 2> ../told");
    const line = /^ {2}(age -d .*)$/m.exec(readFileSync(join(folder.path, "told"), "utf8"))?.[1];
    const place = await clone("by-age");
    await sh(".", "cp message.txt by-age/");
    await sh(place, line ?? "false");
    expect(secretOf(place)).toBe(SECRET);
  });

  const sshVault = peer("ssh-vault");
  test.skipIf(sshVault.missing)(`is opened by ${sshVault.label}, by the line that share --base64 prints`, async () => {
    await sh("repo", "vault share --to receiver --format ssh-vault --base64 </dev/null > ../message.txt 2> ../told");
    const line = /^ {2}(ssh-vault view .*)$/m.exec(readFileSync(join(folder.path, "told"), "utf8"))?.[1];
    const place = await clone("by-ssh-vault");
    await sh(".", "cp message.txt by-ssh-vault/");
    // Without -k it looks for ~/.ssh/id_ed25519 by the fingerprint.
    expect(line).toBe("ssh-vault view message.txt | base64 -d | git-crypt unlock -");
    await sh(place, line ?? "false");
    expect(secretOf(place)).toBe(SECRET);
  });
});
