import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { peer, run, runOk, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { open, seal, sshVaultFingerprint } from "../src/index.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

const KINDS = [
  ["Ed25519", { type: "ed25519" }],
  ["RSA 2048", { type: "rsa", bits: 2048 }],
  ["RSA 3072", { type: "rsa", bits: 3072 }],
  ["RSA 4096", { type: "rsa", bits: 4096 }],
] as const;

// ssh-vault prints nothing but UTF-8.
const PAYLOADS: readonly (readonly [string, Buffer])[] = [
  ["nothing", Buffer.alloc(0)],
  ["text", Buffer.from("blåbærsyltetøy\n")],
  ["text as long as a git-crypt key", Buffer.from(randomBytes(74).toString("hex"))],
  ["1 MiB of text", Buffer.from(randomBytes(512 * 1024).toString("hex"))],
];

const shapeOf = (message: Buffer): number[] =>
  message
    .toString()
    .split("\n")
    .map((line) => line.length);

const sshVault = peer("ssh-vault");

describe.skipIf(sshVault.missing)(`beside ${sshVault.label}`, () => {
  let folder: TemporaryFolder;
  let env: NodeJS.ProcessEnv;
  const keys = new Map<string, TestKey>();
  const keyOf = (name: string): TestKey => {
    const key = keys.get(name);
    if (key === undefined) throw new Error(`no test key ${name}`);
    return key;
  };

  beforeAll(async () => {
    folder = temporaryFolder();
    const home = join(folder.path, "home");
    mkdirSync(home);
    env = { PATH: process.env["PATH"], HOME: home };
    for (const [name, options] of KINDS) {
      keys.set(name, await makeTestKey({ ...options, folder: folder.path, name: name.replace(" ", "-") }));
    }
  });
  afterAll(() => folder.remove());

  describe.each(KINDS)("and a key of type %s", (kind) => {
    test.each(PAYLOADS)("opens what we sealed: %s", async (_, payload) => {
      const { recipient, privateKeyPath } = keyOf(kind);
      const message = await seal(payload, [recipient], { format: "ssh-vault" });
      const opened = await runOk(sshVault.path, ["view", "-k", privateKeyPath], { env, input: message });
      expect(opened.equals(payload)).toBe(true);
    });

    test.each(PAYLOADS.slice(1))("seals what we open: %s", async (_, payload) => {
      const { identity, publicKeyPath } = keyOf(kind);
      const message = await runOk(sshVault.path, ["create", "-k", publicKeyPath], { env, input: payload });
      const { plaintext, format } = await open(message, [identity()]);
      expect(format).toBe("ssh-vault");
      expect(plaintext.equals(payload)).toBe(true);
    });

    test("writes its lines as we do", async () => {
      const { recipient, publicKeyPath } = keyOf(kind);
      const theirs = await runOk(sshVault.path, ["create", "-k", publicKeyPath], { env, input: "secret" });
      const ours = await seal(Buffer.from("secret"), [recipient], { format: "ssh-vault" });
      expect(shapeOf(ours)).toEqual(shapeOf(theirs));
    });

    test("names the key by the fingerprint that we give", async () => {
      const { publicKey, publicKeyPath } = keyOf(kind);
      const shown = await runOk(sshVault.path, ["fingerprint", "-k", publicKeyPath], { env });
      expect(shown.toString()).toContain(sshVaultFingerprint(publicKey));
    });

    test("is answered by a key with a passphrase, both ways", async () => {
      const options = KINDS.find(([name]) => name === kind)?.[1] ?? { type: "ed25519" };
      const name = `${kind.replace(" ", "-")}-encrypted`;
      const key = await makeTestKey({ ...options, folder: folder.path, name, passphrase: "correct horse" });
      const theirs = await runOk(sshVault.path, ["create", "-k", key.publicKeyPath], { env, input: "secret" });
      const { plaintext } = await open(theirs, [key.identity(async () => Buffer.from("correct horse"))]);
      expect(plaintext.toString()).toBe("secret");
      const ours = await seal(Buffer.from("ours"), [key.recipient], { format: "ssh-vault" });
      const withPassphrase = { ...env, SSH_VAULT_PASSPHRASE: "correct horse" };
      const view = await runOk(sshVault.path, ["view", "-k", key.privateKeyPath], { env: withPassphrase, input: ours });
      expect(view.toString()).toBe("ours");
    });
  });

  test("refuses our vault after one character of it changed", async () => {
    const { recipient, privateKeyPath } = keyOf("Ed25519");
    const text = (await seal(Buffer.from("secret"), [recipient], { format: "ssh-vault" })).toString();
    const changed = text.slice(0, -5) + (text.at(-5) === "A" ? "B" : "A") + text.slice(-4);
    const { status } = await run(sshVault.path, ["view", "-k", privateKeyPath], { env, input: changed });
    expect(status).not.toBe(0);
  });
});
