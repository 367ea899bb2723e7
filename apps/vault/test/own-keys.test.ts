import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshKey, run, startSshAgent, temporaryFolder, type SshKey, type TemporaryFolder } from "@git-vault/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VAULT } from "./program.ts";

/* Which private key a message is opened with, and what is said where it is not here. */
let folder: TemporaryFolder;
let ssh: string;

beforeEach(() => {
  folder = temporaryFolder();
  ssh = join(folder.path, ".ssh");
  mkdirSync(ssh);
});
afterEach(() => folder.remove());

const vault = (args: readonly string[], input: string | Uint8Array = "", env: Record<string, string> = {}) =>
  run(process.execPath, [VAULT, ...args], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"], HOME: folder.path, LANG: "C.UTF-8", ...env },
    input,
  });
const key = (name: string, more: object = {}): Promise<SshKey> =>
  makeSshKey({ folder: ssh, name, type: "ed25519", comment: `${name}@laptop`, ...more });
const sealTo = async ({ publicKeyPath }: SshKey): Promise<Buffer> =>
  (await vault(["share", "-q", "--to", publicKeyPath, "-"], "hunter2")).stdout;

describe("a message opens with", () => {
  test("any key that has a .pub file in ~/.ssh", async () => {
    const message = await sealTo(await key("github_ed25519"));
    expect((await vault(["view"], message)).stdout.toString()).toBe("hunter2");
  });

  test("any private key in ~/.ssh, also without its .pub file", async () => {
    const made = await key("work", { type: "rsa", bits: 2048 });
    const message = await sealTo(made);
    rmSync(made.publicKeyPath);
    await key("id_ed25519");
    // What else may lie there is no key, or may be anything's, and is not asked about.
    const { privateKeyPath } = await key("tls", { type: "rsa", bits: 2048, format: "PEM", passphrase: "secret" });
    rmSync(`${privateKeyPath}.pub`);
    mkdirSync(join(ssh, "sockets"));
    for (const name of ["known_hosts", "authorized_keys", "notes~"]) writeFileSync(join(ssh, name), "x\n".repeat(2000));
    const { stdout, stderr } = await vault(["view", "-q"], message);
    expect([stdout.toString(), stderr]).toEqual(["hunter2", ""]);
    rmSync(made.privateKeyPath);
    const none = await vault(["view", "-q"], message);
    expect([none.status, none.stderr]).toEqual([
      3,
      expect.stringMatching(/tried \S+\/id_ed25519 \(\S+\), \S+\/tls \(it is encrypted/),
    ]);
    const named = await vault(["view", "-q", "-k", join(ssh, "tls")], message);
    expect(named.stderr).toContain("passphrase for");
  });

  test.each([
    ["a variable", "IdentityFile ${HOME}/keys/work"],
    ["the home folder", "IdentityFile %d/keys/work"],
    ["the user", `IdentityFile ~/keys/%u`],
    ["a host", "Host *.example.org\n  IdentityFile ~/keys/%h"],
    ["a match that runs a program", 'Match exec "touch ~/ran"\n  IdentityFile ~/keys/%r'],
    ["a file that is included", "Include ~/keys/*/config"],
    ["Windows line ends and a byte order mark", "\uFEFFHost x\r\n\tIdentityFile ~/keys/work\r\n"],
  ])("a key that ~/.ssh/config names by %s", async (_, config) => {
    const made = await key("work");
    const message = await sealTo(made);
    const { username } = (await import("node:os")).userInfo();
    mkdirSync(join(folder.path, "keys/more"), { recursive: true });
    writeFileSync(join(folder.path, "keys/more/config"), "IdentityFile ~/keys/work");
    const name = config.includes("%u") ? username : "work";
    renameSync(made.privateKeyPath, join(folder.path, "keys", name));
    rmSync(made.publicKeyPath);
    writeFileSync(join(ssh, "config"), config);
    const { stdout, stderr } = await vault(["view", "-q"], message);
    expect([stdout.toString(), stderr]).toEqual(["hunter2", ""]);
    expect((await run("ls", [join(folder.path, "ran")])).status).not.toBe(0);
  });
});

describe("a message that none opens is told to be for", () => {
  test("a key that only the agent has", async () => {
    const made = await key("work");
    const message = await sealTo(made);
    await using agent = await startSshAgent(folder.path);
    await agent.add(made.privateKeyPath);
    for (const path of [made.privateKeyPath, made.publicKeyPath]) rmSync(path);
    const env = { SSH_AUTH_SOCK: agent.path };
    const { status, stderr } = await vault(["view"], message, env);
    expect(status).toBe(3);
    expect(stderr).toMatch(/sealed to SHA256:\S+ \(work@laptop\), which only the SSH agent holds/);
    expect(stderr).toMatch(/hint: .*`vault view --key FILE`.*`vault keys new -o key.txt`/);
    writeFileSync(join(ssh, "config"), "IdentityAgent ~/agent.sock");
    expect((await vault(["view"], message)).stderr).toMatch(/which only the SSH agent holds/);
  });

  test("a key of which only the .pub file is here", async () => {
    const made = await key("work");
    const message = await sealTo(made);
    rmSync(made.privateKeyPath);
    const { status, stderr } = await vault(["view"], message);
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /sealed to SHA256:\S+ \(work@laptop\), the key of \S+\/work\.pub, whose private half is not/,
    );
  });

  test("a key whose file is damaged", async () => {
    const made = await key("work");
    const message = await sealTo(made);
    writeFileSync(made.privateKeyPath, "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n");
    expect((await vault(["view"], message)).stderr).toMatch(/\/work, which cannot be used: malformed/);
  });

  test("somebody else, with what was tried, and where nobody's key is here", async () => {
    const theirs = await key("theirs");
    const message = await sealTo(theirs);
    for (const path of [theirs.privateKeyPath, theirs.publicKeyPath]) rmSync(path);
    expect((await vault(["view"], message)).stderr).toMatch(/no private key was found.*`ssh-keygen -t ed25519`/);
    await key("id_ed25519");
    appendFileSync(join(ssh, "bob.pub"), (await makeSshKey({ folder: folder.path, name: "b", type: "rsa" })).publicKey);
    const { stderr } = await vault(["view"], message);
    expect(stderr).toMatch(/sealed to ssh-ed25519 \S{6}/);
    expect(stderr).toMatch(/hint: tried \S+\/id_ed25519 \(SHA256:\S+\): name/);
    expect(stderr).not.toContain("bob");
  });
});
