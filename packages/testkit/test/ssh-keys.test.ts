import { readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { makeSshKey, peer, run, runOk, temporaryFolder } from "../src/index.ts";

const keygen = peer("ssh-keygen");

describe.skipIf(keygen.missing)(`makeSshKey with ${keygen.label}`, () => {
  test.each([
    [{ type: "ed25519" }, "ssh-ed25519", "OPENSSH PRIVATE KEY"],
    [{ type: "rsa", bits: 2048 }, "ssh-rsa", "OPENSSH PRIVATE KEY"],
    [{ type: "rsa", bits: 2048, format: "PEM" }, "ssh-rsa", "RSA PRIVATE KEY"],
    [{ type: "rsa", bits: 2048, format: "PKCS8" }, "ssh-rsa", "PRIVATE KEY"],
    [{ type: "ecdsa", bits: 384 }, "ecdsa-sha2-nistp384", "OPENSSH PRIVATE KEY"],
  ] as const)("makes %j", async (options, type, title) => {
    using folder = temporaryFolder();
    const key = await makeSshKey({ ...options, folder: folder.path, comment: "someone", fresh: true });
    expect(key.publicKey).toMatch(new RegExp(`^${type} \\S+ someone$`));
    expect(readFileSync(key.privateKeyPath, "utf8")).toMatch(new RegExp(`^-----BEGIN ${title}-----\n`));
    const [, blob] = key.publicKey.split(" ");
    const derived = (await runOk("ssh-keygen", ["-y", "-f", key.privateKeyPath])).toString();
    expect(derived.split(" ")[1]?.trim()).toBe(blob);
  });

  test("gives another pair each time, and files that ssh accepts", async () => {
    using folder = temporaryFolder();
    const keys = await Promise.all(
      [false, false, true].map((fresh, at) =>
        makeSshKey({ type: "ed25519", folder: folder.path, name: `key-${at}`, fresh }),
      ),
    );
    expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(3);
    for (const { privateKeyPath } of keys) expect(statSync(privateKeyPath).mode & 0o777).toBe(0o600);
    await expect(makeSshKey({ type: "ed25519", folder: folder.path, name: "key-0" })).rejects.toThrow("EEXIST");
  });

  test("encrypts with the passphrase and cipher asked for", async () => {
    using folder = temporaryFolder();
    const key = await makeSshKey({
      type: "ed25519",
      folder: folder.path,
      fresh: true,
      name: "locked",
      passphrase: "correct horse",
      cipher: "aes256-gcm@openssh.com",
    });
    const body = readFileSync(key.privateKeyPath, "utf8").replaceAll(/-----.*-----|\n/g, "");
    expect(Buffer.from(body, "base64").includes("aes256-gcm@openssh.com")).toBe(true);
    const open = (passphrase: string): Promise<{ status: number | null }> =>
      run("ssh-keygen", ["-y", "-P", passphrase, "-f", key.privateKeyPath]);
    expect((await open("correct horse")).status).toBe(0);
    expect((await open("wrong")).status).not.toBe(0);
  });
});
