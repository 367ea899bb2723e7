import { KeyError } from "./errors.ts";
import { assertKeyText, entryOfBlob, readPublicKeys } from "./public-line.ts";
import type { PublicKeyEntry } from "./types.ts";

const maximumFileSize = 16 * 1024;

/** RFC 4716, and the PEM of SubjectPublicKeyInfo (RFC 5280) and PKCS#1. */
const header = /^\s*-{4,5} ?BEGIN (?:SSH2 |RSA )?PUBLIC KEY ?-{4,5}\s/;

/**
 * Reads public keys as `readPublicKeys` does, and besides the one key of an RFC 4716 file (`---- BEGIN SSH2 PUBLIC KEY ----`) or of a
 * PEM file (`BEGIN PUBLIC KEY`, `BEGIN RSA PUBLIC KEY`) of at most 16 KiB, whose entry has line 1 and no comment.
 *
 * @throws KeyError `MALFORMED_KEY` for a text that is too long, binary, a private key, or a damaged file of these two formats
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

/** What sshpk says of bad input may repeat the input, so its error is not kept. */
const blobOf = async (text: string): Promise<Buffer> => {
  const { default: sshpk } = await import("sshpk");
  try {
    return sshpk.parseKey(text, "pem").toBuffer("rfc4253", {});
  } catch {
    throw new KeyError("MALFORMED_KEY", "malformed public key file: expected one RFC 4716 or PEM public key");
  }
};
