import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decryptBlob, encryptBlob, generateKeyFile, isEncryptedBlob, parseKeyFile } from "../src/index.ts";
import { tryDecrypt } from "../src/format/blob.ts";
import { errorOf } from "./errors.ts";
import { vector } from "./vectors.ts";

const key = parseKeyFile(vector("default.key"));
const vectors: [string, string][] = [
  ["empty.blob", ""],
  ["hello.blob", "hello\n"],
  ["a-40-times.blob", "A".repeat(40)],
];

describe("a blob", () => {
  test.each(vectors)("is the published one in both directions: %s", (name, text) => {
    expect(encryptBlob(key, Buffer.from(text))).toEqual(vector(name));
    expect(decryptBlob(key, vector(name))).toEqual(Buffer.from(text));
  });

  test("of 100,000 zeros has the published digest", () => {
    const blob = encryptBlob(key, Buffer.alloc(100_000));
    const digest = createHash("sha256").update(blob).digest("hex");
    expect(digest).toBe("86c989ee64237fe168af2fea1c1b3981cb7178cfcd46cd2e7c973f31297941ab");
  });

  test("is the same under every form of the key, and another under another key", () => {
    const hello = Buffer.from("hello\n");
    for (const name of ["named.key", "legacy.key", "skipped.key"]) {
      expect(encryptBlob(parseKeyFile(vector(name)), hello)).toEqual(vector("hello.blob"));
    }
    expect(encryptBlob(generateKeyFile(), hello)).not.toEqual(vector("hello.blob"));
  });

  test("larger than a chunk decrypts to what was encrypted", () => {
    const large = Buffer.alloc(2 ** 26 + 5, "git-crypt ");
    const blob = encryptBlob(key, large);
    expect(blob).toHaveLength(large.length + 22);
    expect(decryptBlob(key, blob).equals(large)).toBe(true);
  });

  test("is known by its first 10 bytes", () => {
    expect(isEncryptedBlob(vector("empty.blob"))).toBe(true);
    expect(isEncryptedBlob(vector("empty.blob").subarray(0, 10))).toBe(true);
    expect(isEncryptedBlob(vector("empty.blob").subarray(0, 9))).toBe(false);
    expect(isEncryptedBlob(vector("default.key"))).toBe(false);
    expect(isEncryptedBlob(Buffer.alloc(0))).toBe(false);
  });
});

test.each([0, 1, 256 * 1024, 600_000])("a blob of %d bytes is decrypted in its place, or left as it was", (size) => {
  const content = Buffer.alloc(size, "content");
  const blob = encryptBlob(key, content);
  const copy = Buffer.from(blob);
  expect(tryDecrypt(generateKeyFile(), copy, true)).toBeNull();
  expect(copy.equals(blob)).toBe(true);
  const opened = tryDecrypt(key, copy, true);
  expect(opened?.equals(content)).toBe(true);
  expect(opened?.buffer).toBe(copy.buffer);
});

describe("decryptBlob refuses", () => {
  test("what is not encrypted", () => {
    for (const text of ["", "hello\n", "\0GITCRYPTKEY and so on, for more than 22 bytes"]) {
      expect(errorOf("MALFORMED_BLOB", () => decryptBlob(key, Buffer.from(text))).message).toMatch(/not encrypted/);
    }
  });

  test("a blob cut off in its first 22 bytes", () => {
    for (let length = 10; length < 22; length++) {
      const error = errorOf("MALFORMED_BLOB", () => decryptBlob(key, vector("hello.blob").subarray(0, length)));
      expect(error.message).toBe(`the encrypted file is cut off after ${length} bytes`);
    }
  });

  test("a blob with any bit changed after the magic, and one cut off or grown", () => {
    const blob = vector("a-40-times.blob");
    for (let bit = 10 * 8; bit < blob.length * 8; bit++) {
      const changed = Buffer.from(blob);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      errorOf("TAMPERED_BLOB", () => decryptBlob(key, changed));
    }
    for (let length = 22; length < blob.length; length++) {
      errorOf("TAMPERED_BLOB", () => decryptBlob(key, blob.subarray(0, length)));
    }
    const error = errorOf("TAMPERED_BLOB", () => decryptBlob(key, Buffer.concat([blob, Buffer.alloc(1)])));
    expect(error.message).toBe("the encrypted file was tampered with, or this is the wrong key for it");
  });

  test("a blob of another key", () => {
    const { hint } = errorOf("TAMPERED_BLOB", () => decryptBlob(generateKeyFile(), vector("hello.blob")));
    expect(hint).toMatch(/belongs to this repository/);
  });

  test("a key without version 0, since git-crypt decrypts with no other", () => {
    const [entry] = key.entries;
    if (entry === undefined) throw new Error("the vector holds a key");
    const later = { ...key, entries: [{ ...entry, version: 1 }] };
    expect(errorOf("MALFORMED_KEY_FILE", () => decryptBlob(later, vector("hello.blob"))).message).toMatch(/version 0/);
    expect(errorOf("MALFORMED_KEY_FILE", () => encryptBlob(later, Buffer.alloc(1))).message).toMatch(/version 0/);
  });
});

test("encryptBlob refuses what git-crypt refuses: 4 GiB and more", () => {
  const huge = Object.defineProperty(new Uint8Array(), "length", { value: 2 ** 32 });
  expect(() => encryptBlob(key, huge)).toThrow("plaintext: expected at most 4294967295 bytes, got 4294967296");
});

test("whatever is encrypted decrypts to the same, deterministically, 22 bytes longer", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
      const blob = encryptBlob(key, content);
      expect(blob).toHaveLength(content.length + 22);
      expect(encryptBlob(key, content)).toEqual(blob);
      expect(decryptBlob(key, blob)).toEqual(Buffer.from(content));
    }),
  );
});

test("random bytes after the magic are never accepted", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (garbage) => {
      const blob = Buffer.concat([Buffer.from("\0GITCRYPT\0"), garbage]);
      const code = garbage.length < 12 ? "MALFORMED_BLOB" : "TAMPERED_BLOB";
      expect(errorOf(code, () => decryptBlob(key, blob)).code).toBe(code);
    }),
  );
});
