import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { encodeHeader } from "../src/age/header.ts";
import {
  generateIdentity,
  open,
  parseIdentityFile,
  parseRecipient,
  PassphraseIdentity,
  PassphraseRecipient,
  readHeader,
  seal,
  type Stanza,
} from "../src/index.ts";
import { sealPayload } from "./whole.ts";

const plaintext = Buffer.from("the plaintext");
const passphrase = Buffer.from("correct horse");
const recipient = new PassphraseRecipient(passphrase, { workFactor: 8 });

const messageWith = (stanzas: readonly Stanza[], fileKey: Buffer): Buffer =>
  Buffer.concat([encodeHeader(stanzas, fileKey), sealPayload(fileKey, plaintext)]);

/** A message whose one stanza is made by hand. */
const messageOf = (args: readonly string[], body: Buffer = randomBytes(32)): Buffer =>
  messageWith([{ type: "scrypt", args, body }], randomBytes(16));

const salt = "ajMFur+EJLGaohv/dLRGnw";

describe("a message sealed to a passphrase", () => {
  test("opens with it, of any bytes", async () => {
    for (const secret of [passphrase, randomBytes(100), Buffer.from([0])]) {
      const message = await seal(plaintext, [new PassphraseRecipient(secret, { workFactor: 4 })]);
      const identity = new PassphraseIdentity(secret);
      expect(await open(message, [identity])).toEqual({ plaintext, format: "age", identity, signature: null });
    }
  });

  test("has a work factor of 18 where none is given", async () => {
    const message = await seal(plaintext, [new PassphraseRecipient(passphrase)]);
    expect(readHeader(message).stanzas).toMatchObject([
      { type: "scrypt", args: [expect.stringMatching(/^\S{22}$/), "18"] },
    ]);
    expect((await open(message, [new PassphraseIdentity(passphrase)])).plaintext).toEqual(plaintext);
  });

  test("does not open with another passphrase", async () => {
    const message = await seal(plaintext, [recipient]);
    await expect(open(message, [new PassphraseIdentity(Buffer.from("correct hors"))])).rejects.toMatchObject({
      name: "SealingError",
      code: "WRONG_PASSPHRASE",
    });
  });

  test("asks again after a wrong passphrase, three times in all, and only for such a message", async () => {
    const attempts: number[] = [];
    const asking = (right: number): PassphraseIdentity =>
      new PassphraseIdentity(async (attempt) => {
        attempts.push(attempt);
        return attempt === right ? passphrase : Buffer.from("wrong");
      });
    const message = await seal(plaintext, [recipient]);
    expect((await open(message, [asking(3)])).plaintext).toEqual(plaintext);
    await expect(open(message, [asking(4)])).rejects.toMatchObject({ code: "WRONG_PASSPHRASE" });
    const other = await seal(plaintext, [await parseRecipient((await generateIdentity()).recipient)]);
    await expect(open(other, [asking(1)])).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
      message: expect.stringContaining("there is no private key here to open the message"),
    });
    expect(attempts).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test("is opened by whichever of several passphrases is right", async () => {
    const message = await seal(plaintext, [recipient]);
    const right = new PassphraseIdentity(passphrase);
    const identities = [new PassphraseIdentity(Buffer.from("wrong")), right];
    expect((await open(message, identities)).identity).toBe(right);
  });

  test("says to an identity of another kind whom it is for", async () => {
    const identities = await parseIdentityFile((await generateIdentity()).identity);
    await expect(open(await seal(plaintext, [recipient]), identities)).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
      message: expect.stringContaining("sealed to a passphrase (scrypt)"),
    });
  });

  test("has no other recipient, expressly allowed or not", async () => {
    const other = await parseRecipient((await generateIdentity()).recipient);
    for (const recipients of [
      [recipient, other],
      [other, recipient],
      [recipient, new PassphraseRecipient(passphrase, { workFactor: 4 })],
    ]) {
      for (const allowMixed of [false, true]) {
        await expect(seal(plaintext, recipients, { allowMixed })).rejects.toMatchObject({ code: "UNUSABLE_RECIPIENT" });
      }
    }
  });
});

describe("a work factor", () => {
  test.each(["0", "01", "+8", "-8", "8.0", "0x8", "1e1", "８", "8 ", "", "a8"])(
    "written as %j is malformed",
    async (factor) => {
      const stanza: Stanza = { type: "scrypt", args: [salt, factor], body: randomBytes(32) };
      await expect(new PassphraseIdentity(passphrase).unwrapFileKey([stanza])).rejects.toMatchObject({
        code: "MALFORMED_MESSAGE",
      });
    },
  );

  test.each([
    ["21", "21"],
    ["30", "30"],
    ["999", "999"],
    ["9".repeat(400), "a number of 400 digits"],
  ])("over the limit is refused before any work: %s", async (factor, shown) => {
    await expect(open(messageOf([salt, factor]), [new PassphraseIdentity(passphrase)])).rejects.toMatchObject({
      code: "WORK_FACTOR",
      message: `expected a passphrase message with a work factor of up to 20, got ${shown}`,
    });
  });

  test("is limited by what the caller says", async () => {
    const message = await seal(plaintext, [recipient]);
    await expect(open(message, [new PassphraseIdentity(passphrase, { maxWorkFactor: 7 })])).rejects.toMatchObject({
      code: "WORK_FACTOR",
    });
    expect((await open(message, [new PassphraseIdentity(passphrase, { maxWorkFactor: 8 })])).plaintext).toEqual(
      plaintext,
    );
  });
});

describe("a scrypt stanza", () => {
  test.each([
    ["no salt", ["8"], 32],
    ["one argument more", [salt, "8", "8"], 32],
    ["a short salt", [salt.slice(1), "8"], 32],
    ["a padded salt", [`${salt}==`, "8"], 32],
    ["a body of 31 bytes", [salt, "8"], 31],
    ["a body of 33 bytes", [salt, "8"], 33],
  ])("with %s is malformed", async (_, args, length) => {
    const message = messageOf(args, randomBytes(length));
    await expect(open(message, [new PassphraseIdentity(passphrase)])).rejects.toMatchObject({
      code: "MALFORMED_MESSAGE",
    });
  });
});

test("arguments of the wrong type are refused", () => {
  // @ts-expect-error a string is no Uint8Array
  expect(() => new PassphraseRecipient("text")).toThrow(TypeError);
  // @ts-expect-error a string is no Uint8Array
  expect(() => new PassphraseIdentity("text")).toThrow(TypeError);
  expect(() => new PassphraseRecipient(Buffer.alloc(0))).toThrow(RangeError);
  for (const workFactor of [0, 31, 1.5]) {
    expect(() => new PassphraseRecipient(passphrase, { workFactor })).toThrow(RangeError);
    expect(() => new PassphraseIdentity(passphrase, { maxWorkFactor: workFactor })).toThrow(RangeError);
  }
});
