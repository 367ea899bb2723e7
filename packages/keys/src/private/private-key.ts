import { assertBytes } from "@git-vault/core";
import { assertSize, KeyError } from "../errors.ts";
import type { PrivateKeyFile } from "../types.ts";
import { readOpensshKey } from "./openssh-key.ts";
import { isPemKey, readPemKey } from "./pem-key.ts";
import { readPuttyKey } from "./putty-ppk.ts";
import { repairKey } from "./repair-key.ts";

const MAX_FILE = 16 * 1024;
const NAME_SSH_KEY = "name an SSH private key, such as ~/.ssh/id_ed25519";

/** What people name by mistake, and the hint for it. */
const MISTAKES: readonly (readonly [pattern: RegExp, what: string, hint: string])[] = [
  [
    /^(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+ |^---- BEGIN SSH2 PUBLIC|^-----BEGIN (?:RSA )?PUBLIC KEY/,
    "a public key",
    "name the private key file, which usually has the same name without .pub",
  ],
  [/AGE-SECRET-KEY-/, "an age identity", NAME_SSH_KEY],
  [/^-----BEGIN PGP/, "an OpenPGP key", NAME_SSH_KEY],
  [
    /^---- BEGIN SSH2 ENCRYPTED PRIVATE/,
    "one in the format of SSH Communications Security",
    "convert it to OpenSSH's format with: ssh-keygen -i -f KEYFILE",
  ],
  [/^-----BEGIN CERTIFICATE/, "a certificate", NAME_SSH_KEY],
];

/**
 * Reads a private key file without unlocking it. Its content tells the format: OpenSSH
 * (PROTOCOL.key), PEM (PKCS#1 and PKCS#8), PuTTY versions 2 and 3; also as editors, chats and
 * consoles leave it.
 *
 * The bytes are not kept: the caller may overwrite them with zeros.
 *
 * @param bytes the content of the file, at most 16 KiB
 * @throws KeyError `MALFORMED_KEY` for what is no private key or a damaged one, `UNSUPPORTED_KEY`
 * for a key that can only sign, or one whose encryption is not supported
 */
export function readPrivateKey(bytes: Uint8Array): PrivateKeyFile {
  assertBytes("bytes", bytes);
  assertSize("a private key", bytes.length, MAX_FILE);
  // Base64 can only be decoded from a string, so the text of an unencrypted key stays in memory
  // until it is collected.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1").trim();
  // Indentation reads well, and then does not decrypt.
  const isIndented = isPemKey(text) && /^[ \t]+\S/m.test(text);
  try {
    return readKeyText(isIndented ? (repairKey(bytes) ?? text) : text);
  } catch (error) {
    const repaired = error instanceof KeyError && error.code === "MALFORMED_KEY" ? repairKey(bytes) : null;
    if (repaired === null || repaired === text) throw error;
    try {
      return readKeyText(repaired);
    } catch (failure) {
      // What is wrong with the file is wrong with it as it came.
      throw failure instanceof KeyError && isRecognised(text) ? error : failure;
    }
  }
}

const isRecognised = (text: string): boolean =>
  text.startsWith("-----BEGIN OPENSSH PRIVATE KEY-----") || isPemKey(text) || text.startsWith("PuTTY-User-Key-File-");

function readKeyText(text: string): PrivateKeyFile {
  if (text.startsWith("-----BEGIN OPENSSH PRIVATE KEY-----")) return readOpensshKey(text);
  if (isPemKey(text)) return readPemKey(text);
  if (text.startsWith("PuTTY-User-Key-File-")) return readPuttyKey(text);
  if (/^[a-z0-9-]+-cert-v01@openssh\.com /.test(text)) {
    throw new KeyError("UNSUPPORTED_KEY", "expected a private key, got a certificate: certificates can only sign");
  }
  const [, what, hint] = MISTAKES.find(([pattern]) => pattern.test(text)) ?? [];
  const got = what ?? (text === "" ? "an empty file" : undefined);
  const message = got === undefined ? "this is not a private key" : `expected a private key, got ${got}`;
  throw new KeyError("MALFORMED_KEY", message, { hint });
}
