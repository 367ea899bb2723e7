import { assertBytes } from "@git-vault/core";
import { KeyError } from "../errors.ts";
import { readOpensshKey } from "./openssh-key.ts";
import { isPemKey, readPemKey } from "./pem-key.ts";
import { readPuttyKey } from "./putty-ppk.ts";
import type { PrivateKeyFile } from "../types.ts";

const maximumFileSize = 16 * 1024;

/** What people name by mistake, and what to say then. */
const mistakes: readonly (readonly [pattern: RegExp, what: string, hint: string])[] = [
  [
    /^(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+ |^---- BEGIN SSH2 PUBLIC|^-----BEGIN (?:RSA )?PUBLIC KEY/,
    "a public key",
    "name the private key file, which usually stands beside it without .pub",
  ],
  [/AGE-SECRET-KEY-/, "an age identity", "name an SSH private key, such as ~/.ssh/id_ed25519"],
  [/^-----BEGIN PGP/, "an OpenPGP key", "name an SSH private key, such as ~/.ssh/id_ed25519"],
  [
    /^---- BEGIN SSH2 ENCRYPTED PRIVATE/,
    "one in the format of SSH Communications Security",
    "convert it to OpenSSH's format with: ssh-keygen -i -f KEYFILE",
  ],
  [/^-----BEGIN CERTIFICATE/, "a certificate", "name an SSH private key, such as ~/.ssh/id_ed25519"],
];

/**
 * Reads a private key file in whatever format its content shows, without unlocking it: OpenSSH
 * (PROTOCOL.key), PEM (PKCS#1 and PKCS#8), PuTTY versions 2 and 3.
 *
 * The bytes are not kept: the caller may overwrite them with zeros.
 *
 * @param bytes the content of the file, at most 16 KiB
 * @throws KeyError `MALFORMED_KEY` for what is no private key or a damaged one, `UNSUPPORTED_KEY`
 * for a key that can only sign, or one whose encryption is not supported
 */
export function readPrivateKey(bytes: Uint8Array): PrivateKeyFile {
  assertBytes("bytes", bytes);
  if (bytes.length > maximumFileSize) {
    throw new KeyError(
      "MALFORMED_KEY",
      `expected a private key of at most ${maximumFileSize} bytes, got ${bytes.length}`,
    );
  }
  // Base64 can be decoded from a string only, so the text of an unencrypted key stays in memory
  // until it is collected.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1").trim();
  if (text.startsWith("-----BEGIN OPENSSH PRIVATE KEY-----")) return readOpensshKey(text);
  if (isPemKey(text)) return readPemKey(text);
  if (text.startsWith("PuTTY-User-Key-File-")) return readPuttyKey(text);
  if (/^[a-z0-9-]+-cert-v01@openssh\.com /.test(text)) {
    throw new KeyError("UNSUPPORTED_KEY", "expected a private key, got a certificate: certificates can only sign");
  }
  const mistake = mistakes.find(([pattern]) => pattern.test(text));
  if (mistake !== undefined) {
    throw new KeyError("MALFORMED_KEY", `expected a private key, got ${mistake[1]}`, { hint: mistake[2] });
  }
  throw new KeyError(
    "MALFORMED_KEY",
    text === "" ? "expected a private key, got an empty file" : "this is not a private key",
  );
}
