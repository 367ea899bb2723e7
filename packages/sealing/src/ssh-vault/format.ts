import { randomBytes } from "node:crypto";
import type { SshPublicKey } from "@git-vault/keys";
import { NONCE_BYTES, openAead, sealAead, TAG_BYTES, type Aead } from "../crypto/aead.ts";
import { decodeBase64, encodeBase64, wrapLines } from "@git-vault/core";
import { malformed, tampered } from "../errors.ts";
import { decodeFingerprint, PASSWORD_BYTES, wrapPassword } from "./stanzas.ts";
import type { Stanza } from "../age/stanza.ts";

/*
 * ssh-vault's format: text in lines of 64 characters, whose line ends mean nothing.
 *
 *   SSH-VAULT;CHACHA20-POLY1305;<fingerprint>;<epk>;<password>;<data>
 *   SSH-VAULT;AES256;<fingerprint><password>;<data>
 *
 * It fits the model of an age message: the 32-byte password is the message key, and the fields
 * between the first and <data> are one stanza that it is wrapped in.
 */

/** What every vault begins with. */
export const VAULT_MAGIC = "SSH-VAULT;";

const COLUMNS = 64;
const MD5_FINGERPRINT_LENGTH = 47;
/** OAEP with SHA-256 adds 66 bytes to the password; an RSA key has at most 16384 bits. */
const RSA_PASSWORD_BYTES = { min: 66 + PASSWORD_BYTES, max: 2048 };

/** A parsed vault. */
interface Vault {
  /**
   * Type `CHACHA20-POLY1305` with the fingerprint and the base64 epk as arguments, or `AES256` with
   * the fingerprint.
   */
  readonly stanza: Stanza;
  /** Nonce, ciphertext, tag. */
  readonly data: Buffer;
}

/** The data's cipher and its associated data: the key's digest, or for RSA its text. */
const cipherOf = ({ type, args: [fingerprint = ""] }: Stanza): { aead: Aead; associated: Buffer } =>
  type === "AES256"
    ? { aead: "aes-256-gcm", associated: Buffer.from(fingerprint) }
    : { aead: "chacha20-poly1305", associated: decodeFingerprint(fingerprint) };

/**
 * Seals to one key.
 *
 * Throws SealingError `UNUSABLE_RECIPIENT` if nothing can be sealed to the key.
 */
export function sealVault(plaintext: Uint8Array, publicKey: SshPublicKey): Vault {
  const password = randomBytes(PASSWORD_BYTES);
  const stanza = wrapPassword(publicKey, password);
  const { aead, associated } = cipherOf(stanza);
  const nonce = randomBytes(NONCE_BYTES);
  const data = Buffer.concat([nonce, sealAead(aead, password, nonce, plaintext, associated)]);
  password.fill(0);
  return { stanza, data };
}

/**
 * Opens the data with the password from the stanza.
 *
 * Throws SealingError `TAMPERED_MESSAGE`.
 */
export function openVault({ stanza, data }: Vault, password: Buffer): Buffer {
  const { aead, associated } = cipherOf(stanza);
  const nonce = data.subarray(0, NONCE_BYTES);
  const plaintext = openAead(aead, password, nonce, data.subarray(NONCE_BYTES), associated);
  if (plaintext === null) throw tampered("its data does not match its password and fingerprint");
  return plaintext;
}

/** Writes a vault as ssh-vault does: no line end after the last line. */
export function encodeVault({ stanza: { type, args, body }, data }: Vault): string {
  const fields = [encodeBase64(body), encodeBase64(data)].join(";");
  const head = [`${VAULT_MAGIC}${type}`, ...args].join(";");
  const lines = type === "AES256" ? [head, ...wrapLines(fields, COLUMNS)] : wrapLines(`${head};${fields}`, COLUMNS);
  return lines.join("\n");
}

/**
 * Reads a vault in lines of any length, ended by LF or CRLF, with white space around the whole.
 *
 * Throws SealingError `MALFORMED_MESSAGE`.
 */
export function parseVault(text: string): Vault {
  const [magic, type, ...fields] = text.trim().replaceAll(/\r?\n/g, "").split(";");
  if (`${magic};` !== VAULT_MAGIC) throw malformed(`it does not begin with ${VAULT_MAGIC}`);
  const stanza = parseStanza(type, fields);
  const data = decodeBase64(fields.at(-1) ?? "");
  if (data === null) throw malformed("the data of the vault is not canonical base64");
  if (data.length < NONCE_BYTES + TAG_BYTES) throw malformed("the data of the vault ends within its nonce or tag");
  return { stanza, data };
}

const parseStanza = (type: string | undefined, fields: readonly string[]): Stanza => {
  if (type === "CHACHA20-POLY1305") {
    const [fingerprint, epk, password] = fields;
    if (fields.length !== 4 || fingerprint === undefined || epk === undefined || password === undefined) {
      throw malformed(`a vault for an Ed25519 key has 6 fields, this one has ${fields.length + 2}`);
    }
    decodeFingerprint(fingerprint);
    if (decodeBase64(epk)?.length !== 32) throw malformed("the public key of the vault is not 32 bytes in base64");
    const body = decodeBase64(password);
    if (body?.length !== NONCE_BYTES + PASSWORD_BYTES + TAG_BYTES) {
      throw malformed("the password of the vault is not 60 bytes in base64");
    }
    return { type, args: [fingerprint, epk], body };
  }
  if (type === "AES256") {
    // There is a line end, but no semicolon, between the fingerprint and the password.
    const [first, data] = fields;
    if (fields.length !== 2 || first === undefined || data === undefined) {
      throw malformed(`a vault for an RSA key has 4 fields, this one has ${fields.length + 2}`);
    }
    const fingerprint = first.slice(0, MD5_FINGERPRINT_LENGTH);
    if (!/^[0-9a-f]{2}(?::[0-9a-f]{2}){15}$/.test(fingerprint)) {
      throw malformed("the fingerprint of the vault is not an MD5 digest in colon-separated lower-case hex");
    }
    const body = decodeBase64(first.slice(MD5_FINGERPRINT_LENGTH));
    if (body === null || body.length < RSA_PASSWORD_BYTES.min || body.length > RSA_PASSWORD_BYTES.max) {
      throw malformed("the password of the vault is not as long as an RSA modulus, in base64");
    }
    return { type, args: [fingerprint], body };
  }
  throw malformed("the vault's algorithm is neither CHACHA20-POLY1305 nor AES256");
};
