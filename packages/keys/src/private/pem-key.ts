import { createPrivateKey, type KeyObject } from "node:crypto";
import { decodeBase64 } from "@git-vault/core";
import { KeyError, malformed } from "../errors.ts";
import { ed25519PublicKey, rsaPublicKey } from "../public/public-key.ts";
import type { PrivateKey, PrivateKeyFile } from "../types.ts";
import {
  ed25519PrivateKey,
  pointOfSeed,
  requirePassphrase,
  rsaPrivateKey,
  wrongPassphrase,
} from "./checked-private-key.ts";
import { DER, DerReader } from "./der.ts";

/*
 * PEM files (RFC 7468): PKCS#1 (RFC 8017 appendix A.1.2), which the headers of RFC 1421 may
 * encrypt, and PKCS#8 (RFC 5958).
 */

interface Pem {
  readonly label: string;
  /** The cipher of the DEK-Info header; null if the body is not encrypted that way. */
  readonly cipher: string | null;
  readonly der: Buffer;
}

const TITLE = "PEM private key";
const ECDSA = "ECDSA keys can only sign";
const DSA = "DSA keys can only sign";

const unsupportedKey = (problem: string): KeyError =>
  new KeyError("UNSUPPORTED_KEY", `expected an RSA or Ed25519 private key: ${problem}`);

const unsupportedEncryption = (what: string): KeyError =>
  new KeyError("UNSUPPORTED_KEY", `the private key is encrypted in a way that is not supported: ${what}`, {
    hint: "convert it to OpenSSH's format with: ssh-keygen -p -f KEYFILE",
  });

const LABEL = /^-----BEGIN ((?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY)-----[^\S\r\n]*(?:[\r\n]|$)/;

/** Whether a text begins like a PEM private key. */
export const isPemKey = (text: string): boolean => LABEL.test(text);

const readPem = (text: string): Pem => {
  const lines = text.split("\n").map((line) => line.trim());
  const label = LABEL.exec(text)?.[1] ?? "";
  if (label === "EC PRIVATE KEY") throw unsupportedKey(ECDSA);
  if (label === "DSA PRIVATE KEY") throw unsupportedKey(DSA);
  if (lines.at(-1) !== `-----END ${label}-----`) throw malformed(TITLE, "it does not end with its END line");
  const headers = lines.slice(1).findIndex((line) => !line.includes(":"));
  const isEncrypted = lines.slice(1, headers + 1).includes("Proc-Type: 4,ENCRYPTED");
  if (headers > 0 && !isEncrypted) throw malformed(TITLE, "its headers are not those of an encrypted key");
  const [, cipher = null] = /^DEK-Info: ([A-Z0-9-]+),[0-9A-Fa-f]+$/.exec(lines[headers] ?? "") ?? [];
  if (isEncrypted && (label !== "RSA PRIVATE KEY" || cipher === null))
    throw malformed(TITLE, "its headers are damaged");
  const der = decodeBase64(lines.slice(headers + 1, -1).join(""));
  if (der === null) throw malformed(TITLE, "expected canonical base64 between its first and last line");
  return { label, cipher: isEncrypted ? cipher : null, der };
};

/** The seed ends the PKCS#8 encoding that node:crypto writes (RFC 8410 section 7). */
const readEd25519 = (key: KeyObject): PrivateKey => {
  const der = key.export({ format: "der", type: "pkcs8" });
  const seed = der.subarray(-32);
  try {
    return ed25519PrivateKey(seed, ed25519PublicKey(pointOfSeed(seed), ""));
  } finally {
    der.fill(0);
  }
};

const bytesOf = (text = ""): Buffer => Buffer.from(text, "base64url");

const readRsa = (key: KeyObject): PrivateKey => {
  const { n, e, d, p, q, qi } = key.export({ format: "jwk" });
  const [modulus, exponent] = [bytesOf(n), bytesOf(e)];
  const secrets = { privateExponent: bytesOf(d), prime1: bytesOf(p), prime2: bytesOf(q), coefficient: bytesOf(qi) };
  return rsaPrivateKey({ modulus, exponent, ...secrets }, rsaPublicKey(modulus, exponent, ""));
};

const readKeyObject = (key: KeyObject): PrivateKey => {
  if (key.asymmetricKeyType === "ed25519") return readEd25519(key);
  if (key.asymmetricKeyType === "rsa") return readRsa(key);
  if (key.asymmetricKeyType === "ec") throw unsupportedKey(ECDSA);
  throw unsupportedKey(key.asymmetricKeyType === "dsa" ? DSA : "this one is of another type");
};

/**
 * Runs what hands hostile input to OpenSSL. Its own errors, whose words change from version to
 * version, become `failure`.
 */
const orFail = <T>(failure: KeyError, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw error instanceof KeyError ? error : failure;
  }
};

const OBJECT_IDENTIFIERS = {
  pbes2: "2a864886f70d01050d",
  pbkdf2: "2a864886f70d01050c",
  scrypt: "2b06010401da47040b",
} as const;

/** AES in CBC mode with keys of 128, 192 and 256 bits, and triple DES. */
const PKCS8_CIPHERS = new Set(["608648016503040102", "608648016503040116", "60864801650304012a", "2a864886f70d0307"]);
const LEGACY_CIPHERS = new Set(["AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "DES-EDE3-CBC"]);

/** Some seconds of work. OpenSSL writes 2048; a hostile file can ask for 2^31 and more. */
const MAX_ITERATIONS = 10_000_000;
/** N·r·p of scrypt (RFC 7914): some seconds. OpenSSL writes 2^17. */
const MAX_SCRYPT_WORK = 2 ** 22;

/**
 * Asserts that an encrypted PKCS#8 key (RFC 5958, RFC 8018 appendix A) asks for a decryption that
 * OpenSSL can do and that ends.
 */
const checkEncryptedPkcs8 = (der: Buffer): void => {
  const info = new DerReader(der).sequence();
  const scheme = info.sequence();
  info.element(DER.octetString);
  info.end();
  if (scheme.objectIdentifier() !== OBJECT_IDENTIFIERS.pbes2) throw unsupportedEncryption("expected PBES2");
  const parameters = scheme.sequence();
  const derivation = parameters.sequence();
  if (!PKCS8_CIPHERS.has(parameters.sequence().objectIdentifier())) throw unsupportedEncryption("expected AES-CBC");
  const kdf = derivation.objectIdentifier();
  const kdfParameters = derivation.sequence();
  kdfParameters.element(DER.octetString);
  let isBounded: boolean;
  if (kdf === OBJECT_IDENTIFIERS.pbkdf2) isBounded = kdfParameters.integer() <= MAX_ITERATIONS;
  else if (kdf !== OBJECT_IDENTIFIERS.scrypt) throw unsupportedEncryption("expected PBKDF2 or scrypt");
  else {
    // Zero times infinity is no number, and not bounded either.
    const work = kdfParameters.integer() * kdfParameters.integer() * kdfParameters.integer();
    isBounded = work <= MAX_SCRYPT_WORK;
  }
  if (!isBounded) throw unsupportedEncryption("its key derivation needs too much work");
};

const encryptedFile = (open: (passphrase: Buffer) => KeyObject): PrivateKeyFile => ({
  format: "pem",
  encrypted: true,
  publicKey: null,
  // oxlint-disable-next-line typescript/require-await -- what it throws becomes a rejection
  async unlock(passphrase?: Uint8Array): Promise<PrivateKey> {
    const { buffer, byteOffset, length } = requirePassphrase(passphrase);
    return orFail(wrongPassphrase(), () => readKeyObject(open(Buffer.from(buffer, byteOffset, length))));
  },
});

/** Reads a PEM private key; `text` has no white space around it. */
export function readPemKey(text: string): PrivateKeyFile {
  const { label, cipher, der } = readPem(text);
  if (cipher !== null) {
    if (!LEGACY_CIPHERS.has(cipher)) throw unsupportedEncryption("expected AES-CBC or DES-EDE3-CBC");
    return encryptedFile((passphrase) => createPrivateKey({ key: text, format: "pem", passphrase }));
  }
  const whole = new DerReader(der);
  whole.sequence();
  whole.end();
  if (label === "ENCRYPTED PRIVATE KEY") {
    checkEncryptedPkcs8(der);
    return encryptedFile((passphrase) => createPrivateKey({ key: der, format: "der", type: "pkcs8", passphrase }));
  }
  const type = label === "RSA PRIVATE KEY" ? "pkcs1" : "pkcs8";
  return orFail(malformed(TITLE, "OpenSSL cannot read it"), () => {
    const key = createPrivateKey({ key: der, format: "der", type });
    const { publicKey } = readKeyObject(key);
    return { format: "pem", encrypted: false, publicKey, unlock: async () => readKeyObject(key) };
  });
}
