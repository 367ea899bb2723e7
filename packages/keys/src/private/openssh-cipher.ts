import { createDecipheriv, type CipherGCMTypes } from "node:crypto";
import { KeyError } from "../errors.ts";
import { wrongPassphrase } from "./checked-private-key.ts";
import { WireReader } from "../wire.ts";

interface CommonCipher {
  readonly keySize: number;
  readonly ivSize: number;
  readonly blockSize: number;
  /** The tag that follows the encrypted section; 0 where there is none. */
  readonly tagSize: number;
}

/** A cipher of OpenSSH's private key files: what node:crypto calls it, and its sizes in bytes. */
export type OpensshCipher =
  | (CommonCipher & { readonly kind: "plain"; readonly algorithm: string })
  | (CommonCipher & { readonly kind: "gcm"; readonly algorithm: CipherGCMTypes })
  | (CommonCipher & { readonly kind: "chacha20-poly1305" });

const aes = (mode: "ctr" | "cbc", bits: number): OpensshCipher => ({
  kind: "plain",
  algorithm: `aes-${bits}-${mode}`,
  keySize: bits / 8,
  ivSize: 16,
  blockSize: 16,
  tagSize: 0,
});

const aesGcm = (bits: 128 | 256): OpensshCipher => ({
  kind: "gcm",
  algorithm: `aes-${bits}-gcm`,
  keySize: bits / 8,
  ivSize: 12,
  blockSize: 16,
  tagSize: 16,
});

const ciphers: ReadonlyMap<string, OpensshCipher> = new Map([
  ["aes128-ctr", aes("ctr", 128)],
  ["aes192-ctr", aes("ctr", 192)],
  ["aes256-ctr", aes("ctr", 256)],
  ["aes128-cbc", aes("cbc", 128)],
  ["aes192-cbc", aes("cbc", 192)],
  ["aes256-cbc", aes("cbc", 256)],
  ["3des-cbc", { kind: "plain", algorithm: "des-ede3-cbc", keySize: 24, ivSize: 8, blockSize: 8, tagSize: 0 }],
  ["aes128-gcm@openssh.com", aesGcm(128)],
  ["aes256-gcm@openssh.com", aesGcm(256)],
  ["chacha20-poly1305@openssh.com", { kind: "chacha20-poly1305", keySize: 64, ivSize: 0, blockSize: 8, tagSize: 16 }],
]);

/** The cipher of that name; throws KeyError `UNSUPPORTED_KEY` for another. */
export function opensshCipher(name: string): OpensshCipher {
  const cipher = ciphers.get(name);
  if (cipher !== undefined) return cipher;
  throw new KeyError("UNSUPPORTED_KEY", "the private key is encrypted with a cipher that is not supported", {
    hint: "encrypt it anew with: ssh-keygen -p -Z aes256-ctr -f KEYFILE",
  });
}

/** What `bcrypt_pbkdf` needs besides the passphrase. */
export interface BcryptOptions {
  readonly salt: Buffer;
  readonly rounds: number;
}

/**
 * A round takes some 20 milliseconds, so that this many take half a minute; ssh-keygen writes 16 or
 * 24 unless told otherwise. A hostile file can ask for 2^32.
 */
const maximumRounds = 1024;
/** ssh-keygen writes 16 bytes. */
const maximumSaltSize = 64;

/** Reads the options of the KDF `bcrypt`: PROTOCOL.key section 2. */
export function readBcryptOptions(bytes: Buffer): BcryptOptions {
  const reader = new WireReader(bytes, "OpenSSH private key");
  const salt = reader.string();
  const rounds = reader.uint32();
  reader.end();
  if (salt.length === 0 || salt.length > maximumSaltSize) {
    throw reader.malformed(`expected a salt of 1 to ${maximumSaltSize} bytes, got ${salt.length}`);
  }
  if (rounds === 0) throw reader.malformed("expected at least one round of bcrypt, got none");
  if (rounds > maximumRounds) {
    throw new KeyError("UNSUPPORTED_KEY", `expected at most ${maximumRounds} rounds of bcrypt, got ${rounds}`, {
      hint: "encrypt it anew with fewer rounds: ssh-keygen -p -a 64 -f KEYFILE",
    });
  }
  return { salt, rounds };
}

/**
 * Decrypts the private section of an OpenSSH key file.
 *
 * @param tag the bytes that follow the section, `cipher.tagSize` of them
 * @throws KeyError `WRONG_PASSPHRASE` where the cipher has a tag and it does not fit
 */
export async function decryptSection(
  cipher: OpensshCipher,
  options: BcryptOptions,
  passphrase: Uint8Array,
  section: Buffer,
  tag: Buffer,
): Promise<Buffer> {
  const { default: bcrypt } = await import("bcrypt-pbkdf");
  const material = Buffer.alloc(cipher.keySize + cipher.ivSize);
  const { salt, rounds } = options;
  bcrypt.pbkdf(passphrase, passphrase.length, salt, salt.length, material, material.length, rounds);
  try {
    const key = material.subarray(0, cipher.keySize);
    const iv = material.subarray(cipher.keySize);
    if (cipher.kind === "chacha20-poly1305") return await openChacha20Poly1305(key, section, tag);
    if (cipher.kind === "gcm") return openGcm(cipher.algorithm, key, iv, section, tag);
    const decipher = createDecipheriv(cipher.algorithm, key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(section), decipher.final()]);
  } finally {
    material.fill(0);
  }
}

const openGcm = (algorithm: CipherGCMTypes, key: Buffer, iv: Buffer, section: Buffer, tag: Buffer): Buffer => {
  const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: 16 });
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(section);
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    throw wrongPassphrase();
  }
  return plaintext;
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

interface TweetnaclLowlevel {
  readonly lowlevel: {
    /** 0 where `tag` is the Poly1305 of `length` bytes of `message` under the one-time `key`. */
    crypto_onetimeauth_verify(
      tag: Uint8Array,
      tagOffset: number,
      message: Uint8Array,
      offset: number,
      length: number,
      key: Uint8Array,
    ): number;
  };
}

/** The second half of the key would encrypt the length of a packet, which a file has not. */
const openChacha20Poly1305 = async (key: Buffer, section: Buffer, tag: Buffer): Promise<Buffer> => {
  const { default: nacl } = await import("tweetnacl");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a part of tweetnacl that its declarations leave out
  const { lowlevel } = nacl as unknown as TweetnaclLowlevel;
  const main = key.subarray(0, 32);
  const oneTimeKey = chacha20(main, 0, Buffer.alloc(32));
  const verdict = lowlevel.crypto_onetimeauth_verify(tag, 0, section, 0, section.length, oneTimeKey);
  oneTimeKey.fill(0);
  if (verdict !== 0) throw wrongPassphrase();
  return chacha20(main, 1, section);
};
