import { decodeBase64 } from "@git-vault/core";
import { KeyError, malformed } from "../errors.ts";
import { typeProblem } from "../public/key-type.ts";
import { cleanComment, fingerprintOfAny, publicKeyFromBlob, typeOfBlob } from "../public/public-key.ts";
import type { PrivateKey, PrivateKeyFile, SshPublicKey } from "../types.ts";
import { WireReader } from "../wire.ts";
import { ed25519PrivateKey, requirePassphrase, rsaPrivateKey, wrongPassphrase } from "./checked-private-key.ts";
import {
  decryptSection,
  opensshCipher,
  readBcryptOptions,
  type BcryptOptions,
  type OpensshCipher,
} from "./openssh-cipher.ts";

/*
 * OpenSSH's own format of private key files (PROTOCOL.key in OpenSSH's source).
 */

const TITLE = "OpenSSH private key";
const MAGIC = Buffer.from("openssh-key-v1\0");
/** The block size that an unencrypted private section is padded to. */
const PLAIN_BLOCK = 8;

interface Container {
  /** Null if the private section is not encrypted. */
  readonly encryption: { readonly cipher: OpensshCipher; readonly options: BcryptOptions; readonly tag: Buffer } | null;
  readonly publicKey: SshPublicKey;
  readonly section: Buffer;
}

const decodeArmor = (text: string): Buffer => {
  const [, body] = /^-----BEGIN OPENSSH PRIVATE KEY-----\s([^-]*)-----END OPENSSH PRIVATE KEY-----$/.exec(text) ?? [];
  if (body === undefined) throw malformed(TITLE, "it does not end with its END line");
  const bytes = decodeBase64(body.replaceAll(/[ \t\r\n]/g, ""));
  if (bytes === null) throw malformed(TITLE, "expected canonical base64 between its first and last line");
  return bytes;
};

const readPublicBlob = (blob: Buffer): SshPublicKey => {
  // A malformed key of a type that can only sign is malformed first.
  if (typeProblem(typeOfBlob(blob)) !== null) fingerprintOfAny(blob);
  return publicKeyFromBlob(blob, "");
};

const readContainer = (bytes: Buffer): Container => {
  const reader = new WireReader(bytes, TITLE);
  if (!reader.bytes(MAGIC.length).equals(MAGIC)) throw reader.malformed("expected openssh-key-v1 at its start");
  const cipherName = reader.string().toString("latin1");
  const kdfName = reader.string().toString("latin1");
  const kdfOptions = reader.string();
  const count = reader.uint32();
  if (count !== 1) throw reader.malformed(`expected one key in it, got ${count}`);
  const blob = reader.string();
  const section = reader.string();
  if ((cipherName === "none") !== (kdfName === "none"))
    throw reader.malformed("it has a cipher without a KDF, or a KDF without a cipher");
  let encryption: Container["encryption"] = null;
  if (cipherName === "none") {
    if (kdfOptions.length > 0) throw reader.malformed("it has options of a KDF, and no KDF");
  } else {
    const cipher = opensshCipher(cipherName);
    if (kdfName !== "bcrypt")
      throw new KeyError("UNSUPPORTED_KEY", `expected the KDF bcrypt in an ${TITLE}, got another`);
    encryption = { cipher, options: readBcryptOptions(kdfOptions), tag: reader.bytes(cipher.tagSize) };
  }
  reader.end();
  if (section.length === 0 || section.length % (encryption?.cipher.blockSize ?? PLAIN_BLOCK) !== 0) {
    throw reader.malformed("its private section is not a whole number of blocks");
  }
  return { encryption, publicKey: readPublicBlob(blob), section };
};

/** The comment of a key is inside its private section. */
const withComment = <T extends SshPublicKey>(key: T, comment: Buffer): T => ({
  ...key,
  comment: cleanComment(comment.toString()),
});

const readSecrets = (reader: WireReader, publicKey: SshPublicKey): PrivateKey => {
  if (reader.string().toString("latin1") !== publicKey.type)
    throw reader.malformed("its private section holds another type of key");
  if (publicKey.type === "ssh-ed25519") {
    const point = reader.string();
    const secret = reader.string();
    const comment = reader.string();
    if (secret.length !== 64) throw reader.malformed(`expected a secret of 64 bytes, got ${secret.length}`);
    if (!point.equals(secret.subarray(32)) || !point.equals(publicKey.point)) {
      throw reader.malformed("its private section holds a different public key");
    }
    return ed25519PrivateKey(secret.subarray(0, 32), withComment(publicKey, comment));
  }
  const modulus = reader.mpint();
  const exponent = reader.mpint();
  const privateExponent = reader.mpint();
  const coefficient = reader.mpint();
  const prime1 = reader.mpint();
  const prime2 = reader.mpint();
  const numbers = { modulus, exponent, privateExponent, coefficient, prime1, prime2 };
  return rsaPrivateKey(numbers, withComment(publicKey, reader.string()));
};

const readSection = (plaintext: Buffer, { publicKey, encryption }: Container): PrivateKey => {
  const reader = new WireReader(plaintext, TITLE);
  // Two equal random numbers tell whether the passphrase was right.
  if (!reader.bytes(4).equals(reader.bytes(4))) {
    throw encryption === null ? reader.malformed("its check numbers differ") : wrongPassphrase();
  }
  const key = readSecrets(reader, publicKey);
  const padding = reader.bytes(reader.left);
  if (!padding.every((byte, index) => byte === index + 1)) {
    throw reader.malformed("its padding is not 1, 2, 3 and so on");
  }
  return key;
};

/** Reads an OpenSSH private key file; `text` has no white space around it. */
export function readOpensshKey(text: string): PrivateKeyFile {
  const container = readContainer(decodeArmor(text));
  const { encryption, publicKey, section } = container;
  return {
    format: "openssh",
    encrypted: encryption !== null,
    publicKey,
    async unlock(passphrase?: Uint8Array): Promise<PrivateKey> {
      if (encryption === null) return readSection(section, container);
      const { cipher, options, tag } = encryption;
      const plaintext = await decryptSection(cipher, options, requirePassphrase(passphrase), section, tag);
      try {
        return readSection(plaintext, container);
      } finally {
        plaintext.fill(0);
      }
    },
  };
}
