import { createCipheriv, createHash, createHmac, generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, test } from "vitest";
import { readPrivateKey } from "../src/index.ts";
import { wireString } from "../src/wire.ts";
import { makeKey, puttygen, sshKeygen, type MadeKey } from "./make-key.ts";
import { expect, keyErrorOf } from "./matchers.ts";

const passphrase = "pässwörd ✓ 鍵";
const utf8 = Buffer.from(passphrase);

describe.skipIf(puttygen.missing || sshKeygen.missing)(`PuTTY private keys of ${puttygen.label}`, () => {
  const folder = temporaryFolder();
  const made = new Map<string, MadeKey>();
  const passphraseFile = join(folder.path, "passphrase");

  beforeAll(async () => {
    writeFileSync(passphraseFile, passphrase);
    made.set("ed25519", await makeKey(folder.path, "ed25519", { comment: "me@hère" }));
    made.set("rsa2048", await makeKey(folder.path, "rsa2048", { type: "rsa", bits: 2048, comment: "me@hère" }));
    made.set("rsa3072", await makeKey(folder.path, "rsa3072", { type: "rsa", bits: 3072, comment: "me@hère" }));
    made.set("ecdsa", await makeKey(folder.path, "ecdsa", { type: "ecdsa" }));
  });
  afterAll(() => folder.remove());

  let count = 0;
  /** Makes a file with puttygen; `parameters` are those of its option `--ppk-param`. */
  const ppk = async (name: string, parameters: string, encrypted = false): Promise<Buffer> => {
    const output = join(folder.path, `${(count += 1)}.ppk`);
    const input = made.get(name)?.path ?? "";
    const protection = encrypted ? ["--new-passphrase", passphraseFile] : [];
    await runOk(puttygen.path, [input, "-O", "private", "-o", output, "--ppk-param", parameters, ...protection]);
    return readFileSync(output);
  };

  test.each([
    ["ed25519", 2],
    ["ed25519", 3],
    ["rsa2048", 2],
    ["rsa2048", 3],
    ["rsa3072", 3],
  ])("%s in version %i opens without a passphrase", async (name, version) => {
    const bytes = await ppk(name, `version=${version}`);
    const publicLine = made.get(name)?.publicLine ?? "";
    for (const content of [bytes, Buffer.from(bytes.toString("latin1").replaceAll("\n", "\r\n"), "latin1")]) {
      const file = readPrivateKey(content);
      expect(file).toMatchObject({ format: "putty", encrypted: false });
      expect(file.publicKey?.blob.toString("base64")).toBe(publicLine.split(" ")[1]);
      expect(file.publicKey?.comment).toBe("me@hère");
      await expect(await file.unlock()).toBelongTo(publicLine);
    }
  });

  test.each([
    ["ed25519", "version=2"],
    ["rsa2048", "version=2"],
    ["rsa3072", "version=2"],
    ["ed25519", "version=3"],
    ["rsa3072", "version=3"],
    ["ed25519", "kdf=argon2id,memory=256,passes=3"],
    ["ed25519", "kdf=argon2i,memory=256,passes=3"],
    ["ed25519", "kdf=argon2d,memory=256,passes=3"],
    ["rsa2048", "kdf=argon2id,memory=1024,passes=2,parallelism=4"],
    ["rsa2048", "kdf=argon2i,memory=1024,passes=2,parallelism=4"],
    ["rsa2048", "kdf=argon2d,memory=1024,passes=2,parallelism=4"],
    ["ed25519", "memory=8,passes=1"],
    ["ed25519", "memory=77,passes=1,parallelism=3"],
    ["ed25519", "memory=512,passes=1,parallelism=64"],
  ])("%s with %s opens with its passphrase and no other", async (name, parameters) => {
    const file = readPrivateKey(await ppk(name, parameters, true));
    const publicLine = made.get(name)?.publicLine ?? "";
    expect(file).toMatchObject({ format: "putty", encrypted: true });
    expect(file.publicKey?.blob.toString("base64")).toBe(publicLine.split(" ")[1]);
    await expect(() => file.unlock(Buffer.from("CANARY"))).toFailWith("WRONG_PASSPHRASE", /^(?!.*CANARY)/);
    await expect(() => file.unlock()).toFailWith("PASSPHRASE_REQUIRED");
    await expect(() => file.unlock(Buffer.alloc(0))).toFailWith("PASSPHRASE_REQUIRED");
    await expect(await file.unlock(utf8)).toBelongTo(publicLine);
    await expect(await file.unlock(utf8)).toBelongTo(publicLine);
  });

  test("an encrypted key that takes too much memory is refused with the command that converts it", async () => {
    const bytes = await ppk("ed25519", "memory=262145,passes=1", true);
    const error = await keyErrorOf(() => readPrivateKey(bytes));
    expect(error.code).toBe("UNSUPPORTED_KEY");
    expect(error.message).toBe("expected at most 262144 KiB of memory for Argon2, got 262145");
    expect(error.hint).toMatch("puttygen KEY.ppk -O private-openssh-new -o KEY");
    const input = join(folder.path, "convert.ppk");
    writeFileSync(input, bytes);
    const output = join(folder.path, "converted");
    const protection = ["--old-passphrase", passphraseFile, "--new-passphrase", passphraseFile];
    await runOk(puttygen.path, [input, "-O", "private-openssh-new", "-o", output, ...protection]);
    const publicLine = made.get("ed25519")?.publicLine ?? "";
    await expect(await readPrivateKey(readFileSync(output)).unlock(utf8)).toBelongTo(publicLine);
  });

  /** The parameters of an encrypted key, as others than puttygen might write them. */
  const withArgon2 = async (values: Record<string, string>): Promise<Buffer> => {
    let text = (await ppk("ed25519", "memory=8,passes=1", true)).toString("latin1");
    for (const [header, value] of Object.entries(values)) {
      expect(text).toMatch(`\n${header}: `);
      text = text.replace(new RegExp(`\n${header}: .*`), `\n${header}: ${value}`);
    }
    return Buffer.from(text, "latin1");
  };

  test.each([
    { "Argon2-Memory": "262144", "Argon2-Passes": "16" },
    { "Argon2-Memory": "8192", "Argon2-Passes": "512" },
    { "Argon2-Memory": "8", "Argon2-Passes": "524288" },
    { "Argon2-Memory": "512", "Argon2-Parallelism": "64" },
    { "Argon2-Salt": "00".repeat(8) },
    { "Argon2-Salt": "00".repeat(64) },
  ])("the most work that is done for a file includes %j", async (values) => {
    expect(readPrivateKey(await withArgon2(values))).toMatchObject({ format: "putty", encrypted: true });
  });

  test.each([
    [{ "Argon2-Memory": "262145" }, "UNSUPPORTED_KEY", "at most 262144 KiB of memory for Argon2, got 262145"],
    [{ "Argon2-Memory": "4294967295" }, "UNSUPPORTED_KEY", "at most 262144 KiB of memory"],
    [
      { "Argon2-Memory": "262144", "Argon2-Passes": "17" },
      "UNSUPPORTED_KEY",
      "at most 16 passes of Argon2 over 262144",
    ],
    [{ "Argon2-Passes": "524289" }, "UNSUPPORTED_KEY", "at most 524288 passes"],
    [{ "Argon2-Passes": "4294967295" }, "UNSUPPORTED_KEY", "at most 524288 passes"],
    [{ "Argon2-Memory": "520", "Argon2-Parallelism": "65" }, "UNSUPPORTED_KEY", "at most 64 lanes of Argon2, got 65"],
    [{ "Key-Derivation": "CANARY" }, "UNSUPPORTED_KEY", "key derivation"],
    [{ "Key-Derivation": "argon2id" }, "UNSUPPORTED_KEY", "key derivation"],
    [{ "Argon2-Memory": "7" }, "MALFORMED_KEY", "at least 8 KiB"],
    [{ "Argon2-Memory": "0" }, "MALFORMED_KEY", "at least 8 KiB"],
    [{ "Argon2-Parallelism": "2" }, "MALFORMED_KEY", "at least 16 KiB"],
    [{ "Argon2-Parallelism": "4294967295" }, "MALFORMED_KEY", "KiB of memory"],
    [{ "Argon2-Parallelism": "0" }, "MALFORMED_KEY", "at least one lane"],
    [{ "Argon2-Passes": "0" }, "MALFORMED_KEY", "at least one pass"],
    [{ "Argon2-Passes": "99999999999" }, "MALFORMED_KEY", "a number in the header Argon2-Passes"],
    [{ "Argon2-Passes": "01" }, "MALFORMED_KEY", "a number in the header Argon2-Passes"],
    [{ "Argon2-Passes": "-1" }, "MALFORMED_KEY", "a number in the header Argon2-Passes"],
    [{ "Argon2-Memory": "1e3" }, "MALFORMED_KEY", "a number in the header Argon2-Memory"],
    [{ "Argon2-Memory": "" }, "MALFORMED_KEY", "a number in the header Argon2-Memory"],
    [{ "Argon2-Salt": "" }, "MALFORMED_KEY", "a salt of 8 to 64 bytes, got 0"],
    [{ "Argon2-Salt": "00".repeat(7) }, "MALFORMED_KEY", "a salt of 8 to 64 bytes, got 7"],
    [{ "Argon2-Salt": "00".repeat(65) }, "MALFORMED_KEY", "a salt of 8 to 64 bytes, got 65"],
    [{ "Argon2-Salt": `${"00".repeat(16)}0` }, "MALFORMED_KEY", "hexadecimal"],
    [{ "Argon2-Salt": "CANARY" }, "MALFORMED_KEY", /^(?!.*CANARY).*hexadecimal/],
  ] as const)("a file with %j is refused as %s before a passphrase is asked for", async (values, code, message) => {
    const bytes = await withArgon2(values);
    await expect(() => readPrivateKey(bytes)).toFailWith(code, message);
  });

  test("an encrypted key in version 3 of which anything was changed does not open", async () => {
    const text = (await ppk("ed25519", "memory=16,passes=1", true)).toString("latin1");
    const other = (await ppk("rsa2048", "memory=16,passes=1", true)).toString("latin1");
    const section = (of: string, name: string): string =>
      new RegExp(`^${name}: .*\n(?:[^:]+\n)*`, "m").exec(of)?.[0] ?? "";
    const unlock = (from: string | RegExp, to: string) => (): unknown => {
      const changed = text.replace(from, to);
      expect(changed).not.toBe(text);
      return readPrivateKey(Buffer.from(changed, "latin1")).unlock(utf8);
    };
    for (const [from, to] of [
      ["Comment: me", "Comment: you"],
      [/MAC: [0-9a-f]{8}/, "MAC: 00000000"],
      [/Salt: [0-9a-f]{8}/, "Salt: 00000000"],
      ["Passes: 1", "Passes: 2"],
      ["Memory: 16", "Memory: 17"],
      ["Parallelism: 1", "Parallelism: 2"],
      ["Argon2id", "Argon2i"],
      ["Argon2id", "Argon2d"],
      [section(text, "Private-Lines"), section(other, "Private-Lines")],
    ] as const)
      await expect(unlock(from, to)).toFailWith("WRONG_PASSPHRASE");
    const otherPublic = (await makeKey(folder.path, "public")).publicLine.split(" ")[1] ?? "";
    await expect(unlock(section(text, "Public-Lines"), `Public-Lines: 1\n${otherPublic}\n`)).toFailWith(
      "WRONG_PASSPHRASE",
    );
    for (const header of ["Key-Derivation", "Argon2-Memory", "Argon2-Passes", "Argon2-Parallelism", "Argon2-Salt"])
      await expect(unlock(`\n${header}`, `\nX-${header}`)).toFailWith("MALFORMED_KEY", `expected the header ${header}`);
    await expect(unlock("aes256-cbc", "none")).toFailWith("MALFORMED_KEY", "expected the header Private-Lines");
    await expect(unlock("File-3", "File-2")).toFailWith("MALFORMED_KEY", "expected the header Private-Lines");
  });

  test("an ECDSA key is refused by name", async () => {
    const bytes = await ppk("ecdsa", "version=3");
    await expect(() => readPrivateKey(bytes)).toFailWith("UNSUPPORTED_KEY", "ecdsa-sha2-nistp256 keys cannot");
  });

  test.each([2, 3])("any header or MAC that was changed in version %i is refused", async (version) => {
    const text = (await ppk("ed25519", `version=${version}`)).toString("latin1");
    const unlock = (from: string | RegExp, to: string) => (): unknown => {
      const changed = text.replace(from, to);
      expect(changed).not.toBe(text);
      return readPrivateKey(Buffer.from(changed, "latin1")).unlock();
    };
    await expect(unlock("Comment: me", "Comment: CANARY")).toFailWith("MALFORMED_KEY", "its MAC does not match");
    await expect(unlock(/MAC: [0-9a-f]{8}/, "MAC: 00000000")).toFailWith("MALFORMED_KEY", "its MAC does not match");
    await expect(unlock(/MAC: [0-9a-f]{8}/, "MAC: ")).toFailWith("MALFORMED_KEY", "expected a MAC of");
    await expect(unlock("Encryption: none", "Encryption: CANARY")).toFailWith("UNSUPPORTED_KEY", "cipher that is not");
    await expect(unlock(/File-.: ssh-ed25519/, `File-${version}: ssh-rsa`)).toFailWith("MALFORMED_KEY", "another type");
    await expect(unlock(/File-.: ssh-ed25519/, `File-${version}: CANARY`)).toFailWith(
      "UNSUPPORTED_KEY",
      "unknown type",
    );
    await expect(unlock(/File-./, "File-1")).toFailWith("UNSUPPORTED_KEY", "version of the format");
    await expect(unlock("Public-Lines: 2", "Public-Lines: 99")).toFailWith("MALFORMED_KEY", "Public-Lines");
    await expect(unlock("Public-Lines: 2", "Public-Lines: 1")).toFailWith("MALFORMED_KEY");
    await expect(unlock("Public-Lines: 2", "Public-Lines: -1")).toFailWith("MALFORMED_KEY", "a number of lines");
    await expect(unlock(/$/, "\nCANARY")).toFailWith("MALFORMED_KEY", "something after");
  });

  test("a private part that is another key's is refused", async () => {
    const other = await makeKey(folder.path, "other");
    made.set("other", other);
    const [one, two] = [
      (await ppk("ed25519", "version=2", true)).toString("latin1"),
      (await ppk("other", "version=2", true)).toString("latin1"),
    ];
    const mixed = one.slice(0, one.indexOf("Private-Lines")) + two.slice(two.indexOf("Private-Lines"));
    await expect(() => readPrivateKey(Buffer.from(mixed, "latin1")).unlock(utf8)).toFailWith("WRONG_PASSPHRASE");
  });
});

describe("a PuTTY private key of this test's making", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const jwk = privateKey.export({ format: "jwk" });
  const [seed, point] = [Buffer.from(jwk.d ?? "", "base64url"), Buffer.from(jwk.x ?? "", "base64url")];
  const sha1 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
    const hash = createHash("sha1");
    for (const part of parts) hash.update(part);
    return hash.digest();
  };

  /**
   * A file in version 2 (appendix C of PuTTY's manual) with this private part and a MAC that fits.
   */
  const file = (encryption: "none" | "aes256-cbc", content: Buffer): Buffer => {
    const secret = encryption === "none" ? "" : "passphrase";
    const blob = Buffer.concat(["ssh-ed25519", point].map(wireString));
    const hmac = createHmac("sha1", sha1("putty-private-key-file-mac-key", secret));
    for (const part of ["ssh-ed25519", encryption, "me", blob, content]) hmac.update(wireString(part));
    const key = Buffer.concat([sha1(Buffer.alloc(4), secret), sha1(Buffer.of(0, 0, 0, 1), secret)]).subarray(0, 32);
    const cipher = createCipheriv("aes-256-cbc", key, Buffer.alloc(16)).setAutoPadding(false);
    const part = encryption === "none" ? content : cipher.update(content);
    const lines = (bytes: Buffer): string => `1\n${bytes.toString("base64")}`;
    const text = `PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: ${encryption}\nComment: me\nPublic-Lines: ${lines(blob)}\n`;
    return Buffer.from(`${text}Private-Lines: ${lines(part)}\nPrivate-MAC: ${hmac.digest("hex")}\n`);
  };
  const padded = (length: number): Buffer => Buffer.concat([wireString(seed), Buffer.alloc(length - 36)]);

  test.each([
    ["none", 36],
    ["aes256-cbc", 48],
  ] as const)("with encryption %s opens, and not with more after its secret", async (encryption, length) => {
    const passphrases = encryption === "none" ? [] : [Buffer.from("passphrase")];
    expect(await readPrivateKey(file(encryption, padded(length))).unlock(...passphrases)).toMatchObject({ seed });
    const more = file(encryption, padded(encryption === "none" ? 37 : 64));
    await expect(() => readPrivateKey(more).unlock(...passphrases)).toFailWith("MALFORMED_KEY", "are left over");
  });
});
