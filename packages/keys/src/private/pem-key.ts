import { createPrivateKey, type KeyObject } from "node:crypto";
import { decodeBase64 } from "../base64.ts";
import { DerReader, derTag } from "./der.ts";
import { KeyError } from "../errors.ts";
import { ed25519PublicKey, rsaPublicKey } from "../public/public-key.ts";
import type { PrivateKey, PrivateKeyFile } from "../types.ts";
import {
  ed25519PrivateKey,
  pointOfSeed,
  requirePassphrase,
  rsaPrivateKey,
  wrongPassphrase,
} from "./checked-private-key.ts";

/*
 * PEM files (RFC 7468): PKCS#1 (RFC 8017 appendix A.1.2), where encrypted by the headers of RFC
 * 1421, and PKCS#8 (RFC 5958).
 */

interface Pem {
  readonly label: string;
  /** The cipher of the DEK-Info header; null where the body is not encrypted that way. */
  readonly cipher: string | null;
  readonly der: Buffer;
}

const malformed = (problem: string): KeyError => new KeyError("MALFORMED_KEY", `malformed PEM private key: ${problem}`);

const unsupportedKey = (problem: string): KeyError =>
  new KeyError("UNSUPPORTED_KEY", `expected an RSA or Ed25519 private key: ${problem}`);
const ecdsaProblem = "ECDSA keys can only sign";
const dsaProblem = "DSA keys can only sign";

const unsupportedEncryption = (what: string): KeyError =>
  new KeyError("UNSUPPORTED_KEY", `the private key is encrypted in a way that is not supported: ${what}`, {
    hint: "convert it to OpenSSH's format with: ssh-keygen -p -f KEYFILE",
  });

const labelPattern = /^-----BEGIN ((?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY)-----$/;

/** Whether a text begins like a PEM private key. */
export function isPemKey(text: string): boolean {
  return labelPattern.test(firstLine(text));
}

const firstLine = (text: string): string => (/^[^\r\n]*/.exec(text)?.[0] ?? "").trimEnd();

const readPem = (text: string): Pem => {
  const lines = text.split("\n").map((line) => line.trim());
  const label = labelPattern.exec(lines[0] ?? "")?.[1] ?? "";
  if (label === "EC PRIVATE KEY") throw unsupportedKey(ecdsaProblem);
  if (label === "DSA PRIVATE KEY") throw unsupportedKey(dsaProblem);
  if (lines.at(-1) !== `-----END ${label}-----`) throw malformed("it does not end with its END line");
  const headers = lines.slice(1).findIndex((line) => !line.includes(":"));
  const isEncrypted = lines.slice(1, headers + 1).includes("Proc-Type: 4,ENCRYPTED");
  if (headers > 0 && !isEncrypted) throw malformed("it has headers that are not those of an encrypted key");
  const [, cipher] = /^DEK-Info: ([A-Z0-9-]+),[0-9A-Fa-f]+$/.exec(lines[headers] ?? "") ?? [];
  if (isEncrypted && (label !== "RSA PRIVATE KEY" || cipher === undefined)) throw malformed("its headers are damaged");
  const der = decodeBase64(lines.slice(headers + 1, -1).join(""));
  if (der === null) throw malformed("expected canonical base64 between its first and last line");
  return { label, cipher: isEncrypted ? (cipher ?? null) : null, der };
};

/**
 * The seed is the last field of the PKCS#8 encoding that node:crypto writes (RFC 8410 section 7).
 */
const readEd25519 = (key: KeyObject): PrivateKey => {
  const der = key.export({ format: "der", type: "pkcs8" });
  const seed = der.subarray(-32);
  try {
    return ed25519PrivateKey(seed, ed25519PublicKey(pointOfSeed(seed), ""));
  } finally {
    der.fill(0);
  }
};

const fromBase64url = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64url");

const readRsa = (key: KeyObject): PrivateKey => {
  const jwk = key.export({ format: "jwk" });
  const numbers = {
    modulus: fromBase64url(jwk.n),
    exponent: fromBase64url(jwk.e),
    privateExponent: fromBase64url(jwk.d),
    prime1: fromBase64url(jwk.p),
    prime2: fromBase64url(jwk.q),
    coefficient: fromBase64url(jwk.qi),
  };
  return rsaPrivateKey(numbers, rsaPublicKey(numbers.modulus, numbers.exponent, ""));
};

const readKeyObject = (key: KeyObject): PrivateKey => {
  if (key.asymmetricKeyType === "ed25519") return readEd25519(key);
  if (key.asymmetricKeyType === "rsa") return readRsa(key);
  if (key.asymmetricKeyType === "ec") throw unsupportedKey(ecdsaProblem);
  if (key.asymmetricKeyType === "dsa") throw unsupportedKey(dsaProblem);
  throw unsupportedKey("this one is of another type");
};

/**
 * Runs what hands hostile input to OpenSSL; its own errors, whose words change from version to
 * version, become `failure`.
 */
const orFail = <T>(failure: KeyError, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw error instanceof KeyError ? error : failure;
  }
};

const objectIdentifier = {
  pbes2: "2a864886f70d01050d",
  pbkdf2: "2a864886f70d01050c",
  scrypt: "2b06010401da47040b",
} as const;

/** AES in CBC mode with keys of 128, 192 and 256 bits, and triple DES. */
const pkcs8Ciphers = new Set(["608648016503040102", "608648016503040116", "60864801650304012a", "2a864886f70d0307"]);
const legacyCiphers = new Set(["AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "DES-EDE3-CBC"]);

/** Some seconds of work. OpenSSL writes 2048; a hostile file can ask for 2^31 and more. */
const maximumIterations = 10_000_000;
/** N·r·p of scrypt (RFC 7914): some seconds. OpenSSL writes 2^17. */
const maximumScryptWork = 2 ** 22;

/**
 * Asserts that an encrypted PKCS#8 key (RFC 5958, RFC 8018 appendix A) asks for a decryption that
 * OpenSSL can do and that ends.
 */
const checkEncryptedPkcs8 = (der: Buffer): void => {
  const info = new DerReader(der).sequence();
  const scheme = info.sequence();
  info.element(derTag.octetString);
  info.end();
  if (scheme.objectIdentifier() !== objectIdentifier.pbes2) throw unsupportedEncryption("expected PBES2");
  const parameters = scheme.sequence();
  const derivation = parameters.sequence();
  if (!pkcs8Ciphers.has(parameters.sequence().objectIdentifier())) throw unsupportedEncryption("expected AES-CBC");
  const kdf = derivation.objectIdentifier();
  const kdfParameters = derivation.sequence();
  kdfParameters.element(derTag.octetString);
  if (kdf === objectIdentifier.pbkdf2) {
    if (kdfParameters.integer() > maximumIterations) throw unsupportedEncryption("it asks for too much work");
  } else if (kdf === objectIdentifier.scrypt) {
    const work = kdfParameters.integer() * kdfParameters.integer() * kdfParameters.integer();
    if (!(work <= maximumScryptWork)) throw unsupportedEncryption("it asks for too much work");
  } else {
    throw unsupportedEncryption("expected PBKDF2 or scrypt");
  }
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

const plainFile = (key: KeyObject): PrivateKeyFile => {
  const { publicKey } = readKeyObject(key);
  return { format: "pem", encrypted: false, publicKey, unlock: async () => readKeyObject(key) };
};

/** Reads a PEM private key; `text` has no white space around it. */
export function readPemKey(text: string): PrivateKeyFile {
  const { label, cipher, der } = readPem(text);
  if (cipher !== null) {
    if (!legacyCiphers.has(cipher)) throw unsupportedEncryption("expected AES-CBC or DES-EDE3-CBC");
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
  return orFail(malformed("OpenSSL cannot read it"), () =>
    plainFile(createPrivateKey({ key: der, format: "der", type })),
  );
}
