import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { PayloadOpener, PayloadSealer } from "../src/age/payload.ts";
import { SealingError } from "../src/index.ts";
import { openPayload, sealPayload } from "./whole.ts";

const CHUNK = 64 * 1024;
const SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK];

const cut = (bytes: Buffer, steps: readonly number[]): Buffer[] => {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const step = steps[turn % steps.length] ?? bytes.length;
    pieces.push(bytes.subarray(at, at + step));
    at += step;
  }
  return pieces;
};

const steps = fc.array(fc.integer({ min: 1, max: 3 * CHUNK }), { minLength: 1, maxLength: 5 });

describe.each(SIZES)("a payload of %i bytes", (size) => {
  const fileKey = randomBytes(16);
  const nonce = randomBytes(16);
  const plaintext = randomBytes(size);
  const whole = sealPayload(fileKey, plaintext, Buffer.from(nonce));

  test("has a tag for each chunk, and at least one chunk", () => {
    expect(whole.length).toBe(16 + size + 16 * Math.max(1, Math.ceil(size / CHUNK)));
  });

  test("is sealed to the same bytes however it is cut", () => {
    fc.assert(
      fc.property(steps, (sizes) => {
        const sealer = new PayloadSealer(fileKey, Buffer.from(nonce));
        const parts = cut(plaintext, sizes).map((piece) => sealer.push(piece));
        expect(Buffer.concat([...parts, sealer.final()]).equals(whole)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test("is opened however it is cut", () => {
    fc.assert(
      fc.property(steps, (sizes) => {
        const opener = new PayloadOpener(fileKey);
        const parts = cut(whole, sizes).map((piece) => opener.push(piece));
        expect(Buffer.concat([...parts, opener.final()]).equals(plaintext)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test("is refused where it was cut short, added to or changed", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const index = at % whole.length;
        const changed = Buffer.from(whole);
        changed.writeUInt8((changed[index] ?? 0) ^ flip, index);
        for (const damaged of [changed, whole.subarray(0, index), Buffer.concat([whole, whole.subarray(0, flip)])]) {
          expect(() => openPayload(fileKey, damaged)).toThrow(SealingError);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("is refused at each chunk's end, where its length alone tells nothing", () => {
    for (let end = 16 + CHUNK + 16; end < whole.length; end += CHUNK + 16) {
      expect(() => openPayload(fileKey, whole.subarray(0, end))).toThrow(
        expect.objectContaining({ code: "TAMPERED_MESSAGE" }),
      );
    }
    expect(() => openPayload(fileKey, whole.subarray(0, 16))).toThrow(
      expect.objectContaining({ code: "TAMPERED_MESSAGE" }),
    );
  });
});

test("a payload gives nothing of a chunk before the chunk's tag was seen", () => {
  const fileKey = randomBytes(16);
  const whole = sealPayload(fileKey, randomBytes(2 * CHUNK));
  const opener = new PayloadOpener(fileKey);
  expect(opener.push(whole.subarray(0, 16 + CHUNK + 15))).toHaveLength(0);
  expect(opener.push(whole.subarray(16 + CHUNK + 15, 16 + CHUNK + 16))).toHaveLength(CHUNK);
});

describe("a payload that ended", () => {
  const fileKey = randomBytes(16);
  // Its last chunk is a full one, so that the opener knows of the end before it is told.
  const whole = sealPayload(fileKey, randomBytes(CHUNK));

  test("has no state to hand over", () => {
    const opener = new PayloadOpener(fileKey);
    expect(opener.push(whole)).toHaveLength(CHUNK);
    expect(opener.handOver()).toBeNull();
    expect(opener.final()).toHaveLength(0);
  });

  test.each([1, CHUNK + 16])("takes no %i bytes more", (length) => {
    const opener = new PayloadOpener(fileKey);
    opener.push(whole);
    const more = (): Buffer => Buffer.concat([opener.push(whole.subarray(16, 16 + length)), opener.final()]);
    expect(more).toThrow("something was added after the end of its payload");
  });

  test("is spent for who seals it", () => {
    const sealer = new PayloadSealer(fileKey);
    sealer.final();
    for (const more of [() => sealer.push(Buffer.alloc(1)), () => sealer.final(), () => sealer.handOver()]) {
      expect(more).toThrow(TypeError);
    }
  });
});

describe("no plaintext stays in memory", () => {
  afterEach(() => vi.restoreAllMocks());

  test("of the chunks before one that was changed", () => {
    const fileKey = randomBytes(16);
    const whole = sealPayload(fileKey, Buffer.alloc(3 * CHUNK, "secret"));
    whole.writeUInt8((whole[16 + CHUNK + 16] ?? 0) ^ 1, 16 + CHUNK + 16);
    const allocate = vi.spyOn(Buffer, "allocUnsafe");
    expect(() => new PayloadOpener(fileKey).push(whole)).toThrow("its payload was changed");
    const outputs = allocate.mock.results.map(({ value }) => value as Buffer).filter(({ length }) => length >= CHUNK);
    expect(outputs).toHaveLength(1);
    expect(outputs[0]?.every((byte) => byte === 0)).toBe(true);
  });
});

test("two payloads under one file key have different nonces", () => {
  const fileKey = randomBytes(16);
  const [a, b] = [sealPayload(fileKey, Buffer.alloc(10)), sealPayload(fileKey, Buffer.alloc(10))];
  expect(a.subarray(0, 16).equals(b.subarray(0, 16))).toBe(false);
});
