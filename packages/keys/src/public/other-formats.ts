import { KeyError } from "../errors.ts";
import { assertKeyText, entryOfBlob, readPublicKeys } from "./public-line.ts";
import type { PublicKeyEntry } from "../types.ts";

const maximumFileSize = 16 * 1024;

/** RFC 4716, and the PEM (RFC 7468) of SubjectPublicKeyInfo and of PKCS#1. */
const header = /^\s*(?:---- BEGIN SSH2|-----BEGIN(?: RSA)?) PUBLIC KEY ?----/;
const wholeFile =
  /^\s*(?:---- BEGIN SSH2 PUBLIC KEY ----\s[^]*\s---- END SSH2 PUBLIC KEY ----|-----BEGIN ((?:RSA )?PUBLIC KEY)-----\s[^]*\s-----END \1-----)\s*$/;

/**
 * Reads public keys as `readPublicKeys` does, and besides the one key of an RFC 4716 file (`----
 * BEGIN SSH2 PUBLIC KEY ----`) or of a PEM file (`BEGIN PUBLIC KEY`, `BEGIN RSA PUBLIC KEY`) of at
 * most 16 KiB, whose entry has line 1 and no comment.
 *
 * @throws KeyError `MALFORMED_KEY` for a text that is too long, binary, a private key, or a damaged
 * file of these two formats
 */
export async function readAnyPublicKeys(text: string): Promise<PublicKeyEntry[]> {
  assertKeyText(text);
  if (!header.test(text)) return readPublicKeys(text);
  if (text.length > maximumFileSize) {
    throw new KeyError(
      "MALFORMED_KEY",
      `expected a public key file of at most ${maximumFileSize} bytes, got ${text.length}`,
    );
  }
  return [entryOfBlob(1, await blobOf(text), "")];
}

const malformed = (): KeyError =>
  new KeyError("MALFORMED_KEY", "malformed public key file: expected one RFC 4716 or PEM public key");

const blobOf = async (text: string): Promise<Buffer> => {
  // sshpk is content with a part of the END line.
  if (!wholeFile.test(text)) throw malformed();
  const { default: sshpk } = await import("sshpk");
  try {
    return sshpk.parseKey(text, "pem").toBuffer("rfc4253", {});
  } catch {
    // What sshpk says of bad input may repeat the input, so its error is not kept.
    throw malformed();
  }
};
