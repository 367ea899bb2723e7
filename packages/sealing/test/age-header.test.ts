import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeHeader, headerMacMatches, MAX_HEADER_BYTES, parseHeader } from "../src/age/header.ts";
import { SealingError, type Stanza } from "../src/index.ts";

const word = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
});
const stanza: fc.Arbitrary<Stanza> = fc.record({
  type: word.filter((type) => type !== "scrypt"),
  args: fc.array(word, { maxLength: 4 }),
  body: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
});
const fileKey = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes));

const codeOf = (message: Buffer): string => {
  try {
    parseHeader(message);
    return "";
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    return error.code;
  }
};

describe("the header of an age message", () => {
  test("parses to what was written, and that writes the same bytes", () => {
    fc.assert(
      fc.property(
        fc.array(stanza, { minLength: 1, maxLength: 5 }),
        fileKey,
        fc.uint8Array(),
        (stanzas, key, payload) => {
          const header = encodeHeader(stanzas, key);
          const parsed = parseHeader(Buffer.concat([header, payload]));
          expect(parsed.stanzas).toEqual(stanzas);
          expect(parsed.length).toBe(header.length);
          expect(headerMacMatches(parsed, key)).toBe(true);
          expect(encodeHeader(parsed.stanzas, key).equals(header)).toBe(true);
        },
      ),
    );
  });

  test("after a change of one byte is malformed, or parses to what would write those very bytes and fails its MAC", () => {
    fc.assert(
      fc.property(
        fc.array(stanza, { minLength: 1, maxLength: 3 }),
        fileKey,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (stanzas, key, at, flip) => {
          const header = encodeHeader(stanzas, key);
          const index = at % header.length;
          header.writeUInt8((header[index] ?? 0) ^ flip, index);
          const code = codeOf(header);
          fc.pre(code !== "MALFORMED_MESSAGE");
          const parsed = parseHeader(header);
          expect(headerMacMatches(parsed, key)).toBe(false);
          const again = encodeHeader(parsed.stanzas, key);
          expect(again.subarray(0, parsed.covered.length).equals(parsed.covered)).toBe(true);
        },
      ),
    );
  });

  test("is malformed wherever it is cut", () => {
    const header = encodeHeader([{ type: "X", args: ["y"], body: randomBytes(100) }], randomBytes(16));
    for (let length = 0; length < header.length; length += 1) {
      expect(codeOf(header.subarray(0, length))).toBe("MALFORMED_MESSAGE");
    }
  });

  test("is malformed or nothing at all for random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(codeOf(Buffer.from(bytes))).toBe("MALFORMED_MESSAGE");
        expect(["", "MALFORMED_MESSAGE"]).toContain(
          codeOf(Buffer.concat([Buffer.from("age-encryption.org/v1\n-> "), bytes])),
        );
      }),
    );
  });

  test.each([47, 48, 49, 96])("ends a body of %i bytes with a short line", (length) => {
    const header = encodeHeader([{ type: "X", args: [], body: Buffer.alloc(length, 7) }], randomBytes(16));
    const lines = header.toString().split("\n").slice(2, -2);
    expect(lines.slice(0, -1).every((line) => line.length === 64)).toBe(true);
    expect(lines.at(-1)?.length).toBeLessThan(64);
  });

  test("holds at least one stanza", () => {
    const mac = randomBytes(32).toString("base64").replace("=", "");
    expect(codeOf(Buffer.from(`age-encryption.org/v1\n--- ${mac}\n`))).toBe("MALFORMED_MESSAGE");
    expect(() => encodeHeader([], randomBytes(16))).toThrow(RangeError);
  });

  test("holds a scrypt stanza only by itself", () => {
    const scrypt: Stanza = { type: "scrypt", args: ["salt", "10"], body: randomBytes(32) };
    expect(codeOf(encodeHeader([scrypt], randomBytes(16)))).toBe("");
    expect(() => encodeHeader([scrypt, scrypt], randomBytes(16))).toThrow(RangeError);
  });

  test("holds no argument that is empty or has a space or a line end in it", () => {
    for (const arg of ["", "a b", "a\nb", "é"]) {
      expect(() => encodeHeader([{ type: "X", args: [arg], body: Buffer.alloc(0) }], randomBytes(16))).toThrow(
        RangeError,
      );
    }
  });

  test("is refused, and not written, over its greatest length", () => {
    const huge = Buffer.concat([Buffer.from("age-encryption.org/v1\n-> "), Buffer.alloc(2 * MAX_HEADER_BYTES, "x")]);
    expect(codeOf(huge)).toBe("MALFORMED_MESSAGE");
    const stanzas = [{ type: "X", args: [], body: Buffer.alloc(MAX_HEADER_BYTES) }];
    expect(() => encodeHeader(stanzas, randomBytes(16))).toThrow(RangeError);
  });

  test("has at most 2 MiB to the byte", () => {
    const headerOf = (length: number): Buffer => {
      const mac = encodeHeader([{ type: "X", args: [], body: Buffer.alloc(0) }], randomBytes(16)).subarray(-48);
      const start = Buffer.from("age-encryption.org/v1\n-> X ");
      return Buffer.concat([
        start,
        Buffer.alloc(length - start.length - 2 - mac.length, "x"),
        Buffer.from("\n\n"),
        mac,
      ]);
    };
    const most = headerOf(2 ** 21);
    const { stanzas, length } = parseHeader(Buffer.concat([most, randomBytes(100)]));
    expect(length).toBe(2 ** 21);
    expect(encodeHeader(stanzas, randomBytes(16))).toHaveLength(2 ** 21);
    expect(codeOf(headerOf(2 ** 21 + 1))).toBe("MALFORMED_MESSAGE");
    const [{ args: [arg = ""] } = { args: [] }] = stanzas;
    expect(() => encodeHeader([{ type: "X", args: [`${arg}x`], body: Buffer.alloc(0) }], randomBytes(16))).toThrow(
      `stanzas: over ${2 ** 21} bytes in all`,
    );
  });
});
