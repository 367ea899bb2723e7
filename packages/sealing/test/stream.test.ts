import { randomBytes } from "node:crypto";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_HEADER_BYTES } from "../src/age/header.ts";
import {
  createOpener,
  createSealer,
  generateIdentity,
  open,
  openStream,
  parseIdentityFile,
  parseRecipient,
  readHeader,
  seal,
  sealStream,
  type AgeIdentity,
  type AgeRecipient,
  type Identity,
} from "../src/index.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

const CHUNK = 64 * 1024;

let folder: TemporaryFolder;
let ssh: TestKey;
let recipient: AgeRecipient;
let identity: AgeIdentity;

beforeAll(async () => {
  folder = temporaryFolder();
  ssh = await makeTestKey({ type: "ed25519", folder: folder.path });
  const generated = await generateIdentity();
  recipient = await parseRecipient(generated.recipient);
  const [own] = await parseIdentityFile(generated.identity);
  if (own === undefined) throw new Error("no identity");
  identity = own;
});
afterAll(() => folder.remove());

/** Cuts bytes into pieces whose sizes come round again and again. */
const cut = (bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] => {
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
};

const sealInPieces = async (pieces: readonly Uint8Array[], armor: boolean): Promise<Buffer> => {
  const sealer = await createSealer([recipient], { armor });
  return Buffer.concat([...pieces.map((piece) => sealer.push(piece)), sealer.finish()]);
};

const openInPieces = async (
  pieces: readonly Uint8Array[],
  identities: readonly Identity[] = [identity],
): Promise<Buffer> => {
  const opener = createOpener(identities);
  const released: Buffer[] = [];
  for (const piece of pieces) released.push(await opener.push(piece));
  released.push(await opener.finish());
  return Buffer.concat(released);
};

const sizes = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 3 * CHUNK })), {
    minLength: 1,
    maxLength: 5,
  })
  .filter((all) => all.some((size) => size > 20));

describe.each([false, true])("with armor: %s", (armor) => {
  test.each([0, 1, 47, 48, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 200_001])(
    "%i bytes are the same however they are cut, on both ways",
    async (size) => {
      const plaintext = randomBytes(size);
      await fc.assert(
        fc.asyncProperty(sizes, sizes, async (ours, theirs) => {
          const message = await sealInPieces(cut(plaintext, ours), armor);
          expect((await open(message, [identity])).plaintext.equals(plaintext)).toBe(true);
          expect((await openInPieces(cut(message, theirs))).equals(plaintext)).toBe(true);
        }),
        { numRuns: 15 },
      );
    },
  );

  test("is as long as the same message made at once", async () => {
    const plaintext = randomBytes(100_000);
    const whole = await seal(plaintext, [recipient], { armor });
    expect(await sealInPieces(cut(plaintext, [1000]), armor)).toHaveLength(whole.length);
  });

  test("holds no more than a chunk and a line", async () => {
    const sealer = await createSealer([recipient], { armor });
    const opener = createOpener([identity]);
    let opened = 0;
    for (let pushed = CHUNK; pushed <= 40 * CHUNK; pushed += CHUNK) {
      opened += (await opener.push(sealer.push(Buffer.alloc(CHUNK)))).length;
      expect(pushed - opened).toBeLessThanOrEqual(2 * CHUNK);
    }
    opened += (await opener.push(sealer.finish())).length + (await opener.finish()).length;
    expect(opened).toBe(40 * CHUNK);
  });
});

describe("an opener", () => {
  test("tells the format and the identity as soon as it knows them", async () => {
    const message = await seal(randomBytes(10), [recipient], { armor: false });
    const opener = createOpener([identity]);
    expect([opener.format, opener.identity]).toEqual([null, null]);
    await opener.push(message.subarray(0, 30));
    expect([opener.format, opener.identity]).toEqual(["age", null]);
    await opener.push(message.subarray(30));
    expect([opener.format, opener.identity]).toEqual(["age", identity]);
  });

  test("opens ssh-vault's format only when all of it came", async () => {
    const plaintext = randomBytes(1000);
    const message = await seal(plaintext, [ssh.recipient], { format: "ssh-vault" });
    const own = ssh.identity();
    const opener = createOpener([own]);
    for (const piece of cut(message, [1])) expect(await opener.push(piece)).toHaveLength(0);
    expect(await opener.finish()).toEqual(plaintext);
    expect([opener.format, opener.identity]).toEqual(["ssh-vault", own]);
  });

  test("releases nothing of a chunk before all of it came, and nothing of one that was changed", async () => {
    const message = await seal(randomBytes(2 * CHUNK), [recipient], { armor: false });
    const start = message.length - 2 * (CHUNK + 16);
    const opener = createOpener([identity]);
    expect(await opener.push(message.subarray(0, start + CHUNK + 15))).toHaveLength(0);
    expect(await opener.push(message.subarray(start + CHUNK + 15, start + CHUNK + 16))).toHaveLength(CHUNK);
    const changed = Buffer.from(message.subarray(start + CHUNK + 16));
    changed.writeUInt8((changed[5] ?? 0) ^ 1, 5);
    await expect(opener.push(changed)).rejects.toMatchObject({ code: "TAMPERED_MESSAGE" });
  });

  test("refuses at its end a message that was cut short anywhere, as open does", async () => {
    for (const armor of [true, false]) {
      const message = await seal(randomBytes(100), [recipient], { armor });
      for (let length = 0; length < message.length - (armor ? 1 : 0); length += 1) {
        const part = message.subarray(0, length);
        const expected: unknown = await open(part, [identity]).catch((error: unknown) => error);
        await expect(openInPieces(cut(part, [7]))).rejects.toMatchObject({
          name: "SealingError",
          code: expect.stringMatching(/^(?:UNKNOWN_FORMAT|MALFORMED_MESSAGE|TAMPERED_MESSAGE)$/),
        });
        expect(expected).toMatchObject({ name: "SealingError" });
      }
    }
  });

  test("is spent after an error and after its end", async () => {
    const failed = createOpener([identity]);
    await expect(failed.push(Buffer.alloc(5000))).rejects.toMatchObject({ code: "UNKNOWN_FORMAT" });
    await expect(failed.push(Buffer.alloc(1))).rejects.toBeInstanceOf(TypeError);
    const ended = createOpener([identity]);
    await ended.push(await seal(randomBytes(3), [recipient]));
    await ended.finish();
    for (const again of [ended.push(Buffer.alloc(1)), ended.finish()])
      await expect(again).rejects.toBeInstanceOf(TypeError);
  });

  test("asks nobody about an armor that is cut short, where all of it is there at once", async () => {
    const message = await seal(randomBytes(100), [recipient]);
    let tried = 0;
    const counting: Identity = {
      unwrapFileKey: async (stanzas) => {
        tried += 1;
        return identity.unwrapFileKey(stanzas);
      },
    };
    await expect(open(message.subarray(0, -30), [counting])).rejects.toMatchObject({ code: "MALFORMED_MESSAGE" });
    expect(tried).toBe(0);
  });

  test("gives up on a header without an end, and on text that is no message, before it fills the memory", async () => {
    const endless = createOpener([identity]);
    await endless.push(Buffer.from("age-encryption.org/v1\n"));
    const line = Buffer.from(`-> X ${"x".repeat(4000)}\n\n`);
    const pushAll = async (): Promise<void> => {
      for (let sent = 0; sent < MAX_HEADER_BYTES + 2 * line.length; sent += line.length) await endless.push(line);
    };
    await expect(pushAll()).rejects.toMatchObject({ code: "MALFORMED_MESSAGE" });
    const armored = createOpener([identity]);
    await armored.push(Buffer.from("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    await expect(armored.push(Buffer.alloc(67, "A"))).rejects.toMatchObject({ code: "MALFORMED_MESSAGE" });
  });

  test("takes bytes only", async () => {
    // @ts-expect-error a string is no Uint8Array
    await expect(createOpener([identity]).push("text")).rejects.toBeInstanceOf(TypeError);
  });
});

describe("a sealer", () => {
  test("takes nothing more after its end, and bytes only", async () => {
    const sealer = await createSealer([recipient]);
    // @ts-expect-error a string is no Uint8Array
    expect(() => sealer.push("text")).toThrow(TypeError);
    sealer.finish();
    expect(() => sealer.push(Buffer.alloc(1))).toThrow(TypeError);
    expect(() => sealer.finish()).toThrow(TypeError);
  });

  test("needs a recipient", async () => {
    await expect(createSealer([])).rejects.toMatchObject({ code: "NO_RECIPIENTS" });
  });
});

test("Node's streams go through, in both directions", async () => {
  const plaintext = randomBytes(300_000);
  const opened: Buffer[] = [];
  await pipeline(
    Readable.from(cut(plaintext, [10_000])),
    (pieces) => sealStream(pieces, [recipient, ssh.recipient]),
    (pieces) => openStream(pieces, [ssh.identity()]),
    new Writable({
      write: (piece: Buffer, _, done) => {
        opened.push(piece);
        done();
      },
    }),
  );
  expect(Buffer.concat(opened).equals(plaintext)).toBe(true);
});

test("forty recipients, twenty of them with RSA keys, stand in one message", async () => {
  const rsa = await makeTestKey({ type: "rsa", bits: 2048, folder: folder.path });
  if (rsa.publicKey.type !== "ssh-rsa") throw new Error("not an RSA key");
  const { recipient: rsaRecipient } = rsa;
  const natives = await Promise.all(
    Array.from({ length: 20 }, async () => parseRecipient((await generateIdentity()).recipient)),
  );
  // Making RSA keys is slow: the same one stands there under twenty names.
  const named = Array.from({ length: 20 }, (_, index) => ({
    id: `rsa-${index}`,
    wrapFileKey: (fileKey: Buffer) => rsaRecipient.wrapFileKey(fileKey),
  }));
  const message = await seal(Buffer.from("for all"), [...natives, ...named, ssh.recipient]);
  expect(readHeader(message).stanzas).toHaveLength(41);
  for (const own of [ssh.identity(), rsa.identity()]) {
    expect((await open(message, [own])).plaintext.toString()).toBe("for all");
  }
});
