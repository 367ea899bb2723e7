import { describe, expect, test } from "vitest";
import { detectFormat, open } from "../src/index.ts";

describe("the format of a message", () => {
  test.each([
    ["age-encryption.org/v1\n-> X", "age"],
    ["age-encryption.org/v2\n", "age"],
    ["-----BEGIN AGE ENCRYPTED FILE-----\n", "age"],
    ["\r\n  -----BEGIN AGE ENCRYPTED FILE-----\r\n", "age"],
    ["SSH-VAULT;AES256;", "ssh-vault"],
    ["\n\nSSH-VAULT;CHACHA20-POLY1305;", "ssh-vault"],
    ["", null],
    [" \n", null],
    ["hello", null],
    ["ssh-vault;AES256;", null],
    [" age-encryption.org/v1\n", null],
    ["-----BEGIN PGP MESSAGE-----\n", "openpgp"],
    ["\n-----BEGIN PGP MESSAGE-----\r\nVersion: x\r\n", "openpgp"],
    ["-----BEGIN PGP SIGNATURE-----\n", null],
    ["see SSH-VAULT;AES256;", null],
  ])("of %j is %s", (text, format) => {
    expect(detectFormat(Buffer.from(text))).toBe(format);
  });

  test.each([
    ["nothing at all", ""],
    ["only white space", " \r\n\n"],
    ["a git-crypt key file", "\0GITCRYPTKEY\0\0\0\u0002"],
    ["a file that git-crypt encrypted", "\0GITCRYPT\0abc"],
    ["an OpenPGP key or signature", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"],
    ["a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc"],
    ["a private key", "-----BEGIN RSA PRIVATE KEY-----\nabc"],
    ["a private key", "-----BEGIN PRIVATE KEY-----\nabc"],
    ["a private key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc"],
    ["a private key", "PuTTY-User-Key-File-3: ssh-ed25519\n"],
    ["a private key", "AGE-SECRET-KEY-1QQQQ"],
    ["a private key", "# created: 2024-01-01T00:00:00Z\n# public key: age1qqqq\nAGE-SECRET-KEY-1QQQQ"],
    ["an SSH signature", "-----BEGIN SSH SIGNATURE-----\n"],
    ["a public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"],
    ["a public key", "sk-ssh-ed25519@openssh.com AAAA"],
    ["a public key", "age1qqqqqqqq\n"],
    ["an Ansible vault", "$ANSIBLE_VAULT;1.1;AES256\n"],
    ["other text before it", "Here it is: SSH-VAULT;AES256;"],
    ["a damaged first line", "-----BEGIN age encrypted FILE-----\n"],
    ["something else", "hello"],
  ])("is unknown for %s, and the error says so", async (what, text) => {
    await expect(open(Buffer.from(text, "latin1"), [])).rejects.toMatchObject({
      name: "SealingError",
      code: "UNKNOWN_FORMAT",
      message: expect.stringContaining(what),
      hint: expect.stringMatching(/\S.*[^.]$/),
    });
  });
});
