import { expect, test } from "vitest";
import { encodeKeyFile, generateKeyFile, keyId, type KeyFile, parseKeyFile } from "../src/index.ts";
import { isKeyId } from "../src/format/key-id.ts";
import { errorOf } from "./errors.ts";

const count = (from: number, length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => from + i));

const key: KeyFile = {
  name: null,
  entries: [{ version: 0, aesKey: count(0, 32), hmacKey: count(32, 64), skipped: [] }],
  skipped: [],
  legacy: false,
};

test("a key's id is what openssl computes", () => {
  // printf 'git-vault key id' | openssl dgst -sha256 -mac HMAC -macopt hexkey:2021…5f | cut -c -32
  expect(keyId(key)).toBe("8794fc420eac22b961b2d0023ac6afc0");
  expect(isKeyId(keyId(key))).toBe(true);
});

test("neither its name nor its form changes a key's id, and another key has another", () => {
  expect(keyId({ ...key, name: "other" })).toBe(keyId(key));
  expect(keyId(parseKeyFile(encodeKeyFile({ ...key, legacy: true })))).toBe(keyId(key));
  expect(keyId(generateKeyFile())).not.toBe(keyId(generateKeyFile()));
});

test("a key without a version 0 has no id, since nothing is encrypted with it", () => {
  const later = { ...key, entries: [{ version: 1, aesKey: count(0, 32), hmacKey: count(32, 64), skipped: [] }] };
  expect(errorOf("MALFORMED_KEY_FILE", () => keyId(later)).message).toBe("the key file holds no key of version 0");
});

test("only 32 lower-case hexadecimal digits are an id", () => {
  for (const text of [
    "",
    "..",
    "0".repeat(31),
    "0".repeat(33),
    "A".repeat(32),
    `${"0".repeat(32)}\n`,
    "../".repeat(11),
  ]) {
    expect(isKeyId(text)).toBe(false);
  }
});
