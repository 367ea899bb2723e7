import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeKeyFile,
  generateKeyFile,
  GitCryptError,
  isKeyFile,
  type KeyFile,
  type KeyFileEntry,
  parseKeyFile,
  wipeKeyFile,
} from "../src/index.ts";
import { errorOf } from "./errors.ts";
import { vector } from "./vectors.ts";

const count = (from: number, length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => from + i));
const [aesKey, hmacKey] = [count(0, 32), count(32, 64)];
const entry: KeyFileEntry = { version: 0, aesKey, hmacKey, skipped: [] };
const plain: KeyFile = { name: null, entries: [entry], skipped: [], legacy: false };

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const field = (id: number, data: Uint8Array): Buffer => Buffer.concat([u32(id), u32(data.length), data]);
const END = u32(0);
const fileOf = (header: Buffer[], ...entries: Buffer[][]): Buffer =>
  Buffer.concat([
    Buffer.from("\0GITCRYPTKEY"),
    u32(2),
    ...header,
    END,
    ...entries.flatMap((fields) => fields.concat(END)),
  ]);

/** Null where it is refused as it should be; any other error is thrown. */
function parsedOrNull(bytes: Uint8Array): KeyFile | null {
  try {
    return parseKeyFile(bytes);
  } catch (error) {
    if (error instanceof GitCryptError && error.code === "MALFORMED_KEY_FILE") return null;
    throw error;
  }
}
const [version, aes, hmac] = [field(1, u32(0)), field(3, aesKey), field(5, hmacKey)];

describe("a key file", () => {
  test("of the default key has 148 bytes, and parses to its parts", () => {
    expect(vector("default.key")).toHaveLength(148);
    expect(parseKeyFile(vector("default.key"))).toEqual(plain);
  });

  test("of a named key has 156 bytes and its name's", () => {
    expect(vector("named.key")).toHaveLength(156 + 8);
    expect(parseKeyFile(vector("named.key"))).toEqual({ ...plain, name: "team-1_a" });
  });

  test("in the legacy form is 96 bytes, and is marked", () => {
    expect(parseKeyFile(vector("legacy.key"))).toEqual({ ...plain, legacy: true });
    expect(encodeKeyFile({ ...parseKeyFile(vector("legacy.key")), legacy: false })).toEqual(vector("default.key"));
  });

  test("keeps the fields that it lets a reader skip, and every version", () => {
    const keyFile = parseKeyFile(vector("skipped.key"));
    expect(keyFile.skipped).toEqual([{ id: 2, data: Buffer.from("later") }]);
    expect(keyFile.entries.map((each) => each.version)).toEqual([0, 1]);
    expect(keyFile.entries[0]?.skipped.map(({ id }) => id)).toEqual([2, 4, 0xfffffffe]);
    expect(keyFile.entries[1]).toEqual({
      version: 1,
      aesKey: Buffer.from(aesKey.toReversed()),
      hmacKey: Buffer.from(hmacKey.toReversed()),
      skipped: [],
    });
  });

  test.each(["default.key", "named.key", "legacy.key", "skipped.key"])("re-encodes to the same bytes: %s", (name) => {
    expect(encodeKeyFile(parseKeyFile(vector(name)))).toEqual(vector(name));
  });

  test("parses to a copy", () => {
    const bytes = vector("default.key");
    const keyFile = parseKeyFile(bytes);
    bytes.fill(0);
    expect(keyFile).toEqual(plain);
  });

  test("is known by its first bytes, which the legacy form lacks", () => {
    expect(isKeyFile(vector("default.key"))).toBe(true);
    expect(isKeyFile(vector("default.key").subarray(0, 12))).toBe(true);
    expect(isKeyFile(vector("default.key").subarray(0, 11))).toBe(false);
    expect(isKeyFile(vector("legacy.key"))).toBe(false);
    expect(isKeyFile(vector("hello.blob"))).toBe(false);
  });
});

const hintFor = (bytes: Uint8Array): string | undefined =>
  errorOf("MALFORMED_KEY_FILE", () => parseKeyFile(bytes)).hint;

describe("a key file is refused", () => {
  test.each([
    ["empty", Buffer.alloc(0), "the key file is empty"],
    [
      "of another format",
      Buffer.concat([vector("default.key").subarray(0, 12), u32(3), END]),
      "the key file has format 3",
    ],
    ["without an entry", fileOf([]), "the key file holds no key"],
    ["without a version", fileOf([], [aes, hmac]), "the key file holds an entry without its version"],
    ["without an AES key", fileOf([], [version, hmac]), "the key file holds an entry without its AES key"],
    ["without an HMAC key", fileOf([], [version, aes]), "the key file holds an entry without its HMAC key"],
    ["with a short version", fileOf([], [field(1, Buffer.alloc(3)), aes, hmac]), "version has 3 bytes, expected 4"],
    [
      "with a short AES key",
      fileOf([], [version, field(3, aesKey.subarray(1)), hmac]),
      "AES key has 31 bytes, expected 32",
    ],
    [
      "with a long HMAC key",
      fileOf([], [version, aes, field(5, Buffer.alloc(65, 1))]),
      "HMAC key has 65 bytes, expected 64",
    ],
    ["with an AES key of zeros", fileOf([], [version, field(3, Buffer.alloc(32)), hmac]), "holds a key of zeros"],
    ["with an HMAC key of zeros", fileOf([], [version, aes, field(5, Buffer.alloc(64))]), "holds a key of zeros"],
    ["with a critical field in its header", fileOf([field(3, aesKey)], [version, aes, hmac]), "critical field, 3"],
    ["with a critical field in an entry", fileOf([], [version, aes, hmac, field(7, aesKey)]), "critical field, 7"],
    ["with a field twice", fileOf([], [version, aes, aes, hmac]), "field 3 is repeated or out of order"],
    ["with fields out of order", fileOf([], [aes, version, hmac]), "field 1 is repeated or out of order"],
    [
      "with a version twice",
      fileOf([], [version, aes, hmac], [version, aes, hmac]),
      "holds a version of the key twice",
    ],
    ["named default", fileOf([field(1, Buffer.from("default"))], [version, aes, hmac]), "name is not one"],
    ["with an empty name", fileOf([field(1, Buffer.alloc(0))], [version, aes, hmac]), "name is not one"],
    ["with a path for a name", fileOf([field(1, Buffer.from("../x"))], [version, aes, hmac]), "name is not one"],
    ["with a name of 129 bytes", fileOf([field(1, Buffer.alloc(129, "a"))], [version, aes, hmac]), "name is not one"],
    [
      "with a name that ends in a newline",
      fileOf([field(1, Buffer.from("a\n"))], [version, aes, hmac]),
      "name is not one",
    ],
    [
      "with a field longer than the file",
      fileOf([Buffer.concat([u32(2), u32(0xffffffff)])]),
      "the key file is cut off",
    ],
    ["of 96 zeros", Buffer.alloc(96), "holds a key of zeros"],
    ["that is 96 characters of text", Buffer.alloc(96, "abc\n"), "expected a git-crypt key file, got something else"],
    ["of more than 1 MiB", Buffer.concat([vector("default.key"), Buffer.alloc(2 ** 20)]), "larger than 1048576 bytes"],
  ])("%s", (_, bytes, message) => {
    expect(errorOf("MALFORMED_KEY_FILE", () => parseKeyFile(bytes)).message).toContain(message);
  });

  test.each(["default.key", "named.key", "skipped.key"])("cut off anywhere, and with one byte too many: %s", (name) => {
    const bytes = vector(name);
    // After its first entry a file of two is whole.
    const wholes = name === "skipped.key" ? [bytes.length - 128] : [];
    for (let length = 0; length < bytes.length; length++) {
      if (wholes.includes(length)) continue;
      errorOf("MALFORMED_KEY_FILE", () => parseKeyFile(bytes.subarray(0, length)));
    }
    expect(() => parseKeyFile(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(GitCryptError);
  });

  test.each(["default.key", "legacy.key"])("for a newline at its end, with a hint of its own: %s", (name) => {
    for (const newline of ["\n", "\r\n"]) {
      expect(hintFor(Buffer.concat([vector(name), Buffer.from(newline)]))).toMatch(/ends with a newline/);
    }
    expect(hintFor(Buffer.concat([vector(name), Buffer.from("x")])) ?? "").not.toMatch(/newline/);
  });

  test("but not for a last byte that happens to be a newline", () => {
    const legacy = Buffer.from(vector("legacy.key"));
    legacy[95] = 0x0a;
    expect(parseKeyFile(legacy).entries[0]?.hmacKey.at(-1)).toBe(0x0a);
  });

  test.each([
    [vector("default.key").toString("base64"), /base64/],
    [`\n${vector("named.key").toString("base64")}\n`, /base64/],
    ["age-encryption.org/v1\n-> ssh-ed25519", /open it first/],
    ["-----BEGIN AGE ENCRYPTED FILE-----\n", /open it first/],
    ["SSH-VAULT;AES256;", /open it first/],
    ["-----BEGIN PGP MESSAGE-----\n", /open it first/],
    ["\0GITCRYPT\0abcdef", /not the key that opens it/],
  ])("for something else handed in by mistake, with a hint: %j", (text, hint) => {
    expect(hintFor(Buffer.from(text))).toMatch(hint);
  });

  test("without showing any of it", () => {
    const { message, hint } = errorOf("MALFORMED_KEY_FILE", () => parseKeyFile(Buffer.from("correct horse battery")));
    expect(`${message} ${hint}`).not.toContain("horse");
  });
});

const withEntry = (changes: Partial<KeyFileEntry>): KeyFile => ({ ...plain, entries: [{ ...entry, ...changes }] });

describe("encodeKeyFile refuses", () => {
  test.each<[string, KeyFile]>([
    ["no entry", { ...plain, entries: [] }],
    ["a version twice", { ...plain, entries: [entry, entry] }],
    ["the name default", { ...plain, name: "default" }],
    ["a path for a name", { ...plain, name: "../x" }],
    ["a key of zeros", { ...plain, entries: [{ ...entry, aesKey: Buffer.alloc(32) }] }],
    ["a skipped field with an odd id", { ...plain, skipped: [{ id: 3, data: Buffer.alloc(1) }] }],
    ["a legacy file with a name", { ...plain, legacy: true, name: "x" }],
    ["a legacy file of another version", { ...plain, legacy: true, entries: [{ ...entry, version: 1 }] }],
    ["a legacy file with a skipped field", { ...plain, legacy: true, skipped: [{ id: 2, data: Buffer.alloc(1) }] }],
  ])("%s", (_, keyFile) => {
    expect(errorOf("MALFORMED_KEY_FILE", () => encodeKeyFile(keyFile)).message).toMatch(/key file/);
  });

  test("values of a wrong size, by their names", () => {
    expect(() => encodeKeyFile(withEntry({ aesKey: Buffer.alloc(31, 1) }))).toThrow(
      "AES key: expected 32 bytes, got 31",
    );
    expect(() => encodeKeyFile(withEntry({ hmacKey: Buffer.alloc(65, 1) }))).toThrow(
      "HMAC key: expected 64 bytes, got 65",
    );
    expect(() => encodeKeyFile(withEntry({ version: 2 ** 32 }))).toThrow(RangeError);
    const twice = [2, 2].map((id) => ({ id, data: Buffer.alloc(1) }));
    expect(() => encodeKeyFile({ ...plain, skipped: twice })).toThrow(RangeError);
  });
});

describe("generateKeyFile", () => {
  test("makes a different key each time, at version 0", () => {
    const [a, b] = [generateKeyFile(), generateKeyFile()];
    expect(a).toMatchObject({ name: null, legacy: false, entries: [{ version: 0 }] });
    expect(encodeKeyFile(a)).toHaveLength(148);
    expect(a.entries[0]?.aesKey).not.toEqual(b.entries[0]?.aesKey);
    expect(a.entries[0]?.hmacKey).not.toEqual(b.entries[0]?.hmacKey);
    expect(parseKeyFile(encodeKeyFile(a))).toEqual(a);
  });

  test("takes a name, and default for the key without one", () => {
    expect(encodeKeyFile(generateKeyFile("ops"))).toHaveLength(159);
    expect(generateKeyFile("default").name).toBeNull();
  });

  test.each(["", "../../x", "a b", "é", "a/b", "a\n", ".", "a".repeat(129)])("refuses the name %j", (name) => {
    const { message } = errorOf("INVALID_KEY_NAME", () => generateKeyFile(name));
    expect(message).toMatch(/^expected a key name of letters, digits, - and _, got /);
  });
});

test("wipeKeyFile zeroes both keys of every version", () => {
  const keyFile = parseKeyFile(vector("skipped.key"));
  wipeKeyFile(keyFile);
  for (const each of keyFile.entries) {
    expect(each.aesKey).toEqual(Buffer.alloc(32));
    expect(each.hmacKey).toEqual(Buffer.alloc(64));
  }
});

test("encodeKeyFile leaves no other copy of a key in the memory that Node shares out", () => {
  const random = (length: number): Buffer => Buffer.alloc(length, randomBytes(length));
  for (let round = 0; round < 3; round++) {
    const secret: KeyFile = { ...plain, entries: [{ ...entry, aesKey: random(32), hmacKey: random(64) }] };
    const bytes = encodeKeyFile(secret);
    const shared = Buffer.from(bytes.buffer);
    for (const part of [secret.entries[0]?.aesKey ?? "", secret.entries[0]?.hmacKey ?? ""]) {
      expect(shared.indexOf(part)).toBe(bytes.byteOffset + bytes.indexOf(part));
      expect(shared.lastIndexOf(part)).toBe(bytes.byteOffset + bytes.indexOf(part));
    }
  }
});

const key = (length: number): fc.Arbitrary<Buffer> =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .filter((array) => array.some((byte) => byte !== 0))
    .map((array) => Buffer.from(array));

describe("for every key file", () => {
  const skipped = fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.uint8Array({ maxLength: 20 })), {
      selector: ([id]) => id,
      maxLength: 3,
    })
    .map((fields) =>
      fields.map(([id, data]) => ({ id: id * 2, data: Buffer.from(data) })).toSorted((a, b) => a.id - b.id),
    );
  const entries = fc.uniqueArray(
    fc.record({ version: fc.integer({ min: 0, max: 2 ** 32 - 1 }), aesKey: key(32), hmacKey: key(64), skipped }),
    { selector: (each) => each.version, minLength: 1, maxLength: 3 },
  );
  const name = fc.option(fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/).filter((text) => text !== "default"));
  const keyFiles: fc.Arbitrary<KeyFile> = fc.record({ name, entries, skipped, legacy: fc.constant(false) });

  test("what is encoded parses to the same", () => {
    fc.assert(
      fc.property(keyFiles, (keyFile) => {
        expect(parseKeyFile(encodeKeyFile(keyFile))).toEqual(keyFile);
      }),
    );
  });

  test("what parses re-encodes to the same bytes, and nothing else is thrown than the typed error", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    let accepted = 0;
    fc.assert(
      fc.property(keyFiles, changes, fc.option(fc.nat()), (keyFile, spots, cut) => {
        const whole = encodeKeyFile(keyFile);
        for (const [at, value] of spots) whole[at % whole.length] = value;
        const hostile = whole.subarray(0, cut === null ? whole.length : cut % whole.length);
        const parsed = parsedOrNull(hostile);
        if (parsed === null) return;
        accepted++;
        if (!encodeKeyFile(parsed).equals(hostile)) throw new Error("it re-encodes to other bytes");
      }),
      { numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  test("random bytes are refused, with the magic before them or without", () => {
    const garbage = fc.uint8Array({ maxLength: 300 }).filter((array) => array.length !== 96);
    fc.assert(
      fc.property(garbage, fc.boolean(), (array, marked) => {
        const start = marked ? vector("default.key").subarray(0, 16) : Buffer.alloc(0);
        const { code } = errorOf("MALFORMED_KEY_FILE", () => parseKeyFile(Buffer.concat([start, array])));
        expect(code).toBe("MALFORMED_KEY_FILE");
      }),
    );
  });
});
