import { array, assert, constantFrom, oneof, property, string } from "fast-check";
import { expect, test } from "vitest";
import { printable } from "../src/index.ts";

test.each([
  ["an ordinary name", "config/prod.yaml", "config/prod.yaml"],
  ["letters, marks and signs of any script", "ключ-鍵-é-🔑", "ключ-鍵-é-🔑"],
  ["a backslash that escapes nothing", "C:\\Users\\ada", "C:\\Users\\ada"],
  ["a line break", "a\nb", "a\\x0ab"],
  ["an escape sequence of a terminal", "\u001B[2J", "\\x1b[2J"],
  ["a character that turns the direction of text", "a\u202Eb", "a\\xe2\\x80\\xaeb"],
  ["a zero-width space", "./ali\u200Bce.pub", "./ali\\xe2\\x80\\x8bce.pub"],
  ["a letter that is not seen", "alice\u3164", "alice\\xe3\\x85\\xa4"],
  ["a blank that is not the space", "a\u00A0b", "a\\xc2\\xa0b"],
  ["a space at the end", "alice ", "alice\\x20"],
  ["a mark beside its letter, which looks like one letter", "e\u0301", "e\\xcc\\x81"],
  ["what looks like an escaped name", "a\\x0ab", "a\\\\x0ab"],
  ["a lone surrogate", "\uD800", "\\xed\\xa0\\x80"],
])("%s", (_, name, expected) => {
  expect(printable(name)).toBe(expected);
});

test("bytes that are UTF-8 print as their text does, others in escaped bytes", () => {
  expect(printable(Buffer.from("Grüße"))).toBe("Grüße");
  expect(printable(Buffer.from([0x61, 0x5c, 0xff]))).toBe("a\\\\\\xff");
  expect(printable(Buffer.from("\uFEFFa"))).toBe("\\xef\\xbb\\xbfa");
});

test("a long name is cut, and two that differ at the end do not print alike", () => {
  const long = "a".repeat(5000);
  expect(printable(long)).toMatch(/^a{180}\\…[0-9a-f]{16}$/);
  expect(printable(`${long}b`)).not.toBe(printable(`${long}c`));
  expect(printable(printable(long))).not.toBe(printable(long));
  expect(printable(long, { longest: Number.POSITIVE_INFINITY })).toBe(long);
});

test("two different names never print alike, and none holds what is not seen", () => {
  const tricky = constantFrom("a", "\\", "x", "0", "…", " ", "\n", "\u200B", "\u0301", "é", "e", "\uD800", "\uFFFD");
  const name = oneof(
    string({ unit: "binary" }),
    array(tricky).map((parts) => parts.join("")),
  );
  assert(
    property(name, name, (one, other) => {
      expect(printable(one)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      expect(printable(one) === printable(other)).toBe(one === other);
    }),
    { numRuns: 5000 },
  );
});
