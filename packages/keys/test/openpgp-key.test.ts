import { readFileSync } from "node:fs";
import { peer, startGnuPg, type GnuPg } from "@git-vault/testkit";
import * as openpgp from "openpgp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  isOpenPgpKey,
  isOpenPgpPrivateKey,
  readOpenPgpKeys,
  readOpenPgpPackets,
  readOpenPgpPrivateKeys,
} from "../src/index.ts";

const gpg = peer("gpg");

/** The key of RFC 9580, appendix A.3: version 6, Ed25519 and X25519. */
const VERSION_6 = readFileSync(new URL("vectors/rfc9580-a3-certificate.asc", import.meta.url), "utf8");

describe("OpenPGP keys", () => {
  test("of version 6 are read", async () => {
    const [entry] = await readOpenPgpKeys(Buffer.from(VERSION_6));
    expect(entry).toMatchObject({
      fingerprint: "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9",
      algorithm: "x25519",
      unusable: null,
      key: { version: 6, encryptionKey: { keyId: "12C83F1E706F6308" } },
    });
  });

  test.each(["", "hello", "ssh-ed25519 AAAA", "\u0099\u0000", "-----BEGIN PGP MESSAGE-----"])(
    "are not in %j",
    (text) => {
      expect(isOpenPgpKey(Buffer.from(text, "latin1"))).toBe(false);
      expect(isOpenPgpPrivateKey(Buffer.from(text, "latin1"))).toBe(false);
    },
  );

  test("that are cut short or damaged are refused, or named as such", async () => {
    const cut = VERSION_6.slice(0, 300);
    await expect(readOpenPgpKeys(Buffer.from(cut))).rejects.toMatchObject({ code: "MALFORMED_KEY" });
    const strayed = VERSION_6.replace("xioG", "x\u00e9oG");
    await expect(readOpenPgpKeys(Buffer.from(strayed))).rejects.toMatchObject({ code: "MALFORMED_KEY" });
    const forged = VERSION_6.replace("XubZvyl4GBg==", "XubZvyl5GBg==");
    expect(await readOpenPgpKeys(Buffer.from(forged))).toMatchObject([
      { key: null, unusable: "its encryption subkey has no valid signature" },
    ]);
    const empty = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nNote: none\n\n\n=twTO\n-----END PGP PUBLIC KEY BLOCK-----\n";
    expect(await readOpenPgpKeys(Buffer.from(empty))).toEqual([]);
  });
});

describe("OpenPGP private keys", () => {
  const SECRET_SUBKEY = 7;
  const generate = async (options: { passphrase?: string; config?: Partial<openpgp.Config> } = {}): Promise<Buffer> => {
    const userIDs = [{ name: "g" }];
    const { privateKey } = await openpgp.generateKey({ userIDs, type: "ecc", format: "object", ...options });
    return Buffer.from(privateKey.write());
  };
  const secretsOf = (key: openpgp.PrivateKey): Uint8Array[] =>
    key.getSubkeys().flatMap(({ keyPacket }) => {
      const { privateParams = {} } = keyPacket as unknown as { privateParams?: Record<string, unknown> };
      return Object.values(privateParams).filter((value) => value instanceof Uint8Array);
    });

  test("are no public keys, even behind one", async () => {
    const binary = await generate();
    const { keys } = await openpgp.readPrivateKeys({ binaryKeys: binary }).then(([key]) => ({ keys: key?.toPublic() }));
    const behind = Buffer.concat([Buffer.from(keys?.write() ?? []), binary]);
    for (const bytes of [binary, behind]) {
      await expect(readOpenPgpKeys(bytes)).rejects.toMatchObject({
        code: "MALFORMED_KEY",
        message: "expected an OpenPGP public key, got a private key",
      });
    }
  });

  test("whose secret half is another key's are refused", async () => {
    const binary = await generate();
    const [file] = await readOpenPgpPrivateKeys(binary);
    expect(await file?.unlock()).toMatchObject({ type: "openpgp" });
    const subkey = [...readOpenPgpPackets(binary)].find(({ tag }) => tag === SECRET_SUBKEY)?.body;
    // The checksum at its end is a sum, which two bytes of the secret that change places leave
    // alone.
    const at = (subkey?.length ?? 0) - 2 - 16;
    const [one = 0, other = 0] = subkey?.subarray(at, at + 2) ?? [];
    subkey?.set([other, one], at);
    expect(one).not.toBe(other);
    const [changed] = await readOpenPgpPrivateKeys(binary);
    await expect(changed?.unlock()).rejects.toMatchObject({
      code: "MALFORMED_KEY",
      message: "the OpenPGP private key does not belong to its public half",
    });
  });

  test("that ask for more than 256 MiB of memory are refused", async () => {
    const s2kArgon2Params = { passes: 1, parallelism: 1, memoryExponent: 10 };
    const config = { s2kType: openpgp.enums.s2k.argon2 as const, s2kArgon2Params, aeadProtect: true };
    const binary = await generate({ passphrase: "x", config });
    const [file] = await readOpenPgpPrivateKeys(binary);
    expect(await file?.unlock(Buffer.from("x"))).toMatchObject({ type: "openpgp" });
    const parameters = Buffer.from([1, 1, 10]);
    for (let at = binary.indexOf(parameters); at !== -1; at = binary.indexOf(parameters, at)) binary[at + 2] = 19;
    const [greedy] = await readOpenPgpPrivateKeys(binary);
    await expect(greedy?.unlock(Buffer.from("x"))).rejects.toMatchObject({
      code: "MALFORMED_KEY",
      message: "the OpenPGP private key cannot be unlocked: unlocking it needs more memory than is allowed",
    });
  });

  test("leave no secret in memory after they are wiped", async () => {
    const [file] = await readOpenPgpPrivateKeys(await generate());
    const unlocked = await file?.unlock();
    const secrets = unlocked === undefined ? [] : secretsOf(unlocked.key);
    expect(secrets.map((bytes) => bytes.some((byte) => byte !== 0))).toEqual([true]);
    unlocked?.wipe();
    expect(secrets.map((bytes) => bytes.some((byte) => byte !== 0))).toEqual([false]);
  });
});

describe.skipIf(gpg.missing)(`OpenPGP keys made by ${gpg.label}`, () => {
  let gnupg: GnuPg;
  beforeAll(() => {
    gnupg = startGnuPg();
  });
  afterAll(() => gnupg.end());

  const reasonOf = async (fingerprint: string): Promise<string | null | undefined> =>
    (await readOpenPgpKeys(await gnupg.exportPublic(fingerprint)))[0]?.unusable;

  test("that can be sealed to say by which part", async () => {
    const curve = await gnupg.generate({ userId: "Curve \u001B[31m <c@example.org>" });
    const rsa = await gnupg.generate({ userId: "Rsa <r@example.org>", algorithm: "rsa2048" });
    const both = Buffer.concat([await gnupg.exportPublic(curve), await gnupg.exportPublic(rsa)]);
    const binary = Buffer.concat([
      await gnupg.exportPublic(curve, { armor: false }),
      await gnupg.exportPublic(rsa, { armor: false }),
    ]);
    for (const bytes of [both, binary]) {
      expect(isOpenPgpKey(bytes)).toBe(true);
      expect(await readOpenPgpKeys(bytes)).toMatchObject([
        { line: 1, fingerprint: curve, comment: "Curve [31m <c@example.org>", algorithm: "cv25519", unusable: null },
        { line: 2, fingerprint: rsa, userIds: ["Rsa <r@example.org>"], algorithm: "rsa2048", unusable: null },
      ]);
    }
  });

  test("that cannot be sealed to say why", async () => {
    const signOnly = await gnupg.generate({ userId: "a <a@example.org>", signOnly: true });
    const expired = await gnupg.generate({ userId: "b <b@example.org>", expires: "seconds=1" });
    const weak = await gnupg.generate({ userId: "c <c@example.org>", algorithm: "rsa1024" });
    const weakSubkey = await gnupg.generate({ userId: "h <h@example.org>", signOnly: true });
    await gnupg.gpg(["--passphrase", "", "--quick-add-key", weakSubkey, "rsa1024", "encrypt"]);
    const subkey = await gnupg.generate({ userId: "d <d@example.org>", signOnly: true });
    await gnupg.gpg(["--passphrase", "", "--quick-add-key", subkey, "cv25519", "encrypt", "seconds=1"]);
    const revoked = await gnupg.generate({ userId: "e <e@example.org>" });
    await gnupg.gpg(["--passphrase", "", "--quick-revoke-uid", revoked, "e <e@example.org>"]).catch(() => null);
    const certificate = await gnupg.gpg(
      ["--yes", "--command-fd", "0", "--no-batch", "--gen-revoke", revoked],
      "y\n0\n\ny\n",
    );
    await gnupg.gpg(["--import"], certificate);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await reasonOf(signOnly)).toBe("it can only sign");
    expect(await reasonOf(expired)).toMatch(/^it expired on \d{4}-\d\d-\d\d$/);
    expect(await reasonOf(weak)).toBe("its primary key is RSA of 1024 bits, under the minimum of 2048");
    expect(await reasonOf(weakSubkey)).toBe("its encryption subkey is RSA of 1024 bits, under the minimum of 2048");
    expect(await reasonOf(subkey)).toMatch(/^its encryption subkey expired on/);
    expect(await reasonOf(revoked)).toBe("it is revoked");
  });

  test("that are private are unlocked by their passphrase alone", async () => {
    const fingerprint = await gnupg.generate({ userId: "f <f@example.org>", passphrase: "correct horse" });
    const secret = await gnupg.exportSecret(fingerprint, "correct horse");
    expect(isOpenPgpPrivateKey(secret)).toBe(true);
    expect(isOpenPgpKey(secret)).toBe(false);
    await expect(readOpenPgpKeys(secret)).rejects.toMatchObject({ code: "MALFORMED_KEY" });
    const [file] = await readOpenPgpPrivateKeys(secret);
    expect(file).toMatchObject({ fingerprint, encrypted: true, publicKey: { unusable: null } });
    await expect(file?.unlock()).rejects.toMatchObject({ code: "PASSPHRASE_REQUIRED" });
    await expect(file?.unlock(Buffer.from("wrong"))).rejects.toMatchObject({ code: "WRONG_PASSPHRASE" });
    expect(await file?.unlock(Buffer.from("correct horse"))).toMatchObject({ type: "openpgp" });
  });
});
