import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import { KeyError, readPrivateKey, type PrivateKey } from "../src/index.ts";
import { makeKey, puttygen, sshKeygen } from "./make-key.ts";
import { expect, keyErrorOf } from "./matchers.ts";

const secretOf = (key: PrivateKey): string =>
  key.type === "ssh-ed25519" ? key.seed.toString("hex") : key.key.export({ format: "pem", type: "pkcs8" }).toString();

/**
 * Reads and unlocks, and gives the secret; null where that ended with a KeyError. Anything else
 * that is thrown fails the test.
 */
const secretIn = async (bytes: Uint8Array, passphrase?: Uint8Array): Promise<string | null> => {
  try {
    return secretOf(await readPrivateKey(bytes).unlock(passphrase));
  } catch (error) {
    if (error instanceof KeyError) return null;
    throw error;
  }
};

describe.skipIf(sshKeygen.missing || puttygen.missing)(
  `damaged keys of ${sshKeygen.label} and ${puttygen.label}`,
  () => {
    const folder = temporaryFolder();
    const files = new Map<string, Buffer>();
    const names = [
      "openssh ed25519",
      "openssh rsa",
      "pem rsa",
      "pkcs8 ed25519",
      "putty ed25519",
      "encrypted putty ed25519",
    ];
    const passphrase = Buffer.from("passphrase");

    beforeAll(async () => {
      const ed25519 = await makeKey(folder.path, "ed25519");
      files.set("openssh ed25519", ed25519.bytes);
      files.set("openssh rsa", (await makeKey(folder.path, "rsa", { type: "rsa", bits: 1024 })).bytes);
      files.set("pem rsa", (await makeKey(folder.path, "pem", { type: "rsa", bits: 1024, format: "PEM" })).bytes);
      const { privateKey } = generateKeyPairSync("ed25519");
      files.set("pkcs8 ed25519", Buffer.from(privateKey.export({ format: "pem", type: "pkcs8" })));
      const ppk = join(folder.path, "key.ppk");
      await runOk(puttygen.path, [ed25519.path, "-O", "private", "-o", ppk]);
      files.set("putty ed25519", readFileSync(ppk));
      const passphraseFile = join(folder.path, "passphrase");
      writeFileSync(passphraseFile, passphrase);
      const protection = ["--new-passphrase", passphraseFile, "--ppk-param", "memory=8,passes=1"];
      await runOk(puttygen.path, [ed25519.path, "-O", "private", "-o", ppk, ...protection]);
      files.set("encrypted putty ed25519", readFileSync(ppk));
    });
    afterAll(() => folder.remove());

    test.each(names)("%s cut at any length is refused", async (name) => {
      const bytes = files.get(name) ?? Buffer.alloc(0);
      // White space at the end is no part of the key.
      const { length } = bytes.toString("latin1").trimEnd();
      for (let end = 0; end < length; end += 1) {
        const error = await keyErrorOf(async () => await readPrivateKey(bytes.subarray(0, end)).unlock(passphrase));
        expect(["MALFORMED_KEY", "UNSUPPORTED_KEY"]).toContain(error.code);
      }
    });

    // An Ed25519 key in PKCS#8 has neither a public half nor a check: any 32 bytes in it are a key.
    test.each(names.filter((name) => name !== "pkcs8 ed25519"))(
      "%s with any one bit flipped is refused, or is the same key",
      async (name) => {
        const bytes = files.get(name) ?? Buffer.alloc(0);
        const secret = await secretIn(bytes, passphrase);
        expect(secret).not.toBeNull();
        let refused = 0;
        for (let at = 0; at < bytes.length; at += 1) {
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
          const outcome = await secretIn(changed, passphrase);
          if (outcome === null) refused += 1;
          else expect(outcome).toBe(secret);
        }
        expect(refused).toBeGreaterThan(bytes.length / 2);
      },
    );

    test("an encrypted key with bits flipped is refused", async () => {
      for (const cipher of ["aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]) {
        const { bytes } = await makeKey(folder.path, cipher, {
          passphrase: "passphrase",
          cipher,
          rounds: 1,
          comment: "",
        });
        const secret = await secretIn(bytes, passphrase);
        expect(secret).not.toBeNull();
        for (let at = 40; at < bytes.length; at += 11) {
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ 1;
          expect([null, secret]).toContain(await secretIn(changed, passphrase));
        }
      }
    });

    test("no message repeats what is in a damaged file after its first line", async () => {
      for (const bytes of files.values()) {
        const lines = bytes.toString("latin1").trimEnd().split("\n");
        for (let at = 1; at < lines.length; at += 1) {
          const changed = [...lines.slice(0, at), `CANARY${lines[at]}`, ...lines.slice(at + 1)].join("\n");
          const error = await keyErrorOf(
            async () => await readPrivateKey(Buffer.from(changed, "latin1")).unlock(passphrase),
          );
          expect(`${error.message} ${error.hint}`).not.toMatch("CANARY");
        }
      }
    });
  },
);

describe("random bytes", () => {
  const starts = [
    "",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
    "PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: none\nComment: \n",
    "PuTTY-User-Key-File-3: ssh-rsa\n",
    "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nComment: \nPublic-Lines: 1\nAAAA\nKey-Derivation: Argon2id\n",
  ];
  const bytes = fc.uint8Array({ maxLength: 300 });
  const base64 = fc.tuple(fc.constantFrom("", "openssh-key-v1\0"), bytes).map(([magic, rest]) => {
    return Buffer.concat([Buffer.from(magic), rest]).toString("base64");
  });
  const text = fc
    .tuple(fc.constantFrom(...starts), fc.oneof(base64, fc.string({ unit: "binary" })))
    .map(([start, rest]) => {
      const label = /BEGIN (.*)-----/.exec(start)?.[1];
      return Buffer.from(label === undefined ? start + rest : `${start}${rest}\n-----END ${label}-----\n`);
    });

  test("are refused with a KeyError", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, text), async (input) => {
        expect(await secretIn(input, Buffer.from("passphrase"))).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });
});
