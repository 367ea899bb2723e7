import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer, runOk, temporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, test } from "vitest";
import { readPrivateKey, type PrivateKey, type PrivateKeyFile } from "../src/index.ts";
import { makeKey, sshKeygen, type MadeKey } from "./make-key.ts";
import { expect, keyErrorOf } from "./matchers.ts";

const openssl = peer("openssl");
const passphrase = "pässwörd ✓ 鍵";
const utf8 = Buffer.from(passphrase);

const openEncrypted = async (bytes: Uint8Array): Promise<PrivateKey> => {
  const file = readPrivateKey(bytes);
  expect(file).toMatchObject({ format: "pem", encrypted: true, publicKey: null });
  for (let index = 0; index < 40; index += 1) {
    // A wrong passphrase leaves good padding once in 256 times; that is no damaged file either.
    const wrong = Buffer.from(`CANARY ${index}`);
    await expect(() => file.unlock(wrong)).toFailWith("WRONG_PASSPHRASE", /^(?!.*CANARY)/);
  }
  await expect(() => file.unlock()).toFailWith("PASSPHRASE_REQUIRED");
  return await file.unlock(new Uint8Array(utf8));
};

const openPlain = async (bytes: Uint8Array): Promise<PrivateKey> => {
  const file = readPrivateKey(bytes);
  expect(file).toMatchObject({ format: "pem", encrypted: false });
  const key = await file.unlock();
  expect(file.publicKey?.blob).toEqual(key.publicKey.blob);
  return key;
};

const readText = (text: string): PrivateKeyFile => readPrivateKey(Buffer.from(text));

const toPem = (key: KeyObject): Buffer => Buffer.from(key.export({ format: "pem", type: "pkcs8" }));

describe.skipIf(sshKeygen.missing)(`PEM private keys of ${sshKeygen.label}`, () => {
  const folder = temporaryFolder();
  const path = (name: string): string => join(folder.path, name);
  afterAll(() => folder.remove());

  test.each(["PEM", "PKCS8"] as const)("an RSA key in %s opens, with a passphrase and without", async (format) => {
    const plain = await makeKey(folder.path, `plain-${format}`, { type: "rsa", bits: 2048, format });
    await expect(await openPlain(plain.bytes)).toBelongTo(plain.publicLine);
    await expect(await openPlain(Buffer.from(plain.bytes.toString().replaceAll("\n", "\r\n")))).toBelongTo(
      plain.publicLine,
    );
    const encrypted = await makeKey(folder.path, `encrypted-${format}`, {
      type: "rsa",
      bits: 2048,
      format,
      passphrase,
    });
    await expect(await openEncrypted(encrypted.bytes)).toBelongTo(encrypted.publicLine);
  });

  test.each(["PEM", "PKCS8"] as const)("an ECDSA key in %s is refused", async (format) => {
    const made = await makeKey(folder.path, `ecdsa-${format}`, { type: "ecdsa", format });
    await expect(() => readPrivateKey(made.bytes)).toFailWith("UNSUPPORTED_KEY", "ECDSA keys can only sign");
  });

  test("an encrypted ECDSA key in SEC 1 is refused", async () => {
    const made = await makeKey(folder.path, "ecdsa-sec1", { type: "ecdsa", format: "PEM", passphrase });
    await expect(() => readPrivateKey(made.bytes)).toFailWith("UNSUPPORTED_KEY", "ECDSA keys can only sign");
  });

  test("an encrypted ECDSA key in PKCS#8 is refused when it shows what it is", async () => {
    const made = await makeKey(folder.path, "ecdsa-encrypted", { type: "ecdsa", format: "PKCS8", passphrase });
    await expect(() => readPrivateKey(made.bytes).unlock(utf8)).toFailWith(
      "UNSUPPORTED_KEY",
      "ECDSA keys can only sign",
    );
  });

  describe.skipIf(openssl.missing)(`as ${openssl.label} writes them`, () => {
    const made = new Map<string, MadeKey>();

    beforeAll(async () => {
      made.set("rsa", await makeKey(folder.path, "rsa", { type: "rsa", bits: 2048, format: "PEM" }));
      const ed25519 = await makeKey(folder.path, "ed25519");
      made.set("ed25519", ed25519);
      const key = await readPrivateKey(ed25519.bytes).unlock();
      const seed = key.type === "ssh-ed25519" ? key.seed : Buffer.alloc(0);
      const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
      const pem = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" });
      writeFileSync(path("ed25519.pem"), pem);
      await runOk(openssl.path, ["pkcs8", "-topk8", "-nocrypt", "-in", path("rsa"), "-out", path("rsa.pem")]);
    });

    test.each(["rsa", "ed25519"])("%s in PKCS#8 opens", async (name) => {
      const bytes = await runOk(openssl.path, ["pkey", "-in", path(`${name}.pem`)]);
      await expect(await openPlain(bytes)).toBelongTo(made.get(name)?.publicLine ?? "");
    });

    test.each(["-aes128", "-aes192", "-aes256", "-des3"])(
      "an RSA key in PKCS#1 encrypted with %s opens",
      async (cipher) => {
        const args = ["rsa", "-traditional", cipher, "-in", path("rsa"), "-passout", `pass:${passphrase}`];
        await expect(await openEncrypted(await runOk(openssl.path, args))).toBelongTo(
          made.get("rsa")?.publicLine ?? "",
        );
      },
    );

    test.each([
      ["rsa", ["-v2", "aes-128-cbc"]],
      ["rsa", ["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512"]],
      ["rsa", ["-v2", "aes-256-cbc", "-iter", "20000"]],
      ["rsa", ["-v2", "des3"]],
      ["ed25519", ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"]],
      ["ed25519", ["-scrypt"]],
    ])("%s in PKCS#8 encrypted with %j opens", async (name, options) => {
      const args = ["pkcs8", "-topk8", ...options, "-in", path(`${name}.pem`), "-passout", `pass:${passphrase}`];
      await expect(await openEncrypted(await runOk(openssl.path, args))).toBelongTo(made.get(name)?.publicLine ?? "");
    });

    test.each([
      ["PBES1", ["-v1", "PBE-SHA1-3DES"], "expected PBES2"],
      ["another cipher", ["-v2", "camellia-256-cbc"], "expected AES-CBC"],
      ["very many iterations", ["-v2", "aes-256-cbc", "-iter", "10000001"], "too much work"],
    ])("PKCS#8 encrypted with %s is refused with a way out", async (_, options, message) => {
      const args = ["pkcs8", "-topk8", ...options, "-in", path("rsa.pem"), "-passout", "pass:x"];
      const bytes = await runOk(openssl.path, args);
      await expect(() => readPrivateKey(bytes)).toFailWith("UNSUPPORTED_KEY", message);
      await expect(keyErrorOf(() => readPrivateKey(bytes))).resolves.toMatchObject({
        hint: expect.stringContaining("ssh-keygen -p"),
      });
    });

    test("PKCS#8 that asks for very much of scrypt is refused", async () => {
      const args = ["pkcs8", "-topk8", "-scrypt", "-in", path("ed25519.pem"), "-passout", "pass:x"];
      const [, body = ""] = (await runOk(openssl.path, args)).toString().replaceAll("\n", "").split("-----").slice(1);
      const der = Buffer.from(body, "base64").toString("hex");
      // The parameters r = 8, p = 1.
      const hostile = Buffer.from(der.replace("020108020101", "02010802017f"), "hex").toString("base64");
      expect(hostile).not.toBe(body);
      const text = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${hostile}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
      await expect(() => readText(text)).toFailWith("UNSUPPORTED_KEY", "too much work");
    });
  });
});

describe("PEM private keys that node:crypto exports", () => {
  test.each(["aes-128-cbc", "aes-256-cbc", "des-ede3-cbc"])("of Ed25519 encrypted with %s open", async (cipher) => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const bytes = Buffer.from(privateKey.export({ format: "pem", type: "pkcs8", cipher, passphrase }));
    const key = await readPrivateKey(bytes).unlock(utf8);
    expect(key.type).toBe("ssh-ed25519");
    expect(key.publicKey).toMatchObject({ point: publicKey.export({ format: "der", type: "spki" }).subarray(-32) });
  });

  test.each([
    [
      "DSA",
      () => generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }).privateKey,
      "DSA keys can only sign",
    ],
    ["Ed448", () => generateKeyPairSync("ed448").privateKey, "another type"],
    ["X25519", () => generateKeyPairSync("x25519").privateKey, "another type"],
    ["RSA-PSS", () => generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey, "another type"],
    ["RSA of 512 bits", () => generateKeyPairSync("rsa", { modulusLength: 512 }).privateKey, "RSA of 512 bits"],
  ])("of %s are refused", async (_, make, message) => {
    await expect(() => readPrivateKey(toPem(make()))).toFailWith("UNSUPPORTED_KEY", message);
  });

  test("with headers of another kind, another END line or no DER are malformed", async () => {
    const text = toPem(generateKeyPairSync("ed25519").privateKey).toString();
    await expect(() => readText(text.replace("KEY-----\n", "KEY-----\nX: CANARY\n\n"))).toFailWith(
      "MALFORMED_KEY",
      "headers",
    );
    await expect(() => readText(text.replace("END PRIVATE", "END RSA PRIVATE"))).toFailWith(
      "MALFORMED_KEY",
      "END line",
    );
    await expect(() => readText(text.replace("\nMC", "\nmC"))).toFailWith("MALFORMED_KEY", "DER is damaged");
    await expect(() => readText(text.replace("\nMC", "\n!C"))).toFailWith("MALFORMED_KEY", "canonical base64");
    const dek = "Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,0011223344556677\n\n";
    const legacy = text.replaceAll("PRIVATE KEY", "RSA PRIVATE KEY").replace("KEY-----\n", `KEY-----\n${dek}`);
    await expect(() => readText(legacy)).toFailWith("UNSUPPORTED_KEY", "expected AES-CBC or DES-EDE3-CBC");
    await expect(() => readText(legacy.replace(/DEK.*\n/, ""))).toFailWith("MALFORMED_KEY", "headers are damaged");
  });
});

test("bytes after the DER of a PEM private key are damage", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  for (const [after, code] of [
    [Buffer.alloc(0), null],
    [Buffer.of(0), "MALFORMED_KEY"],
  ] as const) {
    const der = Buffer.concat([privateKey.export({ format: "der", type: "pkcs8" }), after]).toString("base64");
    const read = (): unknown => readText(`-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`);
    if (code === null) expect(read()).toMatchObject({ format: "pem" });
    else await expect(read).toFailWith(code, "its DER is damaged");
  }
});

describe("what is no private key", () => {
  test.each([
    ["nothing", "", "an empty file"],
    ["white space", " \n\t", "an empty file"],
    ["prose", "CANARY", "this is not a private key"],
    ["a public key", "ssh-ed25519 CANARY", "got a public key"],
    ["an RFC 4716 public key", "---- BEGIN SSH2 PUBLIC KEY ----\nCANARY", "got a public key"],
    ["a PEM public key", "-----BEGIN PUBLIC KEY-----\nCANARY", "got a public key"],
    ["an RSA public key", "-----BEGIN RSA PUBLIC KEY-----\nCANARY", "got a public key"],
    ["an age identity", "# created: CANARY\nAGE-SECRET-KEY-1CANARY", "got an age identity"],
    ["an OpenPGP key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nCANARY", "got an OpenPGP key"],
    ["an ssh.com key", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nCANARY", "SSH Communications Security"],
    ["an X.509 certificate", "-----BEGIN CERTIFICATE-----\nCANARY", "got a certificate"],
    ["a file over 16 KiB", "CANARY".repeat(3000), "at most 16384 bytes, got 18000"],
  ])("such as %s is named", async (_, text, message) => {
    await expect(() => readPrivateKey(Buffer.from(text))).toFailWith("MALFORMED_KEY", message);
    await expect(() => readPrivateKey(Buffer.from(text))).toFailWith("MALFORMED_KEY", /^(?!.*CANARY)/);
  });

  test("that is no Uint8Array is a TypeError", () => {
    expect(() => readPrivateKey("text" as unknown as Uint8Array)).toThrow(TypeError);
  });
});
