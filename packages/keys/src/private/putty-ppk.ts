import { createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import { decodeBase64 } from "@git-vault/core";
import { KeyError, malformed } from "../errors.ts";
import { fieldCountOf, typeProblem } from "../public/key-type.ts";
import { publicKeyFromBlob, unsupportedType } from "../public/public-key.ts";
import type { PrivateKey, PrivateKeyFile, SshPublicKey } from "../types.ts";
import { WireReader, wireString, wireUint32 } from "../wire.ts";
import { ed25519PrivateKey, requirePassphrase, rsaPrivateKey, wrongPassphrase } from "./checked-private-key.ts";

/*
 * PuTTY's private key files (.ppk), versions 2 and 3 (appendix C of PuTTY's manual). sshpk reads
 * them too, but checks no MAC, and the MAC is over the very bytes that were decrypted.
 */

/** What Argon2 (RFC 9106) needs beside the passphrase. */
interface Argon2Options {
  readonly flavour: "argon2id" | "argon2i" | "argon2d";
  /** In KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
}

interface PuttyFile {
  readonly version: "2" | "3";
  readonly type: string;
  readonly encryption: "none" | "aes256-cbc";
  /** As its bytes are in the file, in Latin-1: the MAC covers them. */
  readonly comment: string;
  readonly publicBlob: Buffer;
  /** Null except for an encrypted file in version 3. */
  readonly argon2: Argon2Options | null;
  readonly privateBlob: Buffer;
  readonly mac: Buffer;
}

const TITLE = "PuTTY private key";
const FLAVOURS: ReadonlyMap<string, Argon2Options["flavour"]> = new Map([
  ["Argon2id", "argon2id"],
  ["Argon2i", "argon2i"],
  ["Argon2d", "argon2d"],
]);

/** In KiB: 256 MiB. puttygen takes 8 MiB by default; a hostile file can ask for terabytes. */
const MAX_MEMORY = 256 * 1024;
/**
 * Memory in KiB times passes: 4 GiB, which take about half a minute, and twice that if Argon2i has
 * next to no memory. puttygen makes as many passes as fit in a tenth of a second, 10 to 30 over
 * 8 MiB; a hostile file can ask for 2^32.
 */
const MAX_WORK = 4 * 1024 * 1024;
/** The lanes are computed one after another, so more of them cost no more. puttygen writes 1. */
const MAX_PARALLELISM = 64;
/** In bytes. puttygen writes 16; the library takes no fewer than 8. */
const SALT = { min: 8, max: 64 } as const;

const unsupported = (message: string): KeyError =>
  new KeyError("UNSUPPORTED_KEY", message, {
    hint: "convert it to OpenSSH's format with: puttygen KEY.ppk -O private-openssh-new -o KEY",
  });

/** Takes the headers of a file in their fixed order. */
class PuttyHeaders {
  readonly #lines: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/);
  }

  value(name: string): string {
    const line = this.#lines[this.#next] ?? "";
    if (!line.startsWith(`${name}: `)) throw malformed(TITLE, `expected the header ${name}`);
    this.#next += 1;
    return line.slice(name.length + 2);
  }

  /** A number of at most ten digits, written in the one shortest way. */
  number(name: string): number {
    return Number(this.#matching(name, /^(?:0|[1-9][0-9]{0,9})$/, "a number in"));
  }

  hex(name: string): Buffer {
    return Buffer.from(this.#matching(name, /^(?:[0-9a-f]{2})*$/, "hexadecimal bytes in"), "hex");
  }

  base64(name: string): Buffer {
    const count = Number(this.#matching(name, /^[1-9][0-9]{0,3}$/, "a number of lines in"));
    const lines = this.#lines.slice(this.#next, this.#next + count);
    this.#next += lines.length;
    const bytes = decodeBase64(lines.join(""));
    if (bytes === null || lines.length < count)
      throw malformed(TITLE, `expected canonical base64 under the header ${name}`);
    return bytes;
  }

  end(): void {
    if (this.#next < this.#lines.length) throw malformed(TITLE, "there is something after its MAC");
  }

  #matching(name: string, pattern: RegExp, expected: string): string {
    const value = this.value(name);
    if (!pattern.test(value)) throw malformed(TITLE, `expected ${expected} the header ${name}`);
    return value;
  }
}

/** Reads the headers between the public and the private part of an encrypted version 3 file. */
const readArgon2Options = (headers: PuttyHeaders): Argon2Options => {
  const flavour = FLAVOURS.get(headers.value("Key-Derivation"));
  if (flavour === undefined) throw unsupported("expected Argon2 as the key derivation of the key, got another");
  const memory = headers.number("Argon2-Memory");
  const passes = headers.number("Argon2-Passes");
  const parallelism = headers.number("Argon2-Parallelism");
  const salt = headers.hex("Argon2-Salt");
  if (passes === 0) throw malformed(TITLE, "expected at least one pass of Argon2, got none");
  if (parallelism === 0) throw malformed(TITLE, "expected at least one lane of Argon2, got none");
  if (memory < 8 * parallelism)
    throw malformed(TITLE, `expected at least ${8 * parallelism} KiB of memory for Argon2, got ${memory}`);
  if (salt.length < SALT.min || salt.length > SALT.max)
    throw malformed(TITLE, `expected a salt of ${SALT.min} to ${SALT.max} bytes, got ${salt.length}`);
  const atMost = (maximum: number, what: string, got: number): void => {
    if (got > maximum) throw unsupported(`expected at most ${maximum} ${what}, got ${got}`);
  };
  atMost(MAX_MEMORY, "KiB of memory for Argon2", memory);
  atMost(MAX_PARALLELISM, "lanes of Argon2", parallelism);
  atMost(Math.floor(MAX_WORK / memory), `passes of Argon2 over ${memory} KiB of memory`, passes);
  return { flavour, memory, passes, parallelism, salt };
};

const readFile = (text: string): PuttyFile => {
  const version = /^PuTTY-User-Key-File-([0-9]+): /.exec(text)?.[1];
  if (version !== "2" && version !== "3")
    throw unsupported("the PuTTY private key has a version of the format that is not supported");
  const headers = new PuttyHeaders(text);
  const type = headers.value(`PuTTY-User-Key-File-${version}`);
  const problem = typeProblem(type);
  if (problem !== null) {
    if (fieldCountOf(type) === null) throw unsupported("the PuTTY private key has an unknown type");
    throw unsupportedType(type, problem);
  }
  const encryption = headers.value("Encryption");
  if (encryption !== "none" && encryption !== "aes256-cbc")
    throw unsupported("the PuTTY private key is encrypted with a cipher that is not supported");
  const comment = headers.value("Comment");
  const publicBlob = headers.base64("Public-Lines");
  const argon2 = encryption !== "none" && version === "3" ? readArgon2Options(headers) : null;
  const privateBlob = headers.base64("Private-Lines");
  const mac = headers.value("Private-MAC");
  headers.end();
  const macSize = version === "2" ? 20 : 32;
  if (mac.length !== 2 * macSize || !/^[0-9a-f]+$/.test(mac))
    throw malformed(TITLE, `expected a MAC of ${macSize} bytes`);
  if (encryption !== "none" && privateBlob.length % 16 !== 0)
    throw malformed(TITLE, "its private part is not a whole number of blocks");
  return { version, type, encryption, comment, publicBlob, argon2, privateBlob, mac: Buffer.from(mac, "hex") };
};

/**
 * The secret bytes that protect a file: 32 are the key of its cipher AES-256-CBC, 16 the IV, and
 * the rest the key of its MAC, which is empty in an unencrypted version 3 file (appendix C.4).
 */
const materialOf = async ({ version, argon2 }: PuttyFile, passphrase: Uint8Array): Promise<Buffer> => {
  if (version === "2") return sha1Material(passphrase);
  if (argon2 === null) return Buffer.alloc(48);
  const library = await import("@noble/hashes/argon2.js");
  const { flavour, memory: m, passes: t, parallelism: p, salt } = argon2;
  const bytes = library[flavour](passphrase, salt, { m, t, p, dkLen: 80 });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
};

/** In version 2. The MAC of an unencrypted file has the key of the empty passphrase. */
const sha1Material = (passphrase: Uint8Array): Buffer => {
  const sha1 = (prefix: Uint8Array): Buffer => createHash("sha1").update(prefix).update(passphrase).digest();
  const stream = [sha1(Buffer.of(0, 0, 0, 0)), sha1(Buffer.of(0, 0, 0, 1)).subarray(0, 12)];
  const parts = [...stream, Buffer.alloc(16), sha1(Buffer.from("putty-private-key-file-mac-key"))];
  const material = Buffer.concat(parts);
  for (const part of parts) part.fill(0);
  return material;
};

const decrypt = (ciphertext: Buffer, material: Buffer): Buffer =>
  createDecipheriv("aes-256-cbc", material.subarray(0, 32), material.subarray(32, 48))
    .setAutoPadding(false)
    .update(ciphertext);

const isAuthentic = (file: PuttyFile, plaintext: Buffer, material: Buffer): boolean => {
  const hmac = createHmac(file.version === "2" ? "sha1" : "sha256", material.subarray(48));
  for (const text of [file.type, file.encryption, file.comment]) hmac.update(wireString(Buffer.from(text, "latin1")));
  hmac.update(wireString(file.publicBlob)).update(wireUint32(plaintext.length)).update(plaintext);
  return timingSafeEqual(hmac.digest(), file.mac);
};

const readSecrets = (file: PuttyFile, plaintext: Buffer, publicKey: SshPublicKey): PrivateKey => {
  const reader = new WireReader(plaintext, TITLE);
  // What follows the last field fills the cipher's last block.
  const end = (): void => {
    if (file.encryption === "none" || reader.left >= 16) reader.end();
  };
  if (publicKey.type === "ssh-ed25519") {
    const seed = reader.string();
    end();
    if (seed.length !== 32) throw reader.malformed(`expected a secret of 32 bytes, got ${seed.length}`);
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

/** Reads a PuTTY private key file; `text` is its bytes in Latin-1, trimmed. */
export function readPuttyKey(text: string): PrivateKeyFile {
  const file = readFile(text);
  const encrypted = file.encryption !== "none";
  const publicKey = publicKeyFromBlob(file.publicBlob, Buffer.from(file.comment, "latin1").toString());
  if (publicKey.type !== file.type) throw malformed(TITLE, "its public key has another type than the file says");
  return {
    format: "putty",
    encrypted,
    publicKey,
    async unlock(passphrase?: Uint8Array): Promise<PrivateKey> {
      const material = await materialOf(file, encrypted ? requirePassphrase(passphrase) : new Uint8Array());
      const plaintext = encrypted ? decrypt(file.privateBlob, material) : Buffer.from(file.privateBlob);
      try {
        if (!isAuthentic(file, plaintext, material))
          throw encrypted ? wrongPassphrase() : malformed(TITLE, "its MAC does not match");
        return readSecrets(file, plaintext, publicKey);
      } finally {
        material.fill(0);
        plaintext.fill(0);
      }
    },
  };
}
