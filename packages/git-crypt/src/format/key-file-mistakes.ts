const SEALED = [
  "age-encryption.org/",
  "-----BEGIN AGE ENCRYPTED FILE-----",
  "SSH-VAULT;",
  "-----BEGIN PGP MESSAGE-----",
];

/** The first 12 bytes of every key file, in base64: a whole number of its groups. */
const MAGIC_IN_BASE64 = "AEdJVENSWVBUS0VZ";

/**
 * Says what to do where `bytes` are no key file because of a usual mistake; undefined where it is
 * none of them. `isWellFormed` tells whether the rest is a key file.
 */
export function mistakeIn(bytes: Buffer, isWellFormed: (bytes: Buffer) => boolean): string | undefined {
  if (/[\r\n]$/.test(bytes.toString("latin1", Math.max(0, bytes.length - 1)))) {
    const ending = bytes.toString("latin1", bytes.length - 2) === "\r\n" ? 2 : 1;
    if (isWellFormed(bytes.subarray(0, bytes.length - ending))) {
      return "the key file ends with a newline; it was probably pasted or echoed: remove its last byte";
    }
  }
  const start = bytes.toString("latin1", 0, 64).trimStart();
  if (start.startsWith(MAGIC_IN_BASE64)) return "this is a key file in base64: decode it first, with base64 -d";
  if (SEALED.some((title) => start.startsWith(title)))
    return "this is a sealed message: open it first, with vault view";
  if (start.startsWith("\0GITCRYPT\0")) return "this is a file that git-crypt encrypted, not the key that opens it";
  return undefined;
}
