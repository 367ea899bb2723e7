/*
 * A fuzzer: valid messages, damaged at random, must open to what was sealed or give a SealingError,
 * whole and in pieces alike, and release nothing but the start of what was sealed.
 *
 * It runs a fixed number of cases from a fixed seed. For more, and others:
 *
 *   GIT_VAULT_LONG_TESTS=1 GIT_VAULT_SEED=$RANDOM npx vitest run packages/sealing/test/fuzz.test.ts
 *
 * A failure prints the seed and the case, with which fast-check repeats it.
 */
import { randomBytes } from "node:crypto";
import { cases, seed, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeHeader, parseHeader } from "../src/age/header.ts";
import { decodeArmor } from "../src/age/armor.ts";
import {
  createOpener,
  generateIdentity,
  open,
  parseIdentityFile,
  parseRecipient,
  PassphraseIdentity,
  PassphraseRecipient,
  readHeader,
  seal,
  SealingError,
  type Identity,
} from "../src/index.ts";
import { makeTestKey } from "./keys.ts";
import { encodeArmor } from "./whole.ts";

const SETTINGS = { numRuns: cases(100, 20_000), seed: seed(20_250_101) };
const LONG = SETTINGS.numRuns * 1000;

let folder: TemporaryFolder;
const identities: Identity[] = [];
const messages = new Map<string, { message: Buffer; plaintext: Buffer }>();

beforeAll(async () => {
  folder = temporaryFolder();
  const ed25519 = await makeTestKey({ type: "ed25519", folder: folder.path });
  const rsa = await makeTestKey({ type: "rsa", bits: 2048, folder: folder.path });
  const native = await generateIdentity();
  const hybrid = await generateIdentity("hybrid");
  const passphrase = Buffer.from("correct horse");
  identities.push(
    ed25519.identity(),
    rsa.identity(),
    ...(await parseIdentityFile(`${native.identity}\n${hybrid.identity}`)),
  );
  identities.push(new PassphraseIdentity(passphrase, { maxWorkFactor: 8 }));
  const classical = [await parseRecipient(native.recipient), ed25519.recipient, rsa.recipient];
  const short = randomBytes(100);
  const long = randomBytes(70_000);
  const scrypt = [new PassphraseRecipient(passphrase, { workFactor: 2 })];
  for (const [name, plaintext, recipients, options] of [
    ["binary", short, classical, { armor: false }],
    ["armored", short, classical, { armor: true }],
    ["binary, of two chunks", long, classical.slice(0, 1), { armor: false }],
    ["armored, of two chunks", long, classical.slice(0, 1), { armor: true }],
    ["hybrid", short, [await parseRecipient(hybrid.recipient)], { armor: false }],
    ["passphrase", short, scrypt, { armor: true }],
    ["ssh-vault", short, [ed25519.recipient], { format: "ssh-vault" }],
  ] as const) {
    messages.set(name, { plaintext, message: await seal(plaintext, recipients, options) });
  }
});
afterAll(() => folder.remove());

/**
 * One way to damage a message; where it strikes is told in parts of 2^16 of the length, or by bytes
 * from the start.
 */
const damage = fc.record({
  how: fc.constantFrom("flip", "cut", "drop", "insert", "repeat", "swap"),
  at: fc.nat(0xffff),
  fromStart: fc.boolean(),
  length: fc.integer({ min: 1, max: 70 }),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 70 }),
    fc
      .constantFrom("\n", "\r\n", " ", "=", "-> ", "--- ", "\n-> X a\n\n", "-----END AGE ENCRYPTED FILE-----\n")
      .map((text) => Buffer.from(text)),
  ),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

const apply = (message: Buffer, { how, at: place, fromStart, length, bytes }: Damage): Buffer => {
  const at = fromStart ? Math.min(place % 1000, message.length) : Math.floor((place * message.length) / 0x1_0000);
  const [start, rest] = [message.subarray(0, at), message.subarray(at)];
  if (how === "cut") return Buffer.from(start);
  if (how === "drop") return Buffer.concat([start, rest.subarray(length)]);
  if (how === "insert") return Buffer.concat([start, bytes, rest]);
  if (how === "repeat") return Buffer.concat([start, rest.subarray(0, length), rest]);
  if (how === "swap")
    return Buffer.concat([
      start,
      rest.subarray(length, 2 * length),
      rest.subarray(0, length),
      rest.subarray(2 * length),
    ]);
  const flipped = Buffer.from(message);
  const index = Math.min(at, message.length - 1);
  if (index >= 0) flipped.writeUInt8((flipped[index] ?? 0) ^ ((bytes[0] ?? 0) | 1), index);
  return flipped;
};

const parses = (message: Buffer): boolean => {
  try {
    readHeader(message);
    return true;
  } catch (error) {
    if (error instanceof SealingError) return false;
    throw error;
  }
};

const releaseOf = async (message: Buffer, steps: readonly number[]): Promise<{ released: Buffer; error: unknown }> => {
  const opener = createOpener(identities);
  const released: Buffer[] = [];
  try {
    for (let at = 0, turn = 0; at < message.length; turn += 1) {
      const step = steps[turn % steps.length] ?? message.length;
      released.push(await opener.push(message.subarray(at, at + step)));
      at += step;
    }
    released.push(await opener.finish());
    return { released: Buffer.concat(released), error: null };
  } catch (error) {
    return { released: Buffer.concat(released), error };
  }
};

/**
 * Sizes of pieces; a message of two chunks is cut into fewer, so that the cases are many and not
 * slow.
 */
const stepsFor = (name: string): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: name.includes("chunks") ? 2000 : 1, max: 40_000 }), { minLength: 1, maxLength: 4 });

describe.each([
  "binary",
  "armored",
  "binary, of two chunks",
  "armored, of two chunks",
  "hybrid",
  "passphrase",
  "ssh-vault",
])("a damaged message: %s", (name) => {
  test(
    "opens to what was sealed or gives a SealingError, whole and in pieces alike",
    async () => {
      const found = messages.get(name);
      if (found === undefined) throw new Error("no such message");
      const { message, plaintext } = found;
      await fc.assert(
        fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), stepsFor(name), async (damages, sizes) => {
          let damaged = message;
          for (const one of damages) damaged = apply(damaged, one);
          const whole: unknown = await open(damaged, identities).catch((error: unknown) => error);
          // Matchers compare large Buffers slowly.
          const opened = typeof whole === "object" && whole !== null && "plaintext" in whole ? whole.plaintext : null;
          const isRight = Buffer.isBuffer(opened) ? opened.equals(plaintext) : whole instanceof SealingError;
          expect(isRight).toBe(true);
          const { released, error } = await releaseOf(damaged, sizes);
          expect(plaintext.subarray(0, released.length).equals(released)).toBe(true);
          expect(error === null).toBe(!(whole instanceof SealingError));
          expect(error ?? new SealingError("UNKNOWN_FORMAT", "")).toBeInstanceOf(SealingError);
        }),
        SETTINGS,
      );
    },
    LONG,
  );
});

test(
  "headers that parse are written again as the same bytes, and armor that decodes as the same text",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("binary", "armored", "hybrid"), damage, async (name, one) => {
        const damaged = apply(messages.get(name)?.message ?? Buffer.alloc(0), one);
        if (!parses(damaged)) return;
        const binary = name === "armored" ? decodeArmor(damaged) : damaged;
        const header = parseHeader(binary);
        const { covered } = header;
        expect(encodeHeader(header.stanzas, randomBytes(16)).subarray(0, covered.length).equals(covered)).toBe(true);
        if (name !== "armored") return;
        expect(encodeArmor(binary).toString().trim()).toBe(damaged.toString("latin1").replaceAll("\r\n", "\n").trim());
      }),
      { ...SETTINGS, numRuns: SETTINGS.numRuns * 5 },
    );
  },
  LONG,
);
