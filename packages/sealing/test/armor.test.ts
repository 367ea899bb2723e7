import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeArmor } from "../src/age/armor.ts";
import { SealingError } from "../src/index.ts";
import { encodeArmor } from "./whole.ts";

const bytes = fc.uint8Array({ maxLength: 300 });

const refusal = (text: string): string => {
  try {
    decodeArmor(Buffer.from(text, "latin1"));
    return "";
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    return error.code;
  }
};

describe("age's armor", () => {
  test("is read back, with either line end and with white space around it", () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom("", "\n", "  \t\r\n\n"), (message, space) => {
        const text = encodeArmor(message).toString();
        for (const form of [text, text.replaceAll("\n", "\r\n"), space + text + space, text.trimEnd()]) {
          expect(decodeArmor(Buffer.from(form)).equals(message)).toBe(true);
        }
      }),
    );
  });

  test("that is read is written again as the same text, or is refused, after a change of one character", () => {
    fc.assert(
      fc.property(bytes, fc.nat(), fc.integer({ min: 0, max: 255 }), (message, at, code) => {
        const text = encodeArmor(message).toString("latin1");
        const index = at % text.length;
        const changed = text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1);
        fc.pre(refusal(changed) !== "MALFORMED_MESSAGE");
        const again = encodeArmor(decodeArmor(Buffer.from(changed, "latin1"))).toString();
        expect(again.trim()).toBe(changed.replaceAll("\r\n", "\n").trim());
      }),
    );
  });

  test("of several full lines is refused after a change of any character to one that has no place there", () => {
    for (const lineEnd of ["\n", "\r\n"]) {
      const text = encodeArmor(Buffer.alloc(198, 255)).toString().replaceAll("\n", lineEnd);
      const start = text.indexOf("\n") + 1;
      const end = text.lastIndexOf(lineEnd, text.length - 3);
      for (let at = start; at < end; at += 1) {
        for (const foreign of "-_=\n\r \0!\u00FF") {
          const changed = text.slice(0, at) + foreign + text.slice(at + 1);
          // Before LF, CR belongs to the line end.
          const isSame = changed.replaceAll("\r\n", "\n") === text.replaceAll("\r\n", "\n");
          expect(refusal(changed)).toBe(isSame ? "" : "MALFORMED_MESSAGE");
        }
      }
    }
  });

  test("may mix line ends, and ends with a full line, padded or not", () => {
    for (const size of [46, 47, 48, 94, 95, 96, 400]) {
      const message = Buffer.alloc(size, size);
      let line = 0;
      const mixed = encodeArmor(message)
        .toString()
        .replaceAll("\n", () => ((line += 1) % 3 === 0 ? "\r\n" : "\n"));
      expect(decodeArmor(Buffer.from(mixed)).equals(message)).toBe(true);
    }
  });

  test("is refused where a padded line is followed by another one", () => {
    for (const size of [46, 47]) {
      const [begin, padded, end] = encodeArmor(Buffer.alloc(size, 7)).toString().split("\n");
      for (const more of [padded, "A".repeat(64), "AAAA"])
        expect(refusal([begin, padded, more, end, ""].join("\n"))).toBe("MALFORMED_MESSAGE");
    }
  });

  test("is refused wherever it is cut", () => {
    const text = encodeArmor(Buffer.alloc(100, 7)).toString();
    for (let length = 0; length < text.length - 1; length += 1) {
      expect(refusal(text.slice(0, length))).toBe("MALFORMED_MESSAGE");
    }
  });

  test("is malformed for random text between its marks", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (noise) => {
        const text = `-----BEGIN AGE ENCRYPTED FILE-----\n${noise}!\n-----END AGE ENCRYPTED FILE-----\n`;
        expect(refusal(text)).toBe("MALFORMED_MESSAGE");
      }),
    );
  });
});
