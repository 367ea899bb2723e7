import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBech32, encodeBech32 } from "../src/age/bech32.ts";

interface Vectors {
  readonly valid: readonly { readonly text: string; readonly prefix: string; readonly bytes: string }[];
  readonly invalid: readonly string[];
}

const { valid, invalid }: Vectors = JSON.parse(readFileSync(new URL("vectors/bip-173.json", import.meta.url), "utf8"));
const prefixes = fc.constantFrom("age", "age1pq", "age-secret-key-", "x");
const bytes = fc.uint8Array({ maxLength: 100 });

describe("Bech32", () => {
  test.each(valid)("reads $text and writes it again", ({ text, prefix, bytes: hex }) => {
    const decoded = decodeBech32(text);
    expect({ prefix: decoded?.prefix, bytes: decoded?.bytes.toString("hex") }).toEqual({ prefix, bytes: hex });
    expect(encodeBech32(prefix, Buffer.from(hex, "hex"))).toBe(text.toLowerCase());
  });

  test.each(invalid)("refuses %j", (text) => {
    expect(decodeBech32(text)).toBeNull();
  });

  test("reads what it wrote, in either case", () => {
    fc.assert(
      fc.property(prefixes, bytes, (prefix, data) => {
        const text = encodeBech32(prefix, data);
        for (const form of [text, text.toUpperCase()]) {
          expect(decodeBech32(form)).toEqual({ prefix, bytes: Buffer.from(data) });
        }
      }),
    );
  });

  test("refuses mixed case, and letters whose other case is ASCII", () => {
    const text = encodeBech32("age", Buffer.alloc(32, 200));
    expect(decodeBech32(`A${text.slice(1)}`)).toBeNull();
    expect(decodeBech32(text.replace(/[a-z](?=[^a-z]*$)/, (letter) => letter.toUpperCase()))).toBeNull();
    const kelvin = encodeBech32("k", Buffer.alloc(4)).toUpperCase().replace("K", "\u212A");
    expect(decodeBech32(kelvin)).toBeNull();
  });

  test("refuses any change of one character", () => {
    fc.assert(
      fc.property(prefixes, bytes, fc.nat(), fc.integer({ min: 0, max: 255 }), (prefix, data, at, code) => {
        const text = encodeBech32(prefix, data);
        const index = at % text.length;
        const changed = text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1);
        fc.pre(changed !== text);
        expect(decodeBech32(changed)).toBeNull();
      }),
    );
  });

  test("refuses padding that is not zero, or as long as a whole group", () => {
    // Valid checksums over the groups [0, 1], whose padding is not zero, and [0, 0, 0], whose
    // padding is a group too long.
    expect(decodeBech32("age1qpu0j2ex")).toBeNull();
    expect(decodeBech32("age1qqqyst3gn")).toBeNull();
  });
});
