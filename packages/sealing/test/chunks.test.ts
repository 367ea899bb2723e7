import { randomBytes } from "node:crypto";
import { peer, run, temporaryFolder } from "@git-vault/testkit";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  createOpener,
  createSealer,
  generateIdentity,
  open,
  openChunks,
  parseIdentityFile,
  parseRecipient,
  seal,
  sealChunks,
  type PayloadState,
} from "../src/index.ts";

const CHUNK = 64 * 1024;
const SEALED_CHUNK = CHUNK + 16;
const { identity, recipient } = await generateIdentity();
const recipients = [await parseRecipient(recipient)];
const identities = await parseIdentityFile(identity);
const age = peer("age");

/**
 * Seals `plaintext`: `pushed` bytes by the sealer, the rest in blocks of two chunks, the last block
 * first.
 */
async function sealInBlocks(plaintext: Buffer, pushed: number): Promise<Buffer> {
  const sealer = await createSealer(recipients, { armor: false });
  const start = sealer.push(plaintext.subarray(0, pushed));
  const { ready, key, index, held } = sealer.handOver();
  const rest = Buffer.concat([held, plaintext.subarray(pushed)]);
  const blocks: Buffer[] = [];
  const count = Math.max(1, Math.ceil(rest.length / (2 * CHUNK)));
  for (let block = count - 1; block >= 0; block -= 1) {
    const part = rest.subarray(block * 2 * CHUNK, (block + 1) * 2 * CHUNK);
    sealChunks(key, index + 2 * block, part, block === count - 1, (pieces) => {
      blocks.unshift(Buffer.concat(pieces));
    });
  }
  expect(() => sealer.push(plaintext)).toThrow(TypeError);
  return Buffer.concat([start, ready, ...blocks]);
}

const SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 4 * CHUNK, 4 * CHUNK + 5, 7 * CHUNK];

describe("chunks that are sealed by themselves", () => {
  test.each(SIZES)("make the message that a sealer makes, %d bytes", async (size) => {
    const plaintext = randomBytes(size);
    for (const pushed of [0, 1, CHUNK, CHUNK + 1, size]) {
      const message = await sealInBlocks(plaintext, Math.min(pushed, size));
      expect((await open(message, identities)).plaintext.equals(plaintext)).toBe(true);
    }
  });

  test.skipIf(age.missing)(`are opened by ${age.label}`, async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "identity");
    writeFileSync(file, identity);
    const plaintext = randomBytes(5 * CHUNK + 3);
    const opened = await run(age.path, ["-d", "-i", file], { input: await sealInBlocks(plaintext, 3) });
    expect(opened.stdout.equals(plaintext)).toBe(true);
  });
});

describe("chunks that are opened by themselves", () => {
  async function stateAfter(message: Buffer, pushed: number): Promise<{ state: PayloadState | null; start: Buffer }> {
    const opener = createOpener(identities);
    const start = await opener.push(message.subarray(0, pushed));
    return { state: opener.handOver(), start };
  }

  test.each(SIZES)("give what was sealed, %d bytes", async (size) => {
    const plaintext = randomBytes(size);
    const message = await seal(plaintext, recipients, { armor: false });
    const pushed = Math.min(message.length, 300 + CHUNK / 2);
    const { state, start } = await stateAfter(message, pushed);
    const rest = Buffer.concat([state?.held ?? Buffer.alloc(0), message.subarray(pushed)]);
    const written: Buffer[] = [start];
    let secrets: readonly Buffer[] = [];
    openChunks(state?.key ?? Buffer.alloc(0), state?.index ?? 0, rest, true, (pieces) => {
      written.push(Buffer.concat(pieces));
      secrets = pieces;
    });
    expect(Buffer.concat(written).equals(plaintext)).toBe(true);
    expect(secrets.every((piece) => piece.every((byte) => byte === 0))).toBe(true);
  });

  test("are refused where they were changed, moved, cut short or added to", async () => {
    const message = await seal(randomBytes(3 * CHUNK), recipients, { armor: false });
    const { state } = await stateAfter(message, 250);
    const key = state?.key ?? Buffer.alloc(0);
    const payload = Buffer.concat([state?.held ?? Buffer.alloc(0), message.subarray(250)]);
    /**
     * How many bytes it gives, or the code of what it throws; `given` where it gave some before
     * that.
     */
    const failure = (first: number, sealed: Buffer, isLast: boolean): unknown => {
      let given = 0;
      try {
        openChunks(key, first, sealed, isLast, (pieces) => {
          given = Buffer.concat(pieces).length;
        });
        return given;
      } catch (error) {
        return given === 0 ? (error as { code?: unknown }).code : "given";
      }
    };
    expect(failure(0, payload, true)).toBe(3 * CHUNK);
    const flipped = Buffer.from(payload);
    flipped[CHUNK] = (flipped[CHUNK] ?? 0) ^ 1;
    expect(failure(0, flipped, true)).toBe("TAMPERED_MESSAGE");
    expect(failure(1, payload, true)).toBe("TAMPERED_MESSAGE");
    expect(failure(0, payload.subarray(0, 2 * SEALED_CHUNK), true)).toBe("TAMPERED_MESSAGE");
    expect(failure(0, payload.subarray(0, -1), true)).toBe("TAMPERED_MESSAGE");
    expect(failure(0, payload.subarray(0, 2 * SEALED_CHUNK + 5), true)).toBe("MALFORMED_MESSAGE");
    expect(failure(0, payload.subarray(0, 2 * SEALED_CHUNK + 16), true)).toBe("MALFORMED_MESSAGE");
    expect(failure(0, Buffer.concat([payload, payload.subarray(0, SEALED_CHUNK)]), true)).toBe("TAMPERED_MESSAGE");
    expect(failure(3, Buffer.alloc(0), true)).toBe("TAMPERED_MESSAGE");
    expect(() => openChunks(key, 0, payload.subarray(0, 5), false, () => {})).toThrow(RangeError);
  });

  test("are not handed over from text, before the header, or after the end", async () => {
    const armored = await seal(randomBytes(10), recipients);
    expect((await stateAfter(armored, armored.length)).state).toBeNull();
    const binary = await seal(randomBytes(10), recipients, { armor: false });
    expect((await stateAfter(binary, 20)).state).toBeNull();
    const opener = createOpener(identities);
    await opener.push(binary);
    await opener.finish();
    expect(opener.handOver()).toBeNull();
    const sealer = await createSealer(recipients);
    expect(() => sealer.handOver()).toThrow(TypeError);
  });
});
