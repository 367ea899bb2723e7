import { describe, expect, test } from "vitest";
import { entropy, hiddenPart, hiddenWhole, isPlaceholder, isSensitive, looksRandom } from "../src/secrets/sensitive.ts";

describe("what must not be met elsewhere", () => {
  test.each<[text: string, key: string, hidden: string | null]>([
    ["pa55word", "password", "pa55word"],
    ["  pa55word\n", "password", "pa55word"],
    ["pa5word", "password", null],
    ["passwordfour", "password", "passwordfour"],
    ["passwordone", "password", null],
    ["Zk3vQ9xLw2Rt7Yb1", "anything", "Zk3vQ9xLw2Rt7Yb1"],
    ["Zk3vQ9xLw2Rt7Yb", "anything", null],
    ["3f9a1c0b7e2d4856a1b0c9d8", "anything", "3f9a1c0b7e2d4856a1b0c9d8"],
    ["3f9a1c0b7e2d4856a1b0c9d", "anything", null],
    ["-----BEGIN PRIVATE KEY-----\nMC4C", "anything", "-----BEGIN PRIVATE KEY-----\nMC4C"],
    ["-----BEGIN CERTIFICATE-----\nMIIB", "password", null],
    ["ssh-ed25519 AAAAC3NzaC1lZDI1", "password", null],
    ["https://user:sixsix@example.org/path", "url", "sixsix"],
    ["https://user:fives@example.org/path", "url", null],
    ["hub.example.org:8443", "password", null],
    ["alice@example.org", "password", null],
    ["my-secret-name-1", "secretName", null],
  ])("%j under %s", (text, key, hidden) => {
    expect(hiddenPart({ text, path: ["hub", key] })).toBe(hidden);
  });
});

describe("what a secret layer keeps as a whole", () => {
  test.each<[text: string, key: string, hidden: string | null]>([
    ["twelve+chars", "note1", "twelve+chars"],
    ["eleven+char", "note1", null],
    ["correct horse battery staple", "value", "correct horse battery staple"],
    ["some words", "value", null],
    ["registry.example.org/team/image:1.2.3", "value", null],
    ["*/5 0-12 * * 1,2", "value", null],
    ["twelve+chars", "description", null],
    ["twelve+chars", "region", null],
    ["twelve+chars", "secretKey", "twelve+chars"],
  ])("%j under %s", (text, key, hidden) => {
    expect(hiddenWhole({ text, path: ["hub", key] })).toBe(hidden);
  });
});

test.each([
  ["hub.cookieSecret", true],
  ["apiKey", true],
  ["signing_key", true],
  ["secretName", false],
  ["tokenUrl", false],
  ["public-key", false],
  ["replicas", false],
])("whether %s tells of a secret: %s", (key, is) => {
  expect(isSensitive(key.split("."))).toBe(is);
  expect(isSensitive([...key.split("."), 0])).toBe(is);
});

test("random text has many bits, and an address is none", () => {
  expect(entropy("aaaa")).toBe(0);
  expect(entropy("abcd")).toBe(2);
  expect(looksRandom("https://example.org/Zk3vQ9xLw2Rt7Yb1")).toBe(false);
  expect(looksRandom(`Zk3vQ9xLw2Rt7Yb1${"a".repeat(4096)}`)).toBe(false);
});

test.each(["", "changeme", "CHANGE_ME please", "<password>", "${PASSWORD}", "xxx", "[secret]", "todo: ask"])(
  "%j only stands in for a secret",
  (text) => expect(isPlaceholder(text)).toBe(true),
);
