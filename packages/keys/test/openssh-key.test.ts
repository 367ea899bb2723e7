import { generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import { afterAll, describe, test } from "vitest";
import { readPrivateKey } from "../src/index.ts";
import { fromBigInt, toBigInt, wireMpint, wireString } from "../src/wire.ts";
import { makeKey, sshKeygen } from "./make-key.ts";
import { expect } from "./matchers.ts";

const ciphers = [
  "aes128-ctr",
  "aes192-ctr",
  "aes256-ctr",
  "aes128-cbc",
  "aes192-cbc",
  "aes256-cbc",
  "3des-cbc",
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "chacha20-poly1305@openssh.com",
];
const passphrase = "pässwörd ✓ 鍵";
const utf8 = Buffer.from(passphrase);

const armor = (bytes: Buffer): Buffer =>
  Buffer.from(`-----BEGIN OPENSSH PRIVATE KEY-----\n${bytes.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`);
const unarmor = (file: Buffer): Buffer => Buffer.from(file.toString().replaceAll(/-----.*-----|\s/g, ""), "base64");

const rebuild = (head: Buffer, section: Buffer): Buffer => armor(Buffer.concat([head, wireString(section)]));

describe.skipIf(sshKeygen.missing)(`OpenSSH private keys of ${sshKeygen.label}`, () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  test.each([
    ["ed25519", undefined],
    ["rsa", 1024],
    ["rsa", 2048],
    ["rsa", 3072],
    ["rsa", 4096],
  ] as const)("%s %s without a passphrase opens", async (type, bits) => {
    const made = await makeKey(folder.path, `plain-${type}${bits}`, {
      type,
      ...(bits && { bits }),
      comment: "me@hère",
    });
    const file = readPrivateKey(made.bytes);
    expect(file).toMatchObject({ format: "openssh", encrypted: false });
    expect(file.publicKey?.blob.toString("base64")).toBe(made.publicLine.split(" ")[1]);
    const key = await file.unlock();
    await expect(key).toBelongTo(made.publicLine);
    expect(key.publicKey.comment).toBe("me@hère");
  });

  test.each(ciphers)("a key encrypted with %s opens with its passphrase and no other", async (cipher) => {
    const made = await makeKey(folder.path, cipher, { cipher, passphrase, rounds: 1 });
    const file = readPrivateKey(made.bytes);
    expect(file).toMatchObject({ format: "openssh", encrypted: true });
    expect(file.publicKey?.blob.toString("base64")).toBe(made.publicLine.split(" ")[1]);
    await expect(await file.unlock(utf8)).toBelongTo(made.publicLine);
    await expect(await file.unlock(new Uint8Array(utf8))).toBelongTo(made.publicLine);
    await expect(() => file.unlock(Buffer.from("CANARY"))).toFailWith("WRONG_PASSPHRASE", /^(?!.*CANARY)/);
    await expect(() => file.unlock()).toFailWith("PASSPHRASE_REQUIRED");
    await expect(() => file.unlock(Buffer.alloc(0))).toFailWith("PASSPHRASE_REQUIRED");
  });

  test.each(["aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"])(
    "an RSA key of 3072 bits encrypted with %s opens",
    async (cipher) => {
      const made = await makeKey(folder.path, `rsa-${cipher}`, { type: "rsa", cipher, passphrase, rounds: 2 });
      await expect(await readPrivateKey(made.bytes).unlock(utf8)).toBelongTo(made.publicLine);
    },
  );

  test.each(["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"])(
    "a change of the tag of %s, or of the comment under it, does not pass",
    async (cipher) => {
      const comment = "x".repeat(40);
      const bytes = unarmor(
        (await makeKey(folder.path, `tag-${cipher}`, { cipher, passphrase, rounds: 1, comment })).bytes,
      );
      for (const fromEnd of [1, 16, 16 + 30]) {
        const changed = Buffer.from(bytes);
        changed[changed.length - fromEnd] = (changed.at(-fromEnd) ?? 0) ^ 1;
        await expect(() => readPrivateKey(armor(changed)).unlock(utf8)).toFailWith("WRONG_PASSPHRASE");
      }
      expect((await readPrivateKey(armor(bytes)).unlock(utf8)).publicKey.comment).toBe(comment);
    },
  );

  test("a key with ssh-keygen's own choice of cipher and rounds opens", async () => {
    const made = await makeKey(folder.path, "defaults", { passphrase, rounds: null });
    await expect(await readPrivateKey(made.bytes).unlock(utf8)).toBelongTo(made.publicLine);
  });

  test("unlocking gives secrets of its own each time, and needs the file's bytes no more", async () => {
    const made = await makeKey(folder.path, "twice");
    const bytes = Buffer.from(made.bytes);
    const file = readPrivateKey(bytes);
    bytes.fill(0);
    const first = await file.unlock();
    if (first.type === "ssh-ed25519") first.seed.fill(0);
    await expect(await file.unlock()).toBelongTo(made.publicLine);
  });

  test("CRLF, blanks around and lines of another length are tolerated", async () => {
    const made = await makeKey(folder.path, "lines");
    const crlf = Buffer.from(`\r\n${made.bytes.toString().replaceAll("\n", "\r\n")}\r\n`);
    await expect(await readPrivateKey(crlf).unlock()).toBelongTo(made.publicLine);
    await expect(await readPrivateKey(armor(unarmor(made.bytes))).unlock()).toBelongTo(made.publicLine);
  });

  test.each([256, 384, 521])("an ECDSA key of %i bits is refused by name", async (bits) => {
    const made = await makeKey(folder.path, `ecdsa${bits}`, { type: "ecdsa", bits });
    await expect(() => readPrivateKey(made.bytes)).toFailWith("UNSUPPORTED_KEY", `ecdsa-sha2-nistp${bits} keys cannot`);
  });

  test("a certificate is refused", async () => {
    const made = await makeKey(folder.path, "certified");
    await runOk(sshKeygen.path, ["-q", "-s", made.path, "-I", "id", `${made.path}.pub`]);
    const certificate = readFileSync(join(folder.path, "certified-cert.pub"));
    await expect(() => readPrivateKey(certificate)).toFailWith("UNSUPPORTED_KEY", "certificates can only sign");
  });

  /** An unencrypted Ed25519 key's bytes, cut at its private section. */
  const parts = async (name: string): Promise<{ head: Buffer; section: Buffer }> => {
    const bytes = unarmor((await makeKey(folder.path, name, { comment: "abc" })).bytes);
    const start = bytes.lastIndexOf(Buffer.from("ssh-ed25519")) - 4 - 8;
    return { head: bytes.subarray(0, start - 4), section: bytes.subarray(start) };
  };

  test("a private half that is another key's is refused", async () => {
    const [one, other] = [await parts("one"), await parts("other")];
    await expect(() => readPrivateKey(rebuild(one.head, other.section)).unlock()).toFailWith(
      "MALFORMED_KEY",
      "its private section holds a different public key",
    );
  });

  test("a second half of the secret that is not the public key is refused", async () => {
    const { head, section } = await parts("half");
    const changed = Buffer.from(section);
    const lastOfSecret = 8 + 4 + 11 + 4 + 32 + 4 + 63;
    changed[lastOfSecret] = (changed[lastOfSecret] ?? 0) ^ 1;
    await expect(() => readPrivateKey(rebuild(head, changed)).unlock()).toFailWith(
      "MALFORMED_KEY",
      "its private section holds a different public key",
    );
  });

  test("a seed that is not that of its public key is refused", async () => {
    const { head, section } = await parts("seed");
    const changed = Buffer.from(section);
    const seedAt = 8 + 4 + 11 + 4 + 32 + 4;
    changed[seedAt] = (changed[seedAt] ?? 0) ^ 1;
    await expect(() => readPrivateKey(rebuild(head, changed)).unlock()).toFailWith("MALFORMED_KEY", "does not belong");
  });

  /** The file of an unencrypted RSA key with these numbers, under the public key that it is for. */
  const rsaFile = (publicKey: JsonWebKey, numbers: Record<"n" | "e" | "d" | "qi" | "p" | "q", bigint>): Buffer => {
    const mpint = (value: bigint): Buffer => wireMpint(fromBigInt(value));
    const check = Buffer.alloc(8, 7);
    const fields = [numbers.n, numbers.e, numbers.d, numbers.qi, numbers.p, numbers.q].map(mpint);
    const content = Buffer.concat([check, wireString("ssh-rsa"), ...fields, wireString("abc")]);
    const section = Buffer.concat([content, Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, -content.length & 7))]);
    const outer = [publicKey.e, publicKey.n].map((text) => wireMpint(Buffer.from(text ?? "", "base64url")));
    const blob = Buffer.concat([wireString("ssh-rsa"), ...outer]);
    const head = [
      Buffer.from("openssh-key-v1\0"),
      ...["none", "none", ""].map(wireString),
      uint32(1),
      wireString(blob),
    ];
    return rebuild(Buffer.concat(head), section);
  };
  const newRsa = (): { jwk: JsonWebKey; numbers: Parameters<typeof rsaFile>[1] } => {
    const jwk = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ format: "jwk" });
    const number = (text = ""): bigint => toBigInt(Buffer.from(text, "base64url"));
    const { n, e, d, qi, p, q } = jwk;
    const numbers = { n: number(n), e: number(e), d: number(d), qi: number(qi), p: number(p), q: number(q) };
    return { jwk, numbers };
  };

  test("an RSA key of this test's making opens, and another's private half in it is refused", async () => {
    const [one, other] = [newRsa(), newRsa()];
    expect((await readPrivateKey(rsaFile(one.jwk, one.numbers)).unlock()).type).toBe("ssh-rsa");
    await expect(() => readPrivateKey(rsaFile(one.jwk, other.numbers)).unlock()).toFailWith(
      "MALFORMED_KEY",
      "its secret half does not belong to its public half",
    );
  });

  test("an RSA key of which one number does not agree with the others is refused", async () => {
    const { jwk, numbers } = newRsa();
    const { d, p, q, qi } = numbers;
    for (const change of [
      { d: d + (p - 1n) }, // wrong for q alone
      { d: d + (q - 1n) }, // wrong for p alone
      { qi: qi + 1n },
      { p: p + 2n },
      { q: q + 2n },
      { p: 1n, q: p * q },
      { p: p * q, q: 1n },
    ]) {
      await expect(() => readPrivateKey(rsaFile(jwk, { ...numbers, ...change })).unlock()).toFailWith(
        "MALFORMED_KEY",
        "its numbers do not belong together",
      );
    }
  });

  test("RSA numbers that do not agree are refused", async () => {
    const bytes = unarmor((await makeKey(folder.path, "numbers", { type: "rsa", bits: 1024, comment: "abc" })).bytes);
    // The last number is q, before the comment and the padding.
    const commentAt = bytes.lastIndexOf(wireString("abc"));
    const changed = Buffer.from(bytes);
    changed[commentAt - 2] = (changed[commentAt - 2] ?? 0) ^ 1;
    await expect(() => readPrivateKey(armor(changed)).unlock()).toFailWith(
      "MALFORMED_KEY",
      "its numbers do not belong together",
    );
  });

  test("bad padding is refused, and a whole block of good padding is not", async () => {
    const { head, section } = await parts("padding");
    const end = section.lastIndexOf(wireString("abc")) + 7;
    const padding = (from: number, length: number): Buffer =>
      Buffer.concat([section.subarray(0, end), Buffer.from(Array.from({ length }, (_, index) => from + index))]);
    const length = section.length - end;
    expect(length).toBeGreaterThan(0);
    expect((await readPrivateKey(rebuild(head, padding(1, length + 8))).unlock()).type).toBe("ssh-ed25519");
    await expect(() => readPrivateKey(rebuild(head, padding(2, length))).unlock()).toFailWith(
      "MALFORMED_KEY",
      "padding",
    );
    await expect(() => readPrivateKey(rebuild(head, padding(1, length + 1)))).toFailWith("MALFORMED_KEY", "blocks");
  });

  test("check numbers that differ in a file without a passphrase are damage", async () => {
    const { head, section } = await parts("check");
    const changed = Buffer.from(section);
    changed[0] = (changed[0] ?? 0) ^ 1;
    await expect(() => readPrivateKey(rebuild(head, changed)).unlock()).toFailWith(
      "MALFORMED_KEY",
      "check numbers differ",
    );
  });
});

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const bcrypt = (rounds: number, saltSize = 16): Buffer =>
  Buffer.concat([wireString(Buffer.alloc(saltSize, 1)), uint32(rounds)]);

describe("an OpenSSH private key", () => {
  const point = Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex");
  const ed25519Blob = Buffer.concat([wireString("ssh-ed25519"), wireString(point)]);
  interface Fields {
    magic?: string;
    cipher?: string;
    kdf?: string;
    options?: Buffer;
    count?: number;
    blob?: Buffer;
    section?: Buffer;
    after?: Buffer;
  }
  const file = (fields: Fields): Buffer => {
    const { magic = "openssh-key-v1\0", cipher = "none", kdf = "none", options = Buffer.alloc(0), count = 1 } = fields;
    const { blob = ed25519Blob, section = Buffer.alloc(64), after = Buffer.alloc(0) } = fields;
    const head = [Buffer.from(magic), wireString(cipher), wireString(kdf), wireString(options), uint32(count)];
    return armor(Buffer.concat([...head, wireString(blob), wireString(section), after]));
  };
  const encrypted = { cipher: "aes256-ctr", kdf: "bcrypt", options: bcrypt(16) };

  test("of this test's making is read where nothing is wrong with it", () => {
    expect(readPrivateKey(file({}))).toMatchObject({ encrypted: false });
    expect(readPrivateKey(file(encrypted))).toMatchObject({ encrypted: true });
    expect(readPrivateKey(file({ ...encrypted, options: bcrypt(1024) }))).toMatchObject({ encrypted: true });
  });

  test.each<[string, Fields, "MALFORMED_KEY" | "UNSUPPORTED_KEY", string]>([
    ["another magic", { magic: "openssh-key-v2\0" }, "MALFORMED_KEY", "openssh-key-v1"],
    ["a cipher without a KDF", { cipher: "aes256-ctr" }, "MALFORMED_KEY", "a cipher without a KDF"],
    ["a KDF without a cipher", { kdf: "bcrypt", options: bcrypt(16) }, "MALFORMED_KEY", "a cipher without a KDF"],
    ["options for no KDF", { options: bcrypt(16) }, "MALFORMED_KEY", "options of a KDF"],
    ["two keys", { count: 2 }, "MALFORMED_KEY", "expected one key in it, got 2"],
    ["no key", { count: 0 }, "MALFORMED_KEY", "expected one key in it, got 0"],
    ["bytes at its end", { after: Buffer.of(0) }, "MALFORMED_KEY", "1 bytes are left over"],
    ["an empty private section", { section: Buffer.alloc(0) }, "MALFORMED_KEY", "blocks"],
    ["half a block", { section: Buffer.alloc(60) }, "MALFORMED_KEY", "blocks"],
    ["half a block of AES", { ...encrypted, section: Buffer.alloc(72) }, "MALFORMED_KEY", "blocks"],
    ["a cipher not known here", { ...encrypted, cipher: "CANARY" }, "UNSUPPORTED_KEY", "cipher that is not supported"],
    ["a KDF not known here", { ...encrypted, kdf: "CANARY" }, "UNSUPPORTED_KEY", "expected the KDF bcrypt"],
    ["huge rounds", { ...encrypted, options: bcrypt(0xffffffff) }, "UNSUPPORTED_KEY", "at most 1024 rounds"],
    ["no rounds", { ...encrypted, options: bcrypt(0) }, "MALFORMED_KEY", "at least one round"],
    ["no salt", { ...encrypted, options: bcrypt(16, 0) }, "MALFORMED_KEY", "salt"],
    ["a huge salt", { ...encrypted, options: bcrypt(16, 65) }, "MALFORMED_KEY", "salt of 1 to 64 bytes, got 65"],
    ["KDF options cut short", { ...encrypted, options: bcrypt(16).subarray(0, 22) }, "MALFORMED_KEY", "ends too early"],
    ["no tag", { ...encrypted, cipher: "aes256-gcm@openssh.com" }, "MALFORMED_KEY", "ends too early"],
    [
      "a FIDO key",
      {
        blob: Buffer.concat([wireString("sk-ssh-ed25519@openssh.com"), wireString(point), wireString("ssh:")]),
      },
      "UNSUPPORTED_KEY",
      "FIDO keys can only sign",
    ],
    [
      "a DSA key",
      { blob: Buffer.concat([wireString("ssh-dss"), ...["1", "2", "3", "4"].map((number) => wireString(number))]) },
      "UNSUPPORTED_KEY",
      "ssh-dss keys cannot open or receive messages: DSA keys can only sign",
    ],
    ["a type not known here", { blob: wireString("CANARY") }, "UNSUPPORTED_KEY", "these keys"],
    ["a point of small order", { blob: Buffer.from(ed25519Blob).fill(0, 19, 51) }, "MALFORMED_KEY", "small order"],
  ])("with %s is refused", async (_, fields, code, message) => {
    await expect(() => readPrivateKey(file(fields))).toFailWith(code, message);
  });
});
