import { randomBytes } from "node:crypto";
import { assertBytes, assertInteger, type VaultErrorOptions } from "@git-vault/core";
import { GitCryptError } from "../errors.ts";
import {
  encodeFields,
  type Field,
  FieldReader,
  isSkippable,
  malformed,
  MAX_UINT32,
  uint32,
} from "./key-file-fields.ts";
import { assertKeyName, DEFAULT_KEY_NAME, isKeyName } from "./key-name.ts";

/** One version of a key. Its buffers are secrets: {@link wipeKeyFile} zeroes them. */
export interface KeyFileEntry {
  /** Below 2³². git-crypt decrypts with version 0 only. */
  readonly version: number;
  /** 32 bytes, not all zero. */
  readonly aesKey: Buffer;
  /** 64 bytes, not all zero. */
  readonly hmacKey: Buffer;
  /** Fields that a reader may skip. They are kept, so that the file is written as it was read. */
  readonly skipped: readonly Field[];
}

/** git-crypt's symmetric key, as one file holds it. */
export interface KeyFile {
  /** The key's name; null for the default key. */
  readonly name: string | null;
  /** At least one, in the file's order; no version twice. */
  readonly entries: readonly KeyFileEntry[];
  readonly skipped: readonly Field[];
  /** Whether it is in the form without a header: the AES key and the HMAC key, 96 bytes. */
  readonly legacy: boolean;
}

const MAGIC = Buffer.from("\0GITCRYPTKEY", "latin1");
const FORMAT_VERSION = 2;
const AES_KEY_BYTES = 32;
const HMAC_KEY_BYTES = 64;
const LEGACY_BYTES = AES_KEY_BYTES + HMAC_KEY_BYTES;
const HEADER_FIELD = { name: 1 } as const;
const ENTRY_FIELD = { version: 1, aesKey: 3, hmacKey: 5 } as const;

/** The most bytes of a key file that are read: 1 MiB. A usual one has 148. */
export const MAX_KEY_FILE_BYTES: number = 1024 * 1024;

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

function fieldOf(fields: readonly Field[], id: number, title: string, length: number): Buffer {
  const data = fields.find((field) => field.id === id)?.data;
  if (data === undefined) throw malformed(`the key file holds an entry without its ${title}`);
  if (data.length !== length) throw malformed(`the key file's ${title} has ${data.length} bytes, expected ${length}`);
  return data;
}

const skippedOf = (fields: readonly Field[]): Field[] => fields.filter(({ id }) => isSkippable(id));

function parseEntry(fields: readonly Field[]): KeyFileEntry {
  return {
    version: fieldOf(fields, ENTRY_FIELD.version, "version", 4).readUInt32BE(),
    aesKey: fieldOf(fields, ENTRY_FIELD.aesKey, "AES key", AES_KEY_BYTES),
    hmacKey: fieldOf(fields, ENTRY_FIELD.hmacKey, "HMAC key", HMAC_KEY_BYTES),
    skipped: skippedOf(fields),
  };
}

function parseHeaded(bytes: Buffer): KeyFile {
  const reader = new FieldReader(bytes);
  reader.take(MAGIC.length);
  const version = reader.uint32();
  if (version !== FORMAT_VERSION) {
    throw malformed(
      `the key file has format ${version}, expected ${FORMAT_VERSION}`,
      "a newer git-crypt may have written it",
    );
  }
  const header = reader.fields(Object.values(HEADER_FIELD));
  const entries: KeyFileEntry[] = [];
  while (!reader.atEnd) entries.push(parseEntry(reader.fields(Object.values(ENTRY_FIELD))));
  const name = header.find(({ id }) => id === HEADER_FIELD.name)?.data.toString("latin1") ?? null;
  return { name, entries, skipped: skippedOf(header), legacy: false };
}

/** 96 characters of text are another file by mistake: a random key is never all text. */
const isLegacy = (bytes: Uint8Array): boolean =>
  bytes.length === LEGACY_BYTES && !bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13));

function parseLegacy(bytes: Buffer): KeyFile {
  const entry = {
    version: 0,
    aesKey: bytes.subarray(0, AES_KEY_BYTES),
    hmacKey: bytes.subarray(AES_KEY_BYTES),
    skipped: [],
  };
  return { name: null, entries: [entry], skipped: [], legacy: true };
}

function assertSkipped(fields: readonly Field[]): void {
  let previous = 0;
  for (const { id, data } of fields) {
    assertInteger("skipped field's id", id, previous + 1, MAX_UINT32);
    assertBytes("skipped field's data", data);
    if (!isSkippable(id)) throw malformed(`the key file's field ${id} cannot be skipped: its id is odd`);
    previous = id;
  }
}

/** What every key file promises, whether it was read or is to be written. */
function assertKeyFile({ name, entries, skipped, legacy }: KeyFile): void {
  if (name !== null && (!isKeyName(name) || name === DEFAULT_KEY_NAME)) {
    throw malformed("the key file's name is not one that git-crypt allows");
  }
  if (entries.length === 0) throw malformed("the key file holds no key");
  if (new Set(entries.map(({ version }) => version)).size !== entries.length) {
    throw malformed("the key file holds a version of the key twice");
  }
  assertSkipped(skipped);
  for (const entry of entries) {
    assertInteger("key version", entry.version, 0, MAX_UINT32);
    assertBytes("AES key", entry.aesKey, AES_KEY_BYTES);
    assertBytes("HMAC key", entry.hmacKey, HMAC_KEY_BYTES);
    assertSkipped(entry.skipped);
    if (isZero(entry.aesKey) || isZero(entry.hmacKey)) {
      throw malformed("the key file holds a key of zeros, which protects nothing", "make a new key");
    }
  }
  const [first] = entries;
  const isPlain = name === null && entries.length === 1 && first?.version === 0;
  if (legacy && !(isPlain && skipped.length === 0 && first.skipped.length === 0)) {
    throw malformed("a legacy key file holds one key of version 0 and nothing else");
  }
}

const copySkipped = (fields: readonly Field[]): Field[] =>
  fields.map(({ id, data }) => ({ id, data: Buffer.from(data) }));

/**
 * Tells whether `bytes` begin like a key file. It looks at the first 12 bytes only, and so never
 * knows a legacy file, which is 96 bytes without a mark.
 */
export function isKeyFile(bytes: Uint8Array): boolean {
  assertBytes("key file", bytes);
  return MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/**
 * Reads a key file, in the current form or the legacy one. What it accepts, {@link encodeKeyFile}
 * writes as the same bytes. The result is a copy: `bytes` may be zeroed afterwards.
 *
 * It is strict: fields come once and in ascending order, unknown odd ones are refused and unknown
 * even ones kept, each entry holds a version, an AES key and an HMAC key, neither of them all zero,
 * and nothing follows the last entry.
 *
 * @throws GitCryptError MALFORMED_KEY_FILE, whose hint names the usual mistakes: a newline at the
 * end, base64, a sealed message.
 */
export function parseKeyFile(bytes: Uint8Array): KeyFile {
  assertBytes("key file", bytes);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    const keyFile = parseView(view);
    return {
      ...keyFile,
      skipped: copySkipped(keyFile.skipped),
      entries: keyFile.entries.map(({ version, aesKey, hmacKey, skipped }) => ({
        version,
        aesKey: Buffer.from(aesKey),
        hmacKey: Buffer.from(hmacKey),
        skipped: copySkipped(skipped),
      })),
    };
  } catch (error) {
    if (!(error instanceof GitCryptError)) throw error;
    throw new GitCryptError(error.code, error.message, mistakeIn(view) ?? { hint: error.hint });
  }
}

function parseView(bytes: Buffer): KeyFile {
  if (bytes.length === 0) throw malformed("the key file is empty");
  if (bytes.length > MAX_KEY_FILE_BYTES) throw malformed(`the key file is larger than ${MAX_KEY_FILE_BYTES} bytes`);
  if (!isKeyFile(bytes) && !isLegacy(bytes)) throw malformed("expected a git-crypt key file, got something else");
  const keyFile = isKeyFile(bytes) ? parseHeaded(bytes) : parseLegacy(bytes);
  assertKeyFile(keyFile);
  return keyFile;
}

function isWellFormed(bytes: Buffer): boolean {
  try {
    parseView(bytes);
    return true;
  } catch {
    return false;
  }
}

const SEALED = [
  "age-encryption.org/",
  "-----BEGIN AGE ENCRYPTED FILE-----",
  "SSH-VAULT;",
  "-----BEGIN PGP MESSAGE-----",
];

/** The first 12 bytes of every key file, in base64: a whole number of its groups. */
const MAGIC_IN_BASE64 = "AEdJVENSWVBUS0VZ";

/** A hint for usual mistakes if `bytes` are no key file; undefined for others. */
function mistakeIn(bytes: Buffer): VaultErrorOptions | undefined {
  const newline = /\r?\n$|\r$/.exec(bytes.toString("latin1", Math.max(0, bytes.length - 2)))?.[0].length ?? 0;
  if (newline > 0 && isWellFormed(bytes.subarray(0, bytes.length - newline))) {
    return { hint: "the key file ends with a newline; it was probably pasted or echoed: remove its last byte" };
  }
  const start = bytes.toString("latin1", 0, 64).trimStart();
  if (start.startsWith(MAGIC_IN_BASE64))
    return { hint: "this is a key file in base64: decode it first, with base64 -d" };
  if (SEALED.some((title) => start.startsWith(title))) {
    return { hint: "this is a sealed message: open it first", subject: "a sealed message" };
  }
  if (start.startsWith("\0GITCRYPT\0")) {
    return { hint: "this is a file that git-crypt encrypted, not the key that opens it" };
  }
  return undefined;
}

const encodeEntry = ({ version, aesKey, hmacKey, skipped }: KeyFileEntry): Buffer =>
  encodeFields([
    { id: ENTRY_FIELD.version, data: uint32(version) },
    { id: ENTRY_FIELD.aesKey, data: aesKey },
    { id: ENTRY_FIELD.hmacKey, data: hmacKey },
    ...skipped,
  ]);

/**
 * Writes a key file: 148 bytes for the default key, 156 and the name's length for a named one, 96
 * where `legacy` is set. The result is a secret.
 *
 * @throws GitCryptError MALFORMED_KEY_FILE where git-crypt would refuse the file, or encrypt with
 * zeros; TypeError and RangeError for a value of a wrong type or size.
 */
export function encodeKeyFile(keyFile: KeyFile): Buffer {
  assertKeyFile(keyFile);
  const { name, entries, skipped, legacy } = keyFile;
  if (legacy) return Buffer.concat(entries.flatMap(({ aesKey, hmacKey }) => [aesKey, hmacKey]));
  const named = name === null ? [] : [{ id: HEADER_FIELD.name, data: Buffer.from(name, "latin1") }];
  const header = encodeFields([...named, ...skipped]);
  const parts = entries.map(encodeEntry);
  const bytes = Buffer.concat([MAGIC, uint32(FORMAT_VERSION), header, ...parts]);
  for (const part of parts) part.fill(0);
  return bytes;
}

/**
 * Makes a new random key: version 0 of the default key, or of the one named.
 *
 * @throws GitCryptError INVALID_KEY_NAME.
 */
export function generateKeyFile(name: string = DEFAULT_KEY_NAME): KeyFile {
  assertKeyName(name);
  const entry = { version: 0, aesKey: randomBytes(AES_KEY_BYTES), hmacKey: randomBytes(HMAC_KEY_BYTES), skipped: [] };
  return { name: name === DEFAULT_KEY_NAME ? null : name, entries: [entry], skipped: [], legacy: false };
}

/** Zeroes a key file's secrets. It is of no use afterwards. */
export function wipeKeyFile(keyFile: KeyFile): void {
  for (const { aesKey, hmacKey } of keyFile.entries) {
    aesKey.fill(0);
    hmacKey.fill(0);
  }
}
