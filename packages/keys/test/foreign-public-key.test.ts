import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import { afterAll, describe, test } from "vitest";
import { readAnyPublicKeys, readPublicKeys } from "../src/index.ts";
import { makeKey, puttygen, sshKeygen } from "./make-key.ts";
import { expect, keyErrorOf } from "./matchers.ts";

describe.skipIf(sshKeygen.missing)(`public keys that ${sshKeygen.label} converted`, () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  test.each([
    ["ed25519", "RFC4716"],
    ["rsa", "RFC4716"],
    ["rsa", "PEM"],
    ["rsa", "PKCS8"],
  ] as const)("%s in %s is the key that it was", async (type, format) => {
    const comment = "a comment so long that the header which holds it is continued on a second line, and on a third";
    const made = await makeKey(folder.path, `${type}-${format}`, { type, comment });
    const text = (await runOk(sshKeygen.path, ["-e", "-m", format, "-f", `${made.path}.pub`])).toString();
    const [{ key } = { key: null }] = readPublicKeys(made.publicLine);
    for (const each of [text, text.replaceAll("\n", "\r\n"), `\n${text}`]) {
      const entries = await readAnyPublicKeys(each);
      expect(entries).toHaveLength(1);
      expect(entries[0]).toMatchObject({ line: 1, type: `ssh-${type}`, unusable: null });
      expect(entries[0]?.key?.blob).toEqual(key?.blob);
    }
  });

  test.skipIf(puttygen.missing)(`a long comment that ${puttygen.label} wrote in RFC 4716 does no harm`, async () => {
    const made = await makeKey(folder.path, "long", { comment: "word ".repeat(40) });
    const text = (await runOk(puttygen.path, [`${made.path}.pub`, "-O", "public"])).toString();
    expect(text).toMatch("BEGIN SSH2 PUBLIC KEY");
    const [entry] = await readAnyPublicKeys(text);
    expect(entry?.key?.blob.toString("base64")).toBe(made.publicLine.split(" ")[1]);
  });

  test.each(["RFC4716", "PKCS8"])("ECDSA in %s is told to be unusable", async (format) => {
    const made = await makeKey(folder.path, `ecdsa-${format}`, { type: "ecdsa" });
    const text = (
      await runOk(sshKeygen.path, ["-e", "-m", format, "-f", join(folder.path, `ecdsa-${format}.pub`)])
    ).toString();
    const [entry] = await readAnyPublicKeys(text);
    expect(entry).toMatchObject({ type: "ecdsa-sha2-nistp256", key: null, unusable: "ECDSA keys can only sign" });
    expect(entry?.fingerprint).toBe(readPublicKeys(made.publicLine)[0]?.fingerprint);
  });
});

describe("a text of public keys in whatever format", () => {
  test("of Ed25519 in PEM is read", async () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    const [entry] = await readAnyPublicKeys(publicKey.export({ format: "pem", type: "spki" }).toString());
    expect(entry?.key).toMatchObject({ point: publicKey.export({ format: "der", type: "spki" }).subarray(-32) });
  });

  test("of lines is read as by readPublicKeys", async () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    const [entry] = await readAnyPublicKeys(publicKey.export({ format: "pem", type: "spki" }).toString());
    const line = `ssh-ed25519 ${entry?.key?.blob.toString("base64")} a comment`;
    const text = `# keys\n${line}\nnonsense\n`;
    expect(await readAnyPublicKeys(text)).toEqual(readPublicKeys(text));
    expect(readPublicKeys(text)[0]?.key).not.toBeNull();
  });

  test("that is damaged, cut or too long is refused without a word of it", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
    for (let end = 27; end < pem.trimEnd().length; end += 1) {
      expect((await keyErrorOf(async () => await readAnyPublicKeys(pem.slice(0, end)))).code).toBe("MALFORMED_KEY");
    }
    await expect(() => readAnyPublicKeys(pem.replace("MII", "CANARY"))).toFailWith("MALFORMED_KEY", /^(?!.*CANARY)/);
    await expect(() => readAnyPublicKeys(pem + " ".repeat(16_384))).toFailWith("MALFORMED_KEY", "at most 16384 bytes");
    await expect(() => readAnyPublicKeys("\0")).toFailWith("MALFORMED_KEY", "binary");
    await expect(() => readAnyPublicKeys("-----BEGIN PRIVATE KEY-----")).toFailWith("MALFORMED_KEY", "private key");
  });
});
