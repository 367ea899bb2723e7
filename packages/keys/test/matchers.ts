import { createPublicKey, privateDecrypt, publicEncrypt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import nacl from "tweetnacl";
import { expect } from "vitest";
import { encodePublicKey, KeyError, type KeyErrorCode, type PrivateKey } from "../src/index.ts";
import { sshKeygen } from "./make-key.ts";

declare module "vitest" {
  interface Matchers<T> {
    /** That a function throws, or rejects with, a KeyError of that code whose message fits. */
    toFailWith(code: KeyErrorCode, message?: RegExp | string): Promise<T>;
    /**
     * That an unlocked key is the private half of the key on a line, by other programs' reckoning.
     */
    toBelongTo(publicLine: string): Promise<T>;
  }
}

/**
 * Runs `work`, which must throw or reject with a KeyError, and gives that; any other outcome
 * throws.
 */
export const keyErrorOf = async (work: () => unknown): Promise<KeyError> => {
  let outcome: unknown;
  try {
    outcome = await work();
  } catch (error) {
    if (error instanceof KeyError) return error;
    throw error;
  }
  throw new Error(`expected a KeyError, got a result of type ${typeof outcome}`);
};

/**
 * tweetnacl derives the point of the seed, or the RSA key decrypts what was encrypted to the key
 * that ssh-keygen converted.
 */
const isSecretOf = async (key: PrivateKey): Promise<boolean> => {
  if (key.type === "ssh-ed25519") {
    return key.publicKey.point.equals(nacl.sign.keyPair.fromSeed(new Uint8Array(key.seed)).publicKey);
  }
  using folder = temporaryFolder();
  const path = join(folder.path, "key.pub");
  writeFileSync(path, `${encodePublicKey(key.publicKey)}\n`);
  const pem = await runOk(sshKeygen.path, ["-e", "-m", "PKCS8", "-f", path]);
  const message = Buffer.from("a message");
  return privateDecrypt(key.key, publicEncrypt(createPublicKey(pem), message)).equals(message);
};

/** vitest's own, with the two matchers. */
export { expect };

expect.extend({
  async toFailWith(work: () => unknown, code: KeyErrorCode, message: RegExp | string = "") {
    const error = await keyErrorOf(work);
    const fits = typeof message === "string" ? error.message.includes(message) : message.test(error.message);
    return {
      pass: error.code === code && fits,
      message: () => `expected ${code} with ${message}, got ${error.code}: ${error.message}`,
    };
  },
  async toBelongTo(key: PrivateKey, publicLine: string) {
    const pass = key.publicKey.blob.toString("base64") === publicLine.split(" ")[1] && (await isSecretOf(key));
    return { pass, message: () => "expected an unlocked key to belong to its public line" };
  },
});
