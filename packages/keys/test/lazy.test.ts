import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import { expect, test, vi } from "vitest";
import { findIdentities, parsePublicKey, readAnyPublicKeys, readPrivateKey, readPublicKeys } from "../src/index.ts";
import { makeKey, puttygen, sshKeygen } from "./make-key.ts";

const { imported } = vi.hoisted(() => ({ imported: new Set<string>() }));

// Of an ES module no list tells that it is loaded. The module itself is left as it is.
vi.mock("@noble/hashes/argon2.js", async (importOriginal) => {
  imported.add("@noble/hashes");
  return await importOriginal();
});

/**
 * Which of the heavy packages are loaded in this process; those in CommonJS stand in the cache of
 * `require`.
 */
const loaded = (): string[] => {
  const paths = Object.keys(createRequire(import.meta.url).cache);
  const required = ["bcrypt-pbkdf", "sshpk", "tweetnacl"].filter((name) =>
    paths.some((path) => path.includes(`/node_modules/${name}/`)),
  );
  return [...imported, ...required];
};

test.skipIf(sshKeygen.missing || puttygen.missing)(
  `ordinary keys of ${sshKeygen.label} and ${puttygen.label} load no heavy package, and the others only theirs`,
  async () => {
    using folder = temporaryFolder();
    const ppk = async (input: string, ...protection: string[]): Promise<Buffer> => {
      await runOk(puttygen.path, [input, "-O", "private", "-o", `${input}.ppk`, ...protection]);
      return readFileSync(`${input}.ppk`);
    };
    for (const type of ["ed25519", "rsa"] as const) {
      const made = await makeKey(folder.path, type, { type });
      parsePublicKey(made.publicLine);
      readPublicKeys(made.publicLine);
      await readAnyPublicKeys(made.publicLine);
      await readPrivateKey(made.bytes).unlock();
      await readPrivateKey(await ppk(made.path)).unlock();
      findIdentities({ home: folder.path, explicit: [made.path], read: () => Buffer.from(made.bytes) });
    }
    const passphrase = Buffer.from("x");
    const passphraseFile = join(folder.path, "passphrase");
    writeFileSync(passphraseFile, passphrase);
    const plain = join(folder.path, "ed25519");
    const protection = ["--new-passphrase", passphraseFile, "--ppk-param"];
    await readPrivateKey(await ppk(plain, ...protection, "version=2")).unlock(passphrase);
    const putty = readPrivateKey(await ppk(plain, ...protection, "memory=8,passes=1"));
    const openssh = readPrivateKey((await makeKey(folder.path, "encrypted", { passphrase: "x", rounds: 1 })).bytes);
    expect(loaded()).toEqual([]);
    await putty.unlock(passphrase);
    expect(loaded()).toEqual(["@noble/hashes"]);
    await openssh.unlock(passphrase);
    expect(loaded()).toEqual(["@noble/hashes", "bcrypt-pbkdf", "tweetnacl"]);
    const { publicKey } = generateKeyPairSync("ed25519");
    await readAnyPublicKeys(publicKey.export({ format: "pem", type: "spki" }).toString());
    expect(loaded()).toEqual(["@noble/hashes", "bcrypt-pbkdf", "sshpk", "tweetnacl"]);
  },
);
