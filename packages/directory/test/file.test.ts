import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import {
  AGE_PLUGIN_TEST,
  makeSshKey,
  peer,
  runOk,
  switchValue,
  temporaryFolder,
  type TemporaryFolder,
} from "@git-vault/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Directory, DirectoryError } from "../src/index.ts";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  folder.remove();
});

const directory = (): Directory => new Directory({ env: { HOME: folder.path }, cacheFolder: null });
const write = (name: string, content: string | Buffer): string => {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
};

describe("a file", () => {
  test("gives the key that ssh-keygen wrote, under the path as it was written", async () => {
    const { publicKeyPath } = await makeSshKey({ folder: folder.path, type: "ed25519", comment: "alice@laptop" });
    const [, fingerprint] = (await runOk("ssh-keygen", ["-lf", publicKeyPath])).toString().split(" ");
    const entries = await directory().resolve("~/id_ed25519.pub");
    expect(entries).toMatchObject([
      {
        name: "~/id_ed25519.pub",
        source: publicKeyPath,
        keys: [{ fingerprint, comment: "alice@laptop", unusable: null }],
      },
    ]);
  });

  test("gives every key of an authorized_keys file, with why not for those that can only sign", async () => {
    const ed25519 = await makeSshKey({ folder: folder.path, type: "ed25519" });
    const ecdsa = await makeSshKey({ folder: folder.path, type: "ecdsa" });
    const text = `# mine\r\n\r\nrestrict,pty ${ed25519.publicKey} home\r\n${ecdsa.publicKey}\r\nssh-rsa broken\r\n`;
    const [entry] = await directory().resolve(write("authorized_keys", text));
    expect(entry?.keys.map(({ type, line, key }) => [type, line, key !== null])).toEqual([
      ["ssh-ed25519", 3, true],
      ["ecdsa-sha2-nistp256", 4, false],
      ["ssh-rsa", 5, false],
    ]);
  });

  test("with only unusable keys is not an error here", async () => {
    const { publicKeyPath } = await makeSshKey({ folder: folder.path, type: "ecdsa" });
    const [entry] = await directory().resolve(publicKeyPath);
    expect(entry?.keys).toMatchObject([{ key: null, unusable: "ECDSA keys can only sign" }]);
  });

  test("that is missing names itself, and the team it may have been meant for", async () => {
    const missing = join(folder.path, "nobody.pub");
    await expect(directory().resolve("no-such-org/team")).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: "there is no file no-such-org/team",
      hint: "for a team on GitHub write github:no-such-org/team",
    });
    await expect(directory().resolve(missing)).rejects.toMatchObject({ code: "FILE_UNREADABLE", hint: undefined });
    for (const odd of ["age1../x", "age1a/b1qqqqqq"]) {
      await expect(directory().resolve(odd)).rejects.toMatchObject({
        message: `${odd} is neither an age recipient nor a file that is there`,
      });
    }
  });

  test("that is a folder, or inside a file, is refused", async () => {
    mkdirSync(join(folder.path, "keys.pub"));
    write("plain", "x");
    await expect(directory().resolve("~/keys.pub")).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: "expected a file of public keys, got the folder ~/keys.pub",
    });
    await expect(directory().resolve("~/plain/x.pub")).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  });

  test.skipIf(process.getuid?.() === 0)("that may not be read is refused (skipped for root, who may)", async () => {
    chmodSync(write("closed.pub", "x"), 0);
    await expect(directory().resolve("~/closed.pub")).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: "the file ~/closed.pub may not be read",
    });
  });

  test.each([
    ["words", "hello world\n"],
    ["bytes that are no UTF-8", Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ["NUL bytes", "ssh-ed25519\0AAAA"],
    ["a truncated key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH8gOptz"],
    ["more than 1 MiB", "# comment\n".repeat(110_000)],
  ])("of %s is refused", async (_what, content) => {
    write("bad.pub", content);
    await expect(directory().resolve("~/bad.pub")).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  });

  test("may have 1 MiB, and not a byte more", async () => {
    const { publicKey } = await makeSshKey({ folder: folder.path, type: "ed25519" });
    const most = "#".repeat(2 ** 20 - publicKey.length - 1) + `\n${publicKey}`;
    const [entry] = await directory().resolve(write("most.pub", most));
    expect(entry?.keys).toHaveLength(1);
    await expect(directory().resolve(write("more.pub", `${most}\n`))).rejects.toMatchObject({
      message: expect.stringContaining("has more than 1048576 bytes") as string,
    });
  });

  test("that never ends is read only so far", async () => {
    await expect(directory().resolve("/dev/zero")).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: "the file /dev/zero has more than 1048576 bytes",
    });
  });

  test("without a key in it says so", async () => {
    write("empty.pub", "# nothing yet\n");
    await expect(directory().resolve("~/empty.pub")).rejects.toMatchObject({
      code: "NO_KEYS",
      message: "the file ~/empty.pub holds no keys",
    });
  });

  test.each([
    [undefined, ""],
    ["PEM", ""],
    ["PKCS8", "passphrase"],
  ] as const)("with a private key (%s) is refused, and the public one named", async (format, passphrase) => {
    const options = format === undefined ? {} : { format };
    await makeSshKey({ folder: folder.path, name: "key", type: "rsa", bits: 2048, passphrase, ...options });
    const error: unknown = await directory()
      .resolve("~/key")
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "INVALID_RECIPIENT",
      message: "expected public keys, got a private key in ~/key",
      hint: "give the public key beside it: ~/key.pub",
    });
  });

  test.each([
    ["of OpenSSH", "the_key", "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f"]],
    ["of PuTTY", "a key.ppk", "puttygen", ["-t", "ed25519", "--new-passphrase", "/dev/null", "-o"]],
    ["of age", "key.txt", "age-keygen", ["-o"]],
  ] as const)("with a private key %s alone says how its public half is had", async (kind, name, program, args) => {
    const path = join(folder.path, name);
    await runOk(peer(program).path, [...args, path]);
    rmSync(`${path}.pub`, { force: true });
    const error: unknown = await directory()
      .resolve(path)
      .catch((thrown: unknown) => thrown);
    const { hint = "" } = error instanceof DirectoryError ? error : {};
    const command = /: (.*)$/.exec(hint)?.[1] ?? "";
    const env = { ...process.env, PATH: [switchValue("GIT_VAULT_PEERS"), process.env["PATH"]].join(delimiter) };
    const written = (await runOk("sh", ["-c", command], { env })).toString();
    const [entry] = await directory().resolve(kind === "of age" ? written.trim() : `${path}.pub`);
    expect(entry?.keys).toMatchObject([{ type: kind === "of age" ? "age-x25519" : "ssh-ed25519", unusable: null }]);
  });

  test("with another private key says what to give instead", async () => {
    const plugin = write("plugin.txt", `${AGE_PLUGIN_TEST.identity}\n`);
    await expect(directory().resolve(plugin)).rejects.toMatchObject({ hint: expect.stringContaining("age1NAME1…") });
    const openPgp = write("key.asc", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n");
    await expect(directory().resolve(openPgp)).rejects.toMatchObject({ hint: expect.stringContaining("gpg --export") });
  });
});

describe("a literal key", () => {
  test("has its fingerprint as name", async () => {
    const { publicKey, publicKeyPath } = await makeSshKey({
      folder: folder.path,
      type: "rsa",
      bits: 2048,
      comment: "me",
    });
    const [, fingerprint] = (await runOk("ssh-keygen", ["-lf", publicKeyPath])).toString().split(" ");
    expect(await directory().resolve(publicKey)).toMatchObject([
      { name: fingerprint, source: "the key itself", keys: [{ type: "ssh-rsa", comment: "me", unusable: null }] },
    ]);
  });
});
