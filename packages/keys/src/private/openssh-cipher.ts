import { createDecipheriv, type CipherGCMTypes } from "node:crypto";
import { KeyError } from "../errors.ts";
import { WireReader } from "../wire.ts";
import { wrongPassphrase } from "./checked-private-key.ts";

interface Sizes {
  readonly keySize: number;
  readonly ivSize: number;
  readonly blockSize: number;
  /** The tag that follows the encrypted section; 0 if there is none. */
  readonly tagSize: number;
}

/** A cipher of OpenSSH's private key files: its name in node:crypto, and its sizes in bytes. */
export type OpensshCipher = Sizes &
  (
    | { readonly kind: "plain"; readonly algorithm: string }
    | { readonly kind: "gcm"; readonly algorithm: CipherGCMTypes }
    | { readonly kind: "chacha20-poly1305" }
  );

const AES = { kind: "plain", ivSize: 16, blockSize: 16, tagSize: 0 } as const;
const GCM = { kind: "gcm", ivSize: 12, blockSize: 16, tagSize: 16 } as const;

const CIPHERS: ReadonlyMap<string, OpensshCipher> = new Map<string, OpensshCipher>([
  ["aes128-ctr", { ...AES, algorithm: "aes-128-ctr", keySize: 16 }],
  ["aes192-ctr", { ...AES, algorithm: "aes-192-ctr", keySize: 24 }],
  ["aes256-ctr", { ...AES, algorithm: "aes-256-ctr", keySize: 32 }],
  ["aes128-cbc", { ...AES, algorithm: "aes-128-cbc", keySize: 16 }],
  ["aes192-cbc", { ...AES, algorithm: "aes-192-cbc", keySize: 24 }],
  ["aes256-cbc", { ...AES, algorithm: "aes-256-cbc", keySize: 32 }],
  ["3des-cbc", { kind: "plain", algorithm: "des-ede3-cbc", keySize: 24, ivSize: 8, blockSize: 8, tagSize: 0 }],
  ["aes128-gcm@openssh.com", { ...GCM, algorithm: "aes-128-gcm", keySize: 16 }],
  ["aes256-gcm@openssh.com", { ...GCM, algorithm: "aes-256-gcm", keySize: 32 }],
  ["chacha20-poly1305@openssh.com", { kind: "chacha20-poly1305", keySize: 64, ivSize: 0, blockSize: 8, tagSize: 16 }],
]);

/** The cipher of that name; throws KeyError `UNSUPPORTED_KEY` for another. */
export function opensshCipher(name: string): OpensshCipher {
  const cipher = CIPHERS.get(name);
  if (cipher !== undefined) return cipher;
  throw new KeyError("UNSUPPORTED_KEY", "the private key is encrypted with a cipher that is not supported", {
    hint: "encrypt it again with: ssh-keygen -p -Z aes256-ctr -f KEYFILE",
  });
}

/** What `bcrypt_pbkdf` needs beside the passphrase. */
export interface BcryptOptions {
  readonly salt: Buffer;
  readonly rounds: number;
}

/**
 * A round takes about 20 milliseconds, so this many take half a minute. ssh-keygen writes 16 or 24
 * by default; a hostile file can ask for 2^32.
 */
const MAX_ROUNDS = 1024;
/** In bytes. ssh-keygen writes 16. */
const MAX_SALT = 64;

/** Reads the options of the KDF `bcrypt` (PROTOCOL.key section 2). */
export function readBcryptOptions(bytes: Buffer): BcryptOptions {
  const reader = new WireReader(bytes, "OpenSSH private key");
  const salt = reader.string();
  const rounds = reader.uint32();
  reader.end();
  if (salt.length === 0 || salt.length > MAX_SALT) {
    throw reader.malformed(`expected a salt of 1 to ${MAX_SALT} bytes, got ${salt.length}`);
  }
  if (rounds === 0) throw reader.malformed("expected at least one round of bcrypt, got none");
  if (rounds <= MAX_ROUNDS) return { salt, rounds };
  throw new KeyError("UNSUPPORTED_KEY", `expected at most ${MAX_ROUNDS} rounds of bcrypt, got ${rounds}`, {
    hint: "encrypt it again with fewer rounds: ssh-keygen -p -a 64 -f KEYFILE",
  });
}

/**
 * Decrypts the private section of an OpenSSH key file.
 *
 * @param section whole blocks
 * @param tag the bytes that follow the section, `cipher.tagSize` of them
 * @throws KeyError `WRONG_PASSPHRASE` if the cipher has a tag and it does not match
 */
export async function decryptSection(
  cipher: OpensshCipher,
  { salt, rounds }: BcryptOptions,
  passphrase: Uint8Array,
  section: Buffer,
  tag: Buffer,
): Promise<Buffer> {
  const { default: bcrypt } = await import("bcrypt-pbkdf");
  const material = Buffer.alloc(cipher.keySize + cipher.ivSize);
  bcrypt.pbkdf(passphrase, passphrase.length, salt, salt.length, material, material.length, rounds);
  try {
    const key = material.subarray(0, cipher.keySize);
    const iv = material.subarray(cipher.keySize);
    if (cipher.kind === "chacha20-poly1305") return await openChacha20Poly1305(key, section, tag);
    if (cipher.kind === "gcm") return openGcm(cipher.algorithm, key, iv, section, tag);
    return createDecipheriv(cipher.algorithm, key, iv).setAutoPadding(false).update(section);
  } finally {
    material.fill(0);
  }
}

const openGcm = (algorithm: CipherGCMTypes, key: Buffer, iv: Buffer, section: Buffer, tag: Buffer): Buffer => {
  const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: 16 }).setAuthTag(tag);
  const plaintext = decipher.update(section);
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    throw wrongPassphrase();
  }
};

/**
 * ChaCha20 at block `counter` with a nonce of zeros: the sequence number of a key file is 0
 * (PROTOCOL.chacha20poly1305).
 */
const chacha20 = (key: Buffer, counter: number, input: Buffer): Buffer => {
  const iv = Buffer.alloc(16);
  iv.writeUInt32LE(counter);
  return createDecipheriv("chacha20", key, iv).update(input);
};

/** Missing in tweetnacl's declarations: 0 if `tag` is the message's Poly1305. */
type VerifyPoly1305 = (
  tag: Uint8Array,
  tagOffset: number,
  message: Uint8Array,
  offset: number,
  length: number,
  oneTimeKey: Uint8Array,
) => number;

/** The second half of the key would encrypt the length of a packet, which a file does not have. */
const openChacha20Poly1305 = async (key: Buffer, section: Buffer, tag: Buffer): Promise<Buffer> => {
  const { default: nacl } = await import("tweetnacl");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see VerifyPoly1305
  const { lowlevel } = nacl as unknown as { lowlevel: { crypto_onetimeauth_verify: VerifyPoly1305 } };
  const main = key.subarray(0, 32);
  const oneTimeKey = chacha20(main, 0, Buffer.alloc(32));
  const verdict = lowlevel.crypto_onetimeauth_verify(tag, 0, section, 0, section.length, oneTimeKey);
  oneTimeKey.fill(0);
  if (verdict !== 0) throw wrongPassphrase();
  return chacha20(main, 1, section);
};
