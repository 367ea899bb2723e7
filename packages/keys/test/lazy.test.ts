import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { temporaryFolder } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { findIdentities, parsePublicKey, readAnyPublicKeys, readPrivateKey, readPublicKeys } from "../src/index.ts";
import { makeKey, sshKeygen } from "./make-key.ts";

/** Which of the heavy packages, all CommonJS, are loaded in this process. */
const loaded = (): string[] => {
  const paths = Object.keys(createRequire(import.meta.url).cache);
  return ["bcrypt-pbkdf", "sshpk", "tweetnacl"].filter((name) =>
    paths.some((path) => path.includes(`/node_modules/${name}/`)),
  );
};

test.skipIf(sshKeygen.missing)(
  `ordinary keys of ${sshKeygen.label} load no heavy package, and the others only theirs`,
  async () => {
    using folder = temporaryFolder();
    for (const type of ["ed25519", "rsa"]) {
      const made = await makeKey(folder.path, type, { type });
      parsePublicKey(made.publicLine);
      readPublicKeys(made.publicLine);
      await readAnyPublicKeys(made.publicLine);
      await readPrivateKey(made.bytes).unlock();
      findIdentities({ home: folder.path, explicit: [made.path], read: () => Buffer.from(made.bytes) });
    }
    const { bytes } = await makeKey(folder.path, "encrypted", { passphrase: "x", rounds: 1 });
    const encrypted = readPrivateKey(bytes);
    expect(loaded()).toEqual([]);
    await encrypted.unlock(Buffer.from("x"));
    expect(loaded()).toEqual(["bcrypt-pbkdf", "tweetnacl"]);
    const { publicKey } = generateKeyPairSync("ed25519");
    await readAnyPublicKeys(publicKey.export({ format: "pem", type: "spki" }).toString());
    expect(loaded()).toEqual(["bcrypt-pbkdf", "sshpk", "tweetnacl"]);
  },
);
