import { createHash } from "node:crypto";
import { isLong } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { encodeHeader, parseHeader } from "../src/age/header.ts";
import { decodeArmor } from "../src/age/armor.ts";
import { createOpener, open, type Identity, type SealingErrorCode, SealingError } from "../src/index.ts";
import { VECTORS, type Vector } from "./cctv-vectors.ts";
import { encodeArmor, openPayload, sealPayload } from "./whole.ts";

/*
 * C2SP's test vectors for age: each whole, in steps of several sizes and byte by byte, with its own
 * identity or passphrase, and where that opens it, once more with its file key given.
 */

const CODES: Record<string, readonly SealingErrorCode[]> = {
  "no match": ["NO_IDENTITY_MATCHED", "WRONG_PASSPHRASE"],
  "header failure": ["MALFORMED_MESSAGE", "WORK_FACTOR"],
  "HMAC failure": ["TAMPERED_MESSAGE"],
  "armor failure": ["MALFORMED_MESSAGE"],
  "payload failure": ["TAMPERED_MESSAGE", "MALFORMED_MESSAGE"],
};
// What does not begin like any message has no format that it could break the rules of.
const UNKNOWN = new Set(["empty", "armor_garbage_leading", "armor_lowercase", "armor_whitespace_begin"]);
const STEPS = [63, 4093, 65_552, 200_000];

const SUCCESSES = VECTORS.filter(({ expect: kind }) => kind === "success");
const FAILURES = VECTORS.filter(({ expect: kind }) => kind !== "success");

const withFileKey = (fileKey: Buffer): Identity => ({ unwrapFileKey: async () => Buffer.from(fileKey) });
const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

interface Release {
  readonly plaintext: Buffer;
  /** Why it ended before the message's end; null where it did not. */
  readonly code: SealingErrorCode | null;
}

// Some of the vectors hold 16 MiB. In small steps, all of their pushes take minutes, so most of
// those are left out where the long tests are not asked for: all but the ones about the chunks'
// borders.
const LARGE_BYTES = isLong() ? Infinity : 1024 * 1024;
const SEALED_CHUNK_BYTES = 65_552;
const AROUND_BORDER = 70;

/**
 * Where each piece ends: a step on, or with small steps in a large message short of the next
 * border.
 */
function* endsOfPieces(message: Buffer, step: number): Generator<number, void, undefined> {
  const isAll = message.length < LARGE_BYTES || step > AROUND_BORDER;
  const payload = isAll ? 0 : parseHeader(message).length + 16;
  for (let at = 0; at < message.length; yield at) {
    const left = SEALED_CHUNK_BYTES - ((at - payload) % SEALED_CHUNK_BYTES);
    const isAtBorder = at < 1000 || left <= AROUND_BORDER || left >= SEALED_CHUNK_BYTES - AROUND_BORDER;
    at += isAll || isAtBorder ? step : left - AROUND_BORDER;
  }
}

/** All that is released where the message comes in steps. */
const release = async ({ message, identities }: Vector, step: number): Promise<Release> => {
  const opener = createOpener(identities);
  const released: Buffer[] = [];
  try {
    let at = 0;
    for (const end of endsOfPieces(message, step)) {
      released.push(await opener.push(message.subarray(at, end)));
      at = end;
    }
    released.push(await opener.finish());
    return { plaintext: Buffer.concat(released), code: null };
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    return { plaintext: Buffer.concat(released), code: error.code };
  }
};

test("all 143 vectors are run", () => {
  expect(VECTORS).toHaveLength(143);
  expect(new Set(VECTORS.map(({ expect: kind }) => kind))).toEqual(new Set(["success", ...Object.keys(CODES)]));
});

describe.each(SUCCESSES)("$name", (vector) => {
  test("opens whole", async () => {
    for (const identities of [vector.identities, [withFileKey(vector.fileKey)]]) {
      const { plaintext, format } = await open(vector.message, identities);
      expect({ format, digest: digestOf(plaintext) }).toEqual({ format: "age", digest: vector.payloadDigest });
    }
  });

  test.each([1, ...STEPS])("opens in steps of %i bytes", async (step) => {
    const { plaintext, code } = await release(vector, step);
    expect({ code, digest: digestOf(plaintext) }).toEqual({ code: null, digest: vector.payloadDigest });
  });

  test("is written again as the same bytes", () => {
    const binary = vector.isArmored ? decodeArmor(vector.message) : vector.message;
    const header = parseHeader(binary);
    const payload = binary.subarray(header.length);
    const plaintext = openPayload(vector.fileKey, payload);
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

describe.each(FAILURES)("$name ($expect)", (vector) => {
  const codes: readonly (SealingErrorCode | null)[] =
    (UNKNOWN.has(vector.name) ? ["UNKNOWN_FORMAT"] : CODES[vector.expect]) ?? [];

  test("is refused whole with the kind of failure", async () => {
    const error: unknown = await open(vector.message, vector.identities).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SealingError);
    expect(codes).toContain(error instanceof SealingError ? error.code : "");
  });

  test("is refused alike in steps, after no more than may be released, and byte by byte after all of that", async () => {
    const most = await release(vector, 1);
    expect(codes).toContain(most.code);
    expect(digestOf(most.plaintext)).toBe(vector.payloadDigest ?? digestOf(Buffer.alloc(0)));
    for (const step of STEPS) {
      const { plaintext, code } = await release(vector, step);
      expect(codes).toContain(code);
      expect(most.plaintext.subarray(0, plaintext.length).equals(plaintext)).toBe(true);
    }
  });
});

test("the headers of failing vectors that are well-formed are written again as the same bytes, up to their MAC", () => {
  const withoutMac = (header: Buffer): string => header.toString("latin1").replace(/\n--- .*\n$/, "");
  const again = FAILURES.flatMap(({ name, message, isArmored }) => {
    try {
      const binary = isArmored ? decodeArmor(message) : message;
      const { stanzas, length } = parseHeader(binary);
      const written = encodeHeader(stanzas, Buffer.alloc(16));
      return [[name, withoutMac(written) === withoutMac(binary.subarray(0, length))] as const];
    } catch {
      return [];
    }
  });
  expect(again.filter(([, isSame]) => !isSame)).toEqual([]);
  expect(again.length).toBeGreaterThan(20);
});
