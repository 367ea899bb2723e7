import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import * as cctv from "cctv-age";
import { describe, expect, test } from "vitest";
import { encodeHeader, parseHeader } from "../src/age-header.ts";
import { PayloadOpener, sealPayload } from "../src/age-payload.ts";
import { decodeArmor, encodeArmor } from "../src/armor.ts";
import { open, type Identity, type SealingErrorCode, SealingError } from "../src/index.ts";

/*
 * C2SP's test vectors for age. Here they run without any kind of recipient: the file key is injected, which leaves out the vectors
 * whose failure lies inside a stanza.
 */

interface Vector {
  readonly name: string;
  readonly expect: string;
  readonly fileKey: Buffer;
  readonly payloadDigest: string | undefined;
  readonly isArmored: boolean;
  readonly message: Buffer;
}

const parseVector = (name: string, file: Uint8Array): Vector => {
  const bytes = Buffer.from(file);
  const end = bytes.indexOf("\n\n");
  const fields = new Map(
    bytes
      .toString("latin1", 0, end)
      .split("\n")
      .map((line): [string, string] => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
  );
  const body = bytes.subarray(end + 2);
  return {
    name,
    expect: fields.get("expect") ?? "",
    fileKey: Buffer.from(fields.get("file key") ?? "", "hex"),
    payloadDigest: fields.get("payload"),
    isArmored: fields.get("armored") === "yes",
    message: fields.get("compressed") === "zlib" ? inflateSync(body) : body,
  };
};

const NATIVE = /^(?:hybrid|scrypt|x25519)_|^armor_no_match$/;
// These fail, or succeed, at the header and payload alone.
const NATIVE_WITH_FILE_KEY =
  /^(?:scrypt_and_x25519|scrypt_double|\w+_not_canonical_body|x25519_grease|x25519_multiple_recipients|hybrid_and_x25519|hybrid_grease|hybrid_multiple_recipients)$/;

const files = Object.entries<unknown>(cctv).filter(
  (entry): entry is [string, Uint8Array] => entry[1] instanceof Uint8Array,
);

const VECTORS = files
  .map(([name, file]) => parseVector(name, file))
  .filter(({ name }) => !NATIVE.test(name) || NATIVE_WITH_FILE_KEY.test(name));

const withFileKey = (fileKey: Buffer): Identity => ({ unwrapFileKey: async () => Buffer.from(fileKey) });

const CODES: Record<string, readonly SealingErrorCode[]> = {
  "header failure": ["MALFORMED_MESSAGE"],
  "HMAC failure": ["TAMPERED_MESSAGE"],
  "armor failure": ["MALFORMED_MESSAGE"],
  "payload failure": ["TAMPERED_MESSAGE", "MALFORMED_MESSAGE"],
};
// What does not begin like any message has no format that it could break the rules of.
const UNKNOWN = new Set(["empty", "armor_garbage_leading", "armor_lowercase", "armor_whitespace_begin"]);

const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** All that is released, piece by piece, and whether it ended well. */
const release = ({ fileKey }: Vector, payload: Buffer, step: number): { plaintext: Buffer; isWhole: boolean } => {
  const opener = new PayloadOpener(fileKey);
  const released: Buffer[] = [];
  try {
    for (let at = 0; at < payload.length; at += step) released.push(opener.push(payload.subarray(at, at + step)));
    released.push(opener.final());
    return { plaintext: Buffer.concat(released), isWhole: true };
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    return { plaintext: Buffer.concat(released), isWhole: false };
  }
};

test("at least the 96 vectors that need no kind of recipient are run", () => {
  expect(VECTORS.length).toBeGreaterThanOrEqual(96);
});

describe.each(VECTORS.filter(({ expect: kind }) => kind === "success"))("$name", (vector) => {
  const binary = vector.isArmored ? decodeArmor(vector.message) : vector.message;
  const header = parseHeader(binary);
  const payload = binary.subarray(header.length);

  test("opens", async () => {
    const { plaintext } = await open(vector.message, [withFileKey(vector.fileKey)]);
    expect(digestOf(plaintext)).toBe(vector.payloadDigest);
  });

  test("opens piece by piece", () => {
    for (const step of [payload.length < 4096 ? 1 : 4093, 65536, 65552]) {
      const { plaintext, isWhole } = release(vector, payload, step);
      expect({ isWhole, digest: digestOf(plaintext) }).toEqual({ isWhole: true, digest: vector.payloadDigest });
    }
  });

  test("is written again as the same bytes", () => {
    const { plaintext } = release(vector, payload, payload.length);
    const nonce = Buffer.from(payload.subarray(0, 16));
    const again = Buffer.concat([
      encodeHeader(header.stanzas, vector.fileKey),
      sealPayload(vector.fileKey, plaintext, nonce),
    ]);
    expect(again.equals(binary)).toBe(true);
    if (!vector.isArmored) return;
    const text = vector.message.toString("latin1").replaceAll("\r\n", "\n").trim();
    expect(encodeArmor(binary).toString().trim()).toBe(text);
  });
});

describe.each(VECTORS.filter(({ expect: kind }) => kind !== "success"))("$name ($expect)", (vector) => {
  test("is refused with the kind of failure", async () => {
    const error = await open(vector.message, [withFileKey(vector.fileKey)]).then(
      () => null,
      (reason: unknown) => reason,
    );
    const codes = UNKNOWN.has(vector.name) ? ["UNKNOWN_FORMAT"] : CODES[vector.expect];
    expect(error).toBeInstanceOf(SealingError);
    expect(codes).toContain(error instanceof SealingError ? error.code : "");
  });
});

describe.each(VECTORS.filter(({ expect: kind }) => kind === "payload failure"))("$name", (vector) => {
  test("releases no more than the authenticated part", () => {
    const binary = vector.isArmored ? decodeArmor(vector.message) : vector.message;
    const payload = binary.subarray(parseHeader(binary).length);
    const { plaintext, isWhole } = release(vector, payload, 1000);
    expect({ isWhole, digest: digestOf(plaintext) }).toEqual({ isWhole: false, digest: vector.payloadDigest });
  });
});
