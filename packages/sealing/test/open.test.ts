import { randomBytes } from "node:crypto";
import { KeyError } from "@git-vault/keys";
import { cases, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeHeader } from "../src/age/header.ts";
import {
  open,
  readHeader,
  seal,
  SealingError,
  SshIdentity,
  type Identity,
  type Recipient,
  type Stanza,
} from "../src/index.ts";
import { LOW_ORDER_MONTGOMERY } from "./low-order.ts";
import { makeTestKey, type TestKey } from "./keys.ts";
import { sealPayload } from "./whole.ts";

let folder: TemporaryFolder;
let ed25519: TestKey;
let other: TestKey;
let rsa: TestKey;
let otherRsa: TestKey;
let encrypted: TestKey;
let encryptedPem: TestKey;
const plaintext = Buffer.from("the plaintext");

beforeAll(async () => {
  folder = temporaryFolder();
  const inFolder = { folder: folder.path } as const;
  ed25519 = await makeTestKey({ ...inFolder, type: "ed25519", name: "a" });
  other = await makeTestKey({ ...inFolder, type: "ed25519", name: "b" });
  rsa = await makeTestKey({ ...inFolder, type: "rsa", bits: 2048, name: "c" });
  otherRsa = await makeTestKey({ ...inFolder, type: "rsa", bits: 3072, name: "d" });
  encrypted = await makeTestKey({ ...inFolder, type: "ed25519", name: "e", passphrase: "correct horse" });
  encryptedPem = await makeTestKey({
    ...inFolder,
    type: "rsa",
    bits: 2048,
    name: "f",
    passphrase: "correct horse",
    format: "PEM",
  });
});
afterAll(() => folder.remove());

/** A message whose stanzas are made by hand. */
const messageWith = (stanzas: readonly Stanza[], fileKey: Buffer): Buffer =>
  Buffer.concat([encodeHeader(stanzas, fileKey), sealPayload(fileKey, plaintext)]);

const stanzaFor = async (key: TestKey, fileKey: Buffer): Promise<Stanza> => {
  const [stanza] = await key.recipient.wrapFileKey(fileKey);
  if (stanza === undefined) throw new Error("no stanza");
  return stanza;
};

/** A passphrase prompt that counts how often it was asked. */
const prompt = (passphrase: string): { ask: () => Promise<Uint8Array>; asked: () => number } => {
  let asked = 0;
  const ask = async (): Promise<Uint8Array> => {
    asked += 1;
    return Buffer.from(passphrase);
  };
  return { ask, asked: () => asked };
};

describe("opening with SSH keys", () => {
  test("gives the identity that opened it", async () => {
    const message = await seal(plaintext, [rsa.recipient]);
    const identities = [ed25519.identity(), rsa.identity()];
    expect(await open(message, identities)).toEqual({
      plaintext,
      format: "age",
      identity: identities[1],
      signature: null,
    });
  });

  test("passes over stanzas of unknown kinds", async () => {
    const fileKey = randomBytes(16);
    const unknown = { type: "1-grease", args: ["a", "b", "c"], body: randomBytes(5) };
    const message = messageWith([unknown, await stanzaFor(ed25519, fileKey), unknown], fileKey);
    expect((await open(message, [ed25519.identity()])).plaintext).toEqual(plaintext);
  });

  test("goes on where the tag of another key is the same", async () => {
    const fileKey = randomBytes(16);
    for (const [mine, theirs] of [
      [ed25519, other],
      [rsa, otherRsa],
      [otherRsa, rsa],
    ] as const) {
      const ours = await stanzaFor(mine, fileKey);
      const foreign = await stanzaFor(theirs, fileKey);
      const colliding = { ...foreign, args: foreign.args.with(0, ours.args[0] ?? "") };
      const message = messageWith([colliding, ours], fileKey);
      expect((await open(message, [mine.identity()])).plaintext).toEqual(plaintext);
      const onlyForeign = messageWith([colliding, foreign], fileKey);
      expect((await open(onlyForeign, [mine.identity(), theirs.identity()])).plaintext).toEqual(plaintext);
    }
  });

  test("finds a stanza of the wrong shape malformed where its tag is ours, and passes over it where it is not", async () => {
    const fileKey = randomBytes(16);
    const ed = await stanzaFor(ed25519, fileKey);
    const [tag = "", share = ""] = ed.args;
    const forRsa = await stanzaFor(rsa, fileKey);
    const shortShare = Buffer.from(share, "base64").subarray(1).toString("base64").replaceAll("=", "");
    const broken: readonly (readonly [TestKey, Stanza])[] = [
      [ed25519, { ...ed, args: [tag] }],
      [ed25519, { ...ed, args: [tag, share, "more"] }],
      [ed25519, { ...ed, args: [tag, shortShare] }],
      [ed25519, { ...ed, args: [tag, `${share}=`] }],
      [ed25519, { ...ed, body: ed.body.subarray(1) }],
      [rsa, { ...forRsa, args: [...forRsa.args, "more"] }],
      [rsa, { ...forRsa, body: forRsa.body.subarray(1) }],
    ];
    for (const [key, stanza] of broken) {
      const message = messageWith([stanza], fileKey);
      await expect(open(message, [key.identity()])).rejects.toMatchObject({ code: "MALFORMED_MESSAGE" });
      await expect(open(message, [other.identity()])).rejects.toMatchObject({ code: "NO_IDENTITY_MATCHED" });
    }
  });

  test.each(LOW_ORDER_MONTGOMERY)("finds a share of low order malformed: %s", async (point) => {
    const fileKey = randomBytes(16);
    const stanza = await stanzaFor(ed25519, fileKey);
    const share = Buffer.from(point, "hex").toString("base64").replace("=", "");
    const message = messageWith([{ ...stanza, args: stanza.args.with(1, share) }], fileKey);
    await expect(open(message, [ed25519.identity()])).rejects.toMatchObject({ code: "MALFORMED_MESSAGE" });
  });

  test("finds a file key of another length than 16 bytes malformed", async () => {
    const stanza = await stanzaFor(rsa, randomBytes(17));
    await expect(open(messageWith([stanza], randomBytes(16)), [rsa.identity()])).rejects.toMatchObject({
      code: "MALFORMED_MESSAGE",
    });
    const ofVault = readHeader(await seal(plaintext, [ed25519.recipient], { format: "ssh-vault" })).stanzas;
    await expect(open(messageWith(ofVault, randomBytes(16)), [ed25519.identity()])).rejects.toMatchObject({
      code: "MALFORMED_MESSAGE",
    });
  });

  test("tells a changed header from a changed payload by its message", async () => {
    const fileKey = randomBytes(16);
    const stanza = await stanzaFor(ed25519, fileKey);
    const header = encodeHeader([stanza], randomBytes(16));
    const message = Buffer.concat([header, sealPayload(fileKey, plaintext)]);
    await expect(open(message, [ed25519.identity()])).rejects.toMatchObject({
      code: "TAMPERED_MESSAGE",
      message: expect.stringContaining("header"),
    });
    const changed = await seal(plaintext, [ed25519.recipient], { armor: false });
    changed.writeUInt8((changed.at(-1) ?? 0) ^ 1, changed.length - 1);
    await expect(open(changed, [ed25519.identity()])).rejects.toMatchObject({
      code: "TAMPERED_MESSAGE",
      message: expect.stringContaining("payload"),
    });
  });
});

describe("a message for somebody else", () => {
  test("tells how many identities were tried and whom it is for", async () => {
    const message = await seal(plaintext, [ed25519.recipient, rsa.recipient]);
    const tags = readHeader(message).stanzas.map(({ type, args: [tag] }) => `${type} ${tag}`);
    await expect(open(message, [other.identity(), otherRsa.identity()])).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
      message: `none of the 2 keys that were tried opens the message, which is sealed to ${tags.join(", ")}: ${[
        other,
        otherRsa,
      ]
        .map(({ publicKey }) => `${publicKey.fingerprint} is not one of the recipients`)
        .join("; ")}`,
    });
  });

  test("says so where there is no identity at all", async () => {
    await expect(open(await seal(plaintext, [rsa.recipient]), [])).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
      message: expect.stringMatching(
        /^there is no private key here to open the message, which is sealed to ssh-rsa \S{6}$/,
      ),
    });
  });

  test("names no more than eight recipients", async () => {
    const fileKey = randomBytes(16);
    const stanzas = Array.from({ length: 100 }, () => ({ type: "X25519", args: ["x"], body: randomBytes(32) }));
    await expect(open(messageWith(stanzas, fileKey), [other.identity()])).rejects.toMatchObject({
      message: expect.stringMatching(
        /sealed to an age key \(X25519\) and 92 more: an SSH key was tried, but the message is not sealed to one$/,
      ),
    });
  });
});

describe("passphrases", () => {
  test("are asked for once in a run, and only for a message that is addressed to the key", async () => {
    const { ask, asked } = prompt("correct horse");
    const identity = encrypted.identity(ask);
    await expect(open(await seal(plaintext, [other.recipient]), [identity])).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
    });
    expect(asked()).toBe(0);
    for (const format of ["age", "ssh-vault"] as const) {
      const message = await seal(plaintext, [encrypted.recipient], { format });
      expect((await open(message, [identity])).plaintext).toEqual(plaintext);
    }
    expect(asked()).toBe(1);
  });

  test("are not asked for while another identity can open the message", async () => {
    const { ask, asked } = prompt("correct horse");
    const message = await seal(plaintext, [encrypted.recipient, encryptedPem.recipient, ed25519.recipient]);
    const mine = ed25519.identity();
    const opened = await open(message, [encryptedPem.identity(ask), encrypted.identity(ask), mine]);
    expect(opened.identity).toBe(mine);
    expect(asked()).toBe(0);
  });

  test("are asked for a key that does not show its public half only after all others, and for SSH recipients", async () => {
    const pem = prompt("correct horse");
    const openssh = prompt("correct horse");
    const identities = [encryptedPem.identity(pem.ask), encrypted.identity(openssh.ask)];
    await open(await seal(plaintext, [encrypted.recipient]), identities);
    expect([pem.asked(), openssh.asked()]).toEqual([0, 1]);
    const stanza = { type: "X25519", args: ["x"], body: randomBytes(32) };
    await expect(open(messageWith([stanza], randomBytes(16)), identities)).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
    });
    expect(pem.asked()).toBe(0);
    await open(await seal(plaintext, [encryptedPem.recipient]), identities);
    expect(pem.asked()).toBe(1);
  });

  test("that are wrong are asked for again, three times in all", async () => {
    const attempts: number[] = [];
    const message = await seal(plaintext, [encrypted.recipient]);
    const third = encrypted.identity(async (attempt) => {
      attempts.push(attempt);
      return Buffer.from(attempt === 3 ? "correct horse" : "wrong");
    });
    expect((await open(message, [third])).plaintext).toEqual(plaintext);
    const never = prompt("wrong");
    const identity = encrypted.identity(never.ask);
    for (let run = 0; run < 2; run += 1) {
      await expect(open(message, [identity])).rejects.toMatchObject({ code: "WRONG_PASSPHRASE" });
    }
    expect({ attempts, asked: never.asked() }).toEqual({ attempts: [1, 2, 3], asked: 3 });
  });

  test("are asked for again after the key was locked", async () => {
    const { ask, asked } = prompt("correct horse");
    const identity = encryptedPem.identity(ask);
    expect(identity.publicKey).toBeNull();
    const message = await seal(plaintext, [encryptedPem.recipient]);
    await open(message, [identity]);
    expect(identity.publicKey?.blob).toEqual(encryptedPem.publicKey.blob);
    identity.lock();
    expect((await open(message, [identity])).plaintext).toEqual(plaintext);
    expect(asked()).toBe(2);
  });

  test("that are wrong stop only a run that no other key can finish", async () => {
    const message = await seal(plaintext, [encrypted.recipient, encryptedPem.recipient]);
    const wrong = encrypted.identity(prompt("wrong").ask);
    await expect(open(message, [wrong])).rejects.toMatchObject({ name: "KeyError", code: "WRONG_PASSPHRASE" });
    const right = encryptedPem.identity(prompt("correct horse").ask);
    expect((await open(message, [wrong, right])).identity).toBe(right);
  });

  test("are required where nobody can be asked", async () => {
    const message = await seal(plaintext, [encrypted.recipient]);
    await expect(open(message, [encrypted.identity()])).rejects.toMatchObject({ code: "PASSPHRASE_REQUIRED" });
  });
});

describe("identities of other kinds", () => {
  const failing: Identity = {
    unwrapFileKey: async () => {
      throw new KeyError("MALFORMED_KEY", "broken key");
    },
  };

  test("that fail do not stop the others, and the first failure is told where none opens", async () => {
    const message = await seal(plaintext, [ed25519.recipient]);
    expect((await open(message, [failing, ed25519.identity()])).plaintext).toEqual(plaintext);
    await expect(open(message, [failing, other.identity()])).rejects.toThrow("broken key");
  });

  test("that throw anything but a KeyError or SealingError end the run at once", async () => {
    const givingUp: Identity = {
      unwrapFileKey: async () => {
        throw new Error("given up");
      },
    };
    const message = await seal(plaintext, [ed25519.recipient]);
    await expect(open(message, [givingUp, ed25519.identity()])).rejects.toThrow("given up");
  });

  test("are tried in the order given among those that ask as much", async () => {
    const tried: number[] = [];
    const identities = [1, 2, 3].map((number): Identity => ({
      unwrapFileKey: async () => {
        tried.push(number);
        return null;
      },
    }));
    await open(await seal(plaintext, [ed25519.recipient]), identities).catch(() => {});
    expect(tried).toEqual([1, 2, 3]);
  });
});

describe("hostile input", () => {
  const FORMS: readonly (readonly [string, () => Promise<Buffer>])[] = [
    ["binary age", () => seal(plaintext, [ed25519.recipient, rsa.recipient], { armor: false })],
    ["armored age", () => seal(plaintext, [ed25519.recipient, rsa.recipient])],
    ["an Ed25519 vault", () => seal(plaintext, [ed25519.recipient], { format: "ssh-vault" })],
    ["an RSA vault", () => seal(plaintext, [rsa.recipient], { format: "ssh-vault" })],
  ];

  test.each(FORMS)("%s, cut, flipped or spliced, gives a SealingError or the plaintext", async (_, make) => {
    const message = await make();
    const identities = [ed25519.identity(), rsa.identity()];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        fc.uint8Array({ maxLength: 40 }),
        async (at, bit, noise) => {
          const index = at % message.length;
          const flipped = Buffer.from(message);
          flipped.writeUInt8((flipped[index] ?? 0) ^ (1 << bit), index);
          const spliced = Buffer.concat([message.subarray(0, index), noise, message.subarray(index)]);
          for (const damaged of [flipped, spliced, message.subarray(0, index), message.subarray(index)]) {
            const result: unknown = await open(damaged, identities).catch((error: unknown) => error);
            expect(result instanceof SealingError ? { plaintext } : result).toMatchObject({ plaintext });
            expect(result instanceof SealingError ? result.message : "none").toMatch(/^[^A-Z].*[^.]$/);
          }
        },
      ),
      { numRuns: cases(50, 500) },
    );
  });

  test("random bytes, bare and behind the marks of the formats, give a SealingError", async () => {
    const marks = [
      "",
      "age-encryption.org/v1\n",
      "age-encryption.org/v1\n-> ssh-rsa ",
      "SSH-VAULT;AES256;",
      "-----BEGIN AGE ",
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...marks), fc.uint8Array({ maxLength: 300 }), async (mark, bytes) => {
        await expect(open(Buffer.concat([Buffer.from(mark), bytes]), [ed25519.identity()])).rejects.toBeInstanceOf(
          SealingError,
        );
      }),
    );
  });

  test("leaves nothing of itself in the error", async () => {
    const canary = "Canary7Canary7Canary7";
    const identities = [ed25519.identity(), rsa.identity()];
    const messages = await Promise.all(FORMS.map(([, make]) => make()));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...messages), fc.nat(), async (message, at) => {
        const index = at % message.length;
        const marked = Buffer.concat([message.subarray(0, index), Buffer.from(canary), message.subarray(index)]);
        const error = await open(marked, identities).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(SealingError);
        const {
          message: text,
          hint,
          cause,
        } = error instanceof SealingError ? error : new SealingError("UNKNOWN_FORMAT", "");
        expect([text, hint, String(cause)].join()).not.toMatch(/canary/i);
      }),
      { numRuns: cases(60, 500) },
    );
  });

  test("is a TypeError where it is not bytes at all", async () => {
    // @ts-expect-error a string is no Uint8Array
    await expect(open("SSH-VAULT;", [])).rejects.toBeInstanceOf(TypeError);
  });
});

describe("sealing", () => {
  test("needs a recipient", async () => {
    for (const format of ["age", "ssh-vault"] as const) {
      await expect(seal(plaintext, [], { format })).rejects.toMatchObject({
        name: "SealingError",
        code: "NO_RECIPIENTS",
      });
    }
  });

  test("counts a key once, whatever its comment", async () => {
    const again = await makeTestKey({ type: "ed25519", folder: folder.path, name: "g" });
    const twin = new SshIdentity({
      format: "openssh",
      encrypted: false,
      publicKey: again.publicKey,
      unlock: () => Promise.reject(new Error("not needed")),
    });
    expect(twin.asks).toBe("never");
    const copy = Object.assign(Object.create(Object.getPrototypeOf(again.recipient)), {
      publicKey: { ...again.publicKey, comment: "another" },
    });
    const message = await seal(plaintext, [again.recipient, copy, ed25519.recipient, again.recipient]);
    expect(readHeader(message).stanzas).toHaveLength(2);
    const vault = await seal(plaintext, [again.recipient, again.recipient], { format: "ssh-vault" });
    expect(readHeader(vault).format).toBe("ssh-vault");
  });

  test("in ssh-vault's format takes one SSH key only", async () => {
    const custom: Recipient = { wrapFileKey: () => [] };
    for (const recipients of [[ed25519.recipient, rsa.recipient], [custom]]) {
      await expect(seal(plaintext, recipients, { format: "ssh-vault" })).rejects.toMatchObject({
        code: "UNUSABLE_RECIPIENT",
        hint: expect.stringContaining("age"),
      });
    }
  });

  test("refuses recipients that age's header cannot hold", async () => {
    const scrypt = { type: "scrypt", args: ["salt", "10"], body: randomBytes(32) };
    const made: readonly Stanza[][] = [[], [scrypt, scrypt], [{ type: "a b", args: [], body: Buffer.alloc(0) }]];
    for (const stanzas of made) {
      await expect(seal(plaintext, [{ wrapFileKey: () => stanzas }])).rejects.toMatchObject({
        code: "UNUSABLE_RECIPIENT",
      });
    }
  });

  test("takes a recipient that answers later", async () => {
    const later: Recipient = { wrapFileKey: async (fileKey) => ed25519.recipient.wrapFileKey(fileKey) };
    expect((await open(await seal(plaintext, [later]), [ed25519.identity()])).plaintext).toEqual(plaintext);
  });

  test("makes a different message each time", async () => {
    for (const format of ["age", "ssh-vault"] as const) {
      const [a, b] = [
        await seal(plaintext, [rsa.recipient], { format }),
        await seal(plaintext, [rsa.recipient], { format }),
      ];
      expect(a.equals(b)).toBe(false);
    }
  });

  test("refuses arguments of the wrong type", async () => {
    // @ts-expect-error a string is no Uint8Array
    await expect(seal("text", [ed25519.recipient])).rejects.toBeInstanceOf(TypeError);
    // @ts-expect-error no such format
    await expect(seal(plaintext, [ed25519.recipient], { format: "zip" })).rejects.toBeInstanceOf(RangeError);
  });
});
