import { createCipheriv, createHmac, timingSafeEqual } from "node:crypto";
import { assertBytes } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import type { KeyFile, KeyFileEntry } from "./key-file.ts";

const MAGIC = Buffer.from("\0GITCRYPT\0", "latin1");
const NONCE_BYTES = 12;
const HEADER_BYTES = MAGIC.length + NONCE_BYTES;
/** git-crypt's own limit. */
const MAX_PLAINTEXT_BYTES = 2 ** 32 - 1;
/**
 * So much the cache of a core holds, together with what is made of it. Neither node:crypto nor
 * node:fs takes 2 GiB or more at a time.
 */
const CHUNK_BYTES = 256 * 1024;

/** The pieces of what may be too large for one call, in their order. */
export function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) yield bytes.subarray(offset, offset + CHUNK_BYTES);
}

function nonceOf({ hmacKey }: KeyFileEntry, plaintext: Uint8Array): Buffer {
  const hmac = createHmac("sha1", hmacKey);
  for (const chunk of chunksOf(plaintext)) hmac.update(chunk);
  return hmac.digest().subarray(0, NONCE_BYTES);
}

/**
 * AES-256-CTR is its own inverse. The block counter is the last 4 bytes of the initialization
 * vector. `also` gets each part of what is made, too, which is overwritten after it.
 */
function applyKeyStream(
  { aesKey }: KeyFileEntry,
  nonce: Uint8Array,
  from: Uint8Array,
  to: Uint8Array,
  also: (part: Uint8Array) => void = () => {},
): void {
  const cipher = createCipheriv("aes-256-ctr", aesKey, Buffer.concat([nonce, Buffer.alloc(4)]));
  let offset = 0;
  for (const chunk of chunksOf(from)) {
    const output = cipher.update(chunk);
    also(output);
    to.set(output, offset);
    output.fill(0);
    offset += chunk.length;
  }
}

/** A blob does not say which version encrypted it, and git-crypt decrypts with version 0. */
export function entryOf(keyFile: KeyFile): KeyFileEntry {
  const entry = keyFile.entries.find(({ version }) => version === 0);
  if (entry === undefined) throw new GitCryptError("MALFORMED_KEY_FILE", "the key file holds no key of version 0");
  return entry;
}

/** How long the blob of an empty file is. */
export const EMPTY_BLOB_BYTES: number = HEADER_BYTES;

/** Whether `bytes` begin as git-crypt's encrypted blobs do; others are stored unencrypted. */
export function isEncryptedBlob(bytes: Uint8Array): boolean {
  assertBytes("blob", bytes);
  return MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/** So many bytes after the magic are looked at. */
const SAMPLE_BYTES = 54;

/** So many random bytes are no ASCII text but once in a billion times. */
const TEXT_BYTES = 22;
/** So many in a row are none anywhere in a GiB of random bytes, but once in a billion times. */
const RUN_BYTES = 44;

const isText = (byte: number): boolean => (byte >= 32 && byte < 127) || (byte >= 9 && byte <= 13);

/** Whether a text stands at the end of `bytes`, or a longer one anywhere in them. */
function holdsText(bytes: Uint8Array): boolean {
  let run = 0;
  for (const byte of bytes) {
    run = isText(byte) ? run + 1 : 0;
    if (run === RUN_BYTES) return true;
  }
  return run >= TEXT_BYTES;
}

/**
 * Whether `bytes`, which are a blob or its start, can be ciphertext, as far as that shows without
 * its key: nonce and ciphertext are random, while what people write is ASCII, or has the same bytes
 * again and again. One ciphertext in a billion is taken for a text; what is compressed or random
 * itself, or shorter, cannot be told from ciphertext.
 */
export function seemsEncrypted(bytes: Uint8Array): boolean {
  if (!isEncryptedBlob(bytes) || bytes.length < HEADER_BYTES) return false;
  const counts = new Uint8Array(256);
  let pairs = 0;
  const sample = bytes.subarray(MAGIC.length, MAGIC.length + SAMPLE_BYTES);
  if (holdsText(bytes.subarray(MAGIC.length))) return false;
  for (const byte of sample) {
    const before = counts[byte] ?? 0;
    pairs += before;
    counts[byte] = before + 1;
  }
  // Of random bytes, one pair in 256 is of the same byte, give or take the root of their number.
  const expected = (sample.length * (sample.length - 1)) / 2 / 256;
  return pairs <= expected + 8 * Math.sqrt(expected) + 4;
}

/** The same by its start alone, whatever follows that. */
export const startSeemsEncrypted = (bytes: Uint8Array): boolean =>
  seemsEncrypted(bytes.subarray(0, MAGIC.length + SAMPLE_BYTES));

/**
 * Whether two blobs were made of one content by one key, as far as they say so themselves. The
 * nonce is a digest of both, and so it tells a blob that was changed from one of another key.
 */
export const haveSameNonce = (one: Uint8Array, other: Uint8Array): boolean =>
  isEncryptedBlob(one) &&
  isEncryptedBlob(other) &&
  Buffer.compare(one.subarray(MAGIC.length, HEADER_BYTES), other.subarray(MAGIC.length, HEADER_BYTES)) === 0;

/** The magic and the nonce of a blob; null where it is not encrypted, or cut off in them. */
export const headerOf = (blob: Uint8Array): Uint8Array | null =>
  isEncryptedBlob(blob) && blob.length >= HEADER_BYTES ? blob.subarray(0, HEADER_BYTES) : null;

/** Whether ciphertext begins anywhere in `bytes`. */
export const holdsCiphertext = (bytes: Buffer): boolean => bytes.includes(MAGIC);

/**
 * Whether `bytes` are `blob` after somebody edited its ciphertext: they hold its nonce, and are
 * neither that blob nor the beginning of it, which is what an older version of an edited blob is.
 */
export function isEditOf(bytes: Buffer, blob: Buffer): boolean {
  const header = headerOf(blob);
  if (header === null) return false;
  const at = bytes.indexOf(header);
  return at > 0 || (at === 0 && !(bytes.length <= blob.length && blob.subarray(0, bytes.length).equals(bytes)));
}

/**
 * Encrypts a file's content as git-crypt does, byte for byte: 10 bytes of magic, a nonce of 12, and
 * the ciphertext. The same content under the same key gives the same blob. The key's version 0 is
 * used.
 *
 * @throws GitCryptError MALFORMED_KEY_FILE where the key has no version 0; RangeError for 4 GiB and
 * more.
 */
export function encryptBlob(keyFile: KeyFile, plaintext: Uint8Array): Buffer {
  assertBytes("plaintext", plaintext);
  if (plaintext.length > MAX_PLAINTEXT_BYTES) {
    throw new RangeError(`plaintext: expected at most ${MAX_PLAINTEXT_BYTES} bytes, got ${plaintext.length}`);
  }
  const entry = entryOf(keyFile);
  const nonce = nonceOf(entry, plaintext);
  const blob = Buffer.allocUnsafe(HEADER_BYTES + plaintext.length);
  blob.set(MAGIC);
  blob.set(nonce, MAGIC.length);
  applyKeyStream(entry, nonce, plaintext, blob.subarray(HEADER_BYTES));
  return blob;
}

/**
 * Decrypts a blob, and gives its content only after checking that it is what was encrypted.
 *
 * @throws GitCryptError MALFORMED_BLOB for a blob that is not encrypted or is cut off within its
 * first 22 bytes, TAMPERED_BLOB for one that was changed or encrypted with another key,
 * MALFORMED_KEY_FILE where the key has no version 0.
 */
export const decryptBlob = (keyFile: KeyFile, blob: Uint8Array): Buffer => decrypt(keyFile, blob, false);

function decrypt(keyFile: KeyFile, blob: Uint8Array, inPlace: boolean): Buffer {
  if (!isEncryptedBlob(blob)) {
    throw new GitCryptError("MALFORMED_BLOB", "expected a file encrypted by git-crypt, got one that is not encrypted");
  }
  if (blob.length < HEADER_BYTES) {
    throw new GitCryptError("MALFORMED_BLOB", `the encrypted file is cut off after ${blob.length} bytes`);
  }
  const entry = entryOf(keyFile);
  const nonce = blob.subarray(MAGIC.length, HEADER_BYTES);
  const ciphertext = Buffer.from(blob.buffer, blob.byteOffset + HEADER_BYTES, blob.length - HEADER_BYTES);
  const plaintext = inPlace ? ciphertext : Buffer.allocUnsafe(ciphertext.length);
  const hmac = createHmac("sha1", entry.hmacKey);
  applyKeyStream(entry, nonce, ciphertext, plaintext, (part) => hmac.update(part));
  if (!timingSafeEqual(hmac.digest().subarray(0, NONCE_BYTES), nonce)) {
    if (inPlace) applyKeyStream(entry, nonce, plaintext, ciphertext);
    else plaintext.fill(0);
    throw new GitCryptError("TAMPERED_BLOB", "the encrypted file was tampered with, or this is the wrong key for it", {
      hint: "check that the key belongs to this repository",
    });
  }
  return plaintext;
}

/**
 * The same; null where the key does not fit the blob, or the blob is none.
 *
 * @param inPlace whether the content takes the ciphertext's place, in the blob's own memory; where
 * it is null, the blob is as it was
 */
export function tryDecrypt(keyFile: KeyFile, blob: Uint8Array, inPlace = false): Buffer | null {
  try {
    return decrypt(keyFile, blob, inPlace);
  } catch (error) {
    if (error instanceof GitCryptError && ["MALFORMED_BLOB", "TAMPERED_BLOB"].includes(error.code)) return null;
    throw error;
  }
}
