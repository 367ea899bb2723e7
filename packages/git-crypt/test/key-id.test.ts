import { expect, test } from "vitest";
import { encodeKeyFile, generateKeyFile, keyId, parseKeyFile } from "../src/index.ts";
import { isKeyId } from "../src/format/key-id.ts";
import { errorOf } from "./errors.ts";
import { vector } from "./vectors.ts";

test.each([
  // (printf 'git-vault key commitment v1\ndefault\n'; cat default.key) | sha256sum
  ["default.key", "13306a7065e5828d844d82bc6bb747d815e66b3fed4fbf7ebd047da4105f98a2"],
  // The form without a header counts as the current one.
  ["legacy.key", "13306a7065e5828d844d82bc6bb747d815e66b3fed4fbf7ebd047da4105f98a2"],
  ["named.key", "222e05a0f172a209f627e298e3489b36b89889319b14eda4cf27ea4f32037c87"],
])("the id of %s is what sha256sum computes", (name, id) => {
  expect(keyId(parseKeyFile(vector(name)))).toBe(id);
  expect(isKeyId(id)).toBe(true);
});

test("a key's name and all that is in its file are in its id", () => {
  const key = generateKeyFile();
  expect(keyId(parseKeyFile(encodeKeyFile(key)))).toBe(keyId(key));
  const skipped = [{ id: 2, data: Buffer.from("later") }];
  const others = [generateKeyFile(), { ...key, name: "other" }, { ...key, skipped }].map(keyId);
  expect(new Set([keyId(key), ...others]).size).toBe(4);
});

test("a key without a version 0 has no id, since nothing is encrypted with it", () => {
  const key = generateKeyFile();
  const [entry] = key.entries;
  const later = { ...key, entries: entry === undefined ? [] : [{ ...entry, version: 1 }] };
  expect(errorOf("MALFORMED_KEY_FILE", () => keyId(later)).message).toBe("the key file holds no key of version 0");
});

test("only 64 lower-case hexadecimal digits are an id", () => {
  for (const text of [
    "",
    "..",
    "0".repeat(63),
    "0".repeat(65),
    "A".repeat(64),
    `${"0".repeat(64)}\n`,
    "../".repeat(22),
  ]) {
    expect(isKeyId(text)).toBe(false);
  }
});
