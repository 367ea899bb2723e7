import { createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";
import { fieldCountOf, typeProblem } from "../public/key-type.ts";
import { publicKeyFromBlob, unsupportedType } from "../public/public-key.ts";
import { argon2Material, readArgon2Options, sha1Material, type Argon2Options } from "./putty-derivation.ts";
import { malformedPutty, PuttyHeaders, puttyTitle, unsupportedPutty } from "./putty-headers.ts";
import type { PrivateKey, PrivateKeyFile, SshPublicKey } from "../types.ts";
import { ed25519PrivateKey, requirePassphrase, rsaPrivateKey, wrongPassphrase } from "./checked-private-key.ts";
import { WireReader, wireString } from "../wire.ts";

/*
 * PuTTY's private key files (.ppk), versions 2 and 3: appendix C of PuTTY's manual. sshpk reads
 * them too, but checks no MAC, and the MAC is over the very bytes that were decrypted.
 */

interface PuttyFile {
  readonly version: "2" | "3";
  readonly type: string;
  readonly encryption: "none" | "aes256-cbc";
  /** As its bytes are in the file, in Latin-1: the MAC covers them. */
  readonly comment: string;
  readonly publicBlob: Buffer;
  /** Null but for an encrypted file in version 3. */
  readonly argon2: Argon2Options | null;
  readonly privateBlob: Buffer;
  readonly mac: Buffer;
}

const readFile = (text: string): PuttyFile => {
  const version = /^PuTTY-User-Key-File-([0-9]+): /.exec(text)?.[1];
  if (version !== "2" && version !== "3")
    throw unsupportedPutty("the PuTTY private key is in a version of the format that is not supported");
  const headers = new PuttyHeaders(text);
  const type = headers.value(`PuTTY-User-Key-File-${version}`);
  const problem = typeProblem(type);
  if (problem !== null) {
    if (fieldCountOf(type) === null) throw unsupportedPutty("the PuTTY private key is of a type that is not known");
    throw unsupportedType(type, problem);
  }
  const encryption = headers.value("Encryption");
  if (encryption !== "none" && encryption !== "aes256-cbc")
    throw unsupportedPutty("the PuTTY private key is encrypted with a cipher that is not supported");
  const comment = headers.value("Comment");
  const publicBlob = headers.base64("Public-Lines");
  const argon2 = encryption !== "none" && version === "3" ? readArgon2Options(headers) : null;
  const privateBlob = headers.base64("Private-Lines");
  const mac = headers.value("Private-MAC");
  headers.end();
  const macSize = version === "2" ? 20 : 32;
  if (mac.length !== 2 * macSize || !/^[0-9a-f]+$/.test(mac))
    throw malformedPutty(`expected a MAC of ${macSize} bytes`);
  if (encryption !== "none" && privateBlob.length % 16 !== 0)
    throw malformedPutty("its private part is not a whole number of blocks");
  return { version, type, encryption, comment, publicBlob, argon2, privateBlob, mac: Buffer.from(mac, "hex") };
};

/**
 * The keys of the cipher and the MAC, in one piece: see `argon2Material`. The MAC of a version 3
 * file in clear has an empty key.
 */
const materialOf = async (file: PuttyFile, passphrase: Uint8Array): Promise<Buffer> => {
  if (file.version === "2") return sha1Material(passphrase);
  return file.argon2 === null ? Buffer.alloc(48) : await argon2Material(file.argon2, passphrase);
};

const decrypt = (ciphertext: Buffer, material: Buffer): Buffer => {
  const [key, iv] = [material.subarray(0, 32), material.subarray(32, 48)];
  const decipher = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
};

const isAuthentic = (file: PuttyFile, plaintext: Buffer, material: Buffer): boolean => {
  const hmac = createHmac(file.version === "2" ? "sha1" : "sha256", material.subarray(48));
  for (const text of [file.type, file.encryption, file.comment]) hmac.update(wireString(Buffer.from(text, "latin1")));
  hmac.update(wireString(file.publicBlob));
  const last = wireString(plaintext);
  hmac.update(last);
  last.fill(0);
  return timingSafeEqual(hmac.digest(), file.mac);
};

const readSecrets = (file: PuttyFile, plaintext: Buffer, publicKey: SshPublicKey): PrivateKey => {
  const reader = new WireReader(plaintext, puttyTitle);
  // What follows the last field fills the cipher's last block.
  const end = (): void => {
    if (file.encryption === "none" || reader.left >= 16) reader.end();
  };
  if (publicKey.type === "ssh-ed25519") {
    const seed = reader.string();
    end();
    if (seed.length !== 32) throw malformedPutty(`expected a secret of 32 bytes, got ${seed.length}`);
    return ed25519PrivateKey(seed, publicKey);
  }
  const { modulus, exponent } = publicKey;
  const privateExponent = reader.mpint();
  const prime1 = reader.mpint();
  const prime2 = reader.mpint();
  const coefficient = reader.mpint();
  end();
  return rsaPrivateKey({ modulus, exponent, privateExponent, prime1, prime2, coefficient }, publicKey);
};

/**
 * Reads a PuTTY private key file; `text` is its bytes in Latin-1, without white space around it.
 */
export function readPuttyKey(text: string): PrivateKeyFile {
  const file = readFile(text);
  const encrypted = file.encryption !== "none";
  const publicKey = publicKeyFromBlob(file.publicBlob, Buffer.from(file.comment, "latin1").toString());
  if (publicKey.type !== file.type) throw malformedPutty("its public key is of another type than it says");
  return {
    format: "putty",
    encrypted,
    publicKey,
    async unlock(passphrase?: Uint8Array): Promise<PrivateKey> {
      const material = await materialOf(file, encrypted ? requirePassphrase(passphrase) : new Uint8Array());
      const plaintext = encrypted ? decrypt(file.privateBlob, material) : Buffer.from(file.privateBlob);
      try {
        if (!isAuthentic(file, plaintext, material))
          throw encrypted ? wrongPassphrase() : malformedPutty("its MAC does not fit");
        return readSecrets(file, plaintext, publicKey);
      } finally {
        material.fill(0);
        plaintext.fill(0);
      }
    },
  };
}
