import { createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import { decodeBase64 } from "./base64.ts";
import { KeyError } from "./errors.ts";
import { fieldCountOf, typeProblem } from "./key-type.ts";
import { publicKeyFromBlob, unsupportedType } from "./public-key.ts";
import type { PrivateKey, PrivateKeyFile, SshPublicKey } from "./types.ts";
import { ed25519PrivateKey, requirePassphrase, rsaPrivateKey, wrongPassphrase } from "./unlocked-key.ts";
import { WireReader, wireString } from "./wire.ts";

/*
 * PuTTY's private key files (.ppk), versions 2 and 3: appendix C of PuTTY's manual. sshpk reads them too, but checks no MAC, and the
 * MAC is over the very bytes that were decrypted.
 */

const title = "PuTTY private key";

interface PuttyFile {
  readonly version: "2" | "3";
  readonly type: string;
  readonly encryption: "none" | "aes256-cbc";
  /** As its bytes are in the file, in Latin-1: the MAC covers them. */
  readonly comment: string;
  readonly publicBlob: Buffer;
  readonly privateBlob: Buffer;
  readonly mac: Buffer;
}

const malformed = (problem: string): KeyError => new KeyError("MALFORMED_KEY", `malformed ${title}: ${problem}`);

/** Takes the headers of a file in their fixed order. */
class HeaderReader {
  readonly #lines: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/);
  }

  value(name: string): string {
    const line = this.#lines[this.#next] ?? "";
    if (!line.startsWith(`${name}: `)) throw malformed(`expected the header ${name}`);
    this.#next += 1;
    return line.slice(name.length + 2);
  }

  base64(name: string): Buffer {
    const count = this.value(name);
    if (!/^[1-9][0-9]{0,3}$/.test(count)) throw malformed(`expected a number of lines in the header ${name}`);
    const lines = this.#lines.slice(this.#next, this.#next + Number(count));
    this.#next += lines.length;
    const bytes = decodeBase64(lines.join(""));
    if (bytes === null || lines.length < Number(count))
      throw malformed(`expected canonical base64 under the header ${name}`);
    return bytes;
  }

  end(): void {
    if (this.#next < this.#lines.length) throw malformed("something follows its MAC");
  }
}

const unsupported = (what: string): KeyError =>
  new KeyError("UNSUPPORTED_KEY", `the PuTTY private key is ${what}`, {
    hint: "convert it to OpenSSH's format with: puttygen KEY.ppk -O private-openssh-new -o KEY",
  });

const readFile = (text: string): PuttyFile => {
  const version = /^PuTTY-User-Key-File-([0-9]+): /.exec(text)?.[1];
  if (version !== "2" && version !== "3") throw unsupported("in a version of the format that is not supported");
  const headers = new HeaderReader(text);
  const type = headers.value(`PuTTY-User-Key-File-${version}`);
  const problem = typeProblem(type);
  if (problem !== null) {
    if (fieldCountOf(type) === null) throw unsupported("of a type that is not known");
    throw unsupportedType(type, problem);
  }
  const encryption = headers.value("Encryption");
  if (encryption !== "none" && encryption !== "aes256-cbc")
    throw unsupported("encrypted with a cipher that is not supported");
  if (encryption !== "none" && version === "3") throw unsupported("encrypted by way of Argon2, which is not supported");
  const comment = headers.value("Comment");
  const publicBlob = headers.base64("Public-Lines");
  const privateBlob = headers.base64("Private-Lines");
  const mac = headers.value("Private-MAC");
  headers.end();
  const macSize = version === "2" ? 20 : 32;
  if (mac.length !== 2 * macSize || !/^[0-9a-f]+$/.test(mac)) throw malformed(`expected a MAC of ${macSize} bytes`);
  if (encryption !== "none" && privateBlob.length % 16 !== 0)
    throw malformed("its private part is not a whole number of blocks");
  return { version, type, encryption, comment, publicBlob, privateBlob, mac: Buffer.from(mac, "hex") };
};

const sha1 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash("sha1");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** Version 2: AES-256-CBC with an IV of zeros, under the beginning of two hashes of the passphrase. */
const decrypt = (ciphertext: Buffer, passphrase: Uint8Array): Buffer => {
  const key = Buffer.concat([sha1(Buffer.of(0, 0, 0, 0), passphrase), sha1(Buffer.of(0, 0, 0, 1), passphrase)]);
  try {
    const decipher = createDecipheriv("aes-256-cbc", key.subarray(0, 32), Buffer.alloc(16)).setAutoPadding(false);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } finally {
    key.fill(0);
  }
};

const isAuthentic = (file: PuttyFile, plaintext: Buffer, passphrase: Uint8Array): boolean => {
  const prefix = Buffer.from("putty-private-key-file-mac-key");
  const hmac =
    file.version === "2" ? createHmac("sha1", sha1(prefix, passphrase)) : createHmac("sha256", Buffer.alloc(0));
  for (const text of [file.type, file.encryption, file.comment]) hmac.update(wireString(Buffer.from(text, "latin1")));
  hmac.update(wireString(file.publicBlob));
  const last = wireString(plaintext);
  hmac.update(last);
  last.fill(0);
  return timingSafeEqual(hmac.digest(), file.mac);
};

const readSecrets = (file: PuttyFile, plaintext: Buffer, publicKey: SshPublicKey): PrivateKey => {
  const reader = new WireReader(plaintext, title);
  // What follows the last field fills the cipher's last block.
  const end = (): void => {
    if (file.encryption === "none" || reader.left >= 16) reader.end();
  };
  if (publicKey.type === "ssh-ed25519") {
    const seed = reader.string();
    end();
    if (seed.length !== 32) throw malformed(`expected a secret of 32 bytes, got ${seed.length}`);
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

/** Reads a PuTTY private key file; `text` is its bytes in Latin-1, without white space around it. */
export function readPuttyKey(text: string): PrivateKeyFile {
  const file = readFile(text);
  const encrypted = file.encryption !== "none";
  const publicKey = publicKeyFromBlob(file.publicBlob, Buffer.from(file.comment, "latin1").toString());
  if (publicKey.type !== file.type) throw malformed("its public key is of another type than it says");
  return {
    format: "putty",
    encrypted,
    publicKey,
    // oxlint-disable-next-line typescript/require-await -- what it throws becomes a rejection
    async unlock(passphrase?: Uint8Array): Promise<PrivateKey> {
      const bytes = encrypted ? requirePassphrase(passphrase) : new Uint8Array();
      const plaintext = encrypted ? decrypt(file.privateBlob, bytes) : Buffer.from(file.privateBlob);
      try {
        if (!isAuthentic(file, plaintext, bytes))
          throw encrypted ? wrongPassphrase() : malformed("its MAC does not fit");
        return readSecrets(file, plaintext, publicKey);
      } finally {
        plaintext.fill(0);
      }
    },
  };
}
