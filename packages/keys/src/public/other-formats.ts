import { assertSize, malformed } from "../errors.ts";
import { assertKeyText, entryOfBlob, readPublicKeys } from "./public-line.ts";
import type { PublicKeyEntry } from "../types.ts";

const MAX_FILE = 16 * 1024;

/** RFC 4716, and the PEM (RFC 7468) of SubjectPublicKeyInfo and of PKCS#1. */
const HEADER = /^\s*(?:---- BEGIN SSH2|-----BEGIN(?: RSA)?) PUBLIC KEY ?----/;
const WHOLE_FILE =
  /^\s*(?:---- BEGIN SSH2 PUBLIC KEY ----\s[^]*\s---- END SSH2 PUBLIC KEY ----|-----BEGIN ((?:RSA )?PUBLIC KEY)-----\s[^]*\s-----END \1-----)\s*$/;

/**
 * Reads public keys as `readPublicKeys` does, and also the one key of an RFC 4716 file (`---- BEGIN
 * SSH2 PUBLIC KEY ----`) or a PEM file (`BEGIN PUBLIC KEY`, `BEGIN RSA PUBLIC KEY`) of at most
 * 16 KiB, whose entry has line 1 and no comment.
 *
 * @throws KeyError `MALFORMED_KEY` for a text that is too long, binary, a private key, or a damaged
 * file of these two formats
 */
export async function readAnyPublicKeys(text: string): Promise<PublicKeyEntry[]> {
  assertKeyText(text);
  if (!HEADER.test(text)) return readPublicKeys(text);
  assertSize("a public key file", text.length, MAX_FILE);
  return [entryOfBlob(1, await blobOf(text), "")];
}

const blobOf = async (text: string): Promise<Buffer> => {
  const failure = malformed("public key file", "expected one RFC 4716 or PEM public key");
  // sshpk accepts a cut END line.
  if (!WHOLE_FILE.test(text)) throw failure;
  const { default: sshpk } = await import("sshpk");
  try {
    return sshpk.parseKey(text, "pem").toBuffer("rfc4253", {});
  } catch {
    // sshpk's error may repeat the input, so it is not kept.
    throw failure;
  }
};
