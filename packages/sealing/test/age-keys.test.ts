import { createECDH, randomBytes } from "node:crypto";
import { ml_kem768_p256 } from "@noble/post-quantum/hybrid.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeHeader } from "../src/age/header.ts";
import { encodeBech32 } from "../src/age/bech32.ts";
import {
  generateIdentity,
  open,
  parseIdentityFile,
  parseRecipient,
  readHeader,
  seal,
  SealingError,
  type AgeKeyKind,
} from "../src/index.ts";
import { LOW_ORDER_MONTGOMERY } from "./low-order.ts";
import { sealPayload } from "./whole.ts";

const KINDS = ["x25519", "hybrid"] as const satisfies readonly AgeKeyKind[];
const plaintext = Buffer.from("the plaintext");

// The examples of C2SP's age.md.
const IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
const HYBRID_IDENTITY = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR";
const HYBRID_START =
  "age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqtzdxz95paef6caq5aapdmwjjqpjfdyxnzr2zampc3ux";

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof SealingError) return error.code;
  if (error === null) return "";
  throw error;
};

describe("tagged recipients", () => {
  const curve = createECDH("prime256v1");
  curve.generateKeys();
  const point = curve.getPublicKey(null, "compressed");
  const kem = Buffer.from(ml_kem768_p256.keygen().publicKey);
  const [tag, tagpq] = [encodeBech32("age1tag", point), encodeBech32("age1tagpq", kem)];

  test("are age's own, of one kind each", async () => {
    const recipients = await Promise.all([tag, tagpq].map(parseRecipient));
    expect(recipients.map(({ kind, labels }) => [kind, labels])).toEqual([
      ["tag", []],
      ["tagpq", ["postquantum"]],
    ]);
    expect(recipients.map(String)).toEqual([tag, tagpq]);
    const { stanzas } = readHeader(await seal(plaintext, recipients, { allowMixed: true }));
    expect(stanzas.map(({ type, args, body }) => [type, args.map(({ length }) => length), body.length])).toEqual([
      ["p256tag", [6, 87], 32],
      ["mlkem768p256tag", [6, 1538], 32],
    ]);
  });

  test.each([
    ["of another length", encodeBech32("age1tag", point.subarray(1)), "MALFORMED_KEY"],
    ["of another length", encodeBech32("age1tagpq", kem.subarray(1)), "MALFORMED_KEY"],
    ["mistyped", `${tag.slice(0, -1)}${tag.endsWith("q") ? "p" : "q"}`, "MALFORMED_KEY"],
    [
      "on no curve",
      encodeBech32("age1tag", Buffer.concat([Buffer.of(2), Buffer.alloc(32, 0xff)])),
      "UNUSABLE_RECIPIENT",
    ],
    [
      "uncompressed in part",
      encodeBech32("age1tag", Buffer.concat([Buffer.of(4), Buffer.alloc(32, 1)])),
      "UNUSABLE_RECIPIENT",
    ],
    [
      "with coefficients that are not reduced",
      encodeBech32("age1tagpq", Buffer.concat([Buffer.alloc(1184, 0xff), kem.subarray(1184)])),
      "UNUSABLE_RECIPIENT",
    ],
    [
      "with a point on no curve",
      encodeBech32("age1tagpq", Buffer.concat([kem.subarray(0, 1184), Buffer.alloc(65, 4)])),
      "UNUSABLE_RECIPIENT",
    ],
  ])("%s are refused: %#", async (_, text, code) => {
    expect(await codeOf(parseRecipient(text).then((recipient) => seal(plaintext, [recipient])))).toBe(code);
  });
});

describe("the examples of age's specification", () => {
  test("have the recipients that stand beside their identities", async () => {
    const [identity] = await parseIdentityFile(IDENTITY);
    expect(String(await identity?.recipient())).toBe(RECIPIENT);
    const [hybrid] = await parseIdentityFile(HYBRID_IDENTITY);
    expect(String(await hybrid?.recipient()).startsWith(HYBRID_START)).toBe(true);
  });
});

describe("a recipient", () => {
  test.each(KINDS)("is written as it was read: %s", async (kind) => {
    const { recipient } = await generateIdentity(kind);
    const parsed = await parseRecipient(recipient);
    expect({ text: String(parsed), kind: parsed.kind }).toEqual({ text: recipient, kind });
    expect(parsed.labels).toEqual(kind === "hybrid" ? ["postquantum"] : []);
  });

  test.each([
    ["nothing", ""],
    ["upper case", RECIPIENT.toUpperCase()],
    ["mixed case", `${RECIPIENT.slice(0, -1)}J`],
    ["white space around it", ` ${RECIPIENT}`],
    ["a line end after it", `${RECIPIENT}\n`],
    ["a character too few", RECIPIENT.slice(0, -1)],
    ["a wrong checksum", `${RECIPIENT.slice(0, -1)}q`],
    ["a key of 31 bytes", encodeBech32("age", Buffer.alloc(31, 9))],
    ["a key of 33 bytes", encodeBech32("age", Buffer.alloc(33, 9))],
    ["a hybrid key of 1215 bytes", encodeBech32("age1pq", Buffer.alloc(1215, 9))],
    ["a hybrid key under the short prefix", encodeBech32("age", Buffer.alloc(1216, 9))],
    ["a plugin's recipient", encodeBech32("age1yubikey", Buffer.alloc(33, 9))],
    ["an identity", IDENTITY],
    ["an SSH key", "ssh-ed25519 AAAA"],
  ])("is refused with %s", async (_, text) => {
    expect(await codeOf(parseRecipient(text))).toBe("MALFORMED_KEY");
  });

  test("after a change of one character is refused, and the error tells nothing of it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 0, max: 255 }), async (at, code) => {
        const index = at % RECIPIENT.length;
        const text = RECIPIENT.slice(0, index) + String.fromCharCode(code) + RECIPIENT.slice(index + 1);
        fc.pre(text !== RECIPIENT);
        await expect(parseRecipient(text)).rejects.toMatchObject({
          code: "MALFORMED_KEY",
          message: expect.not.stringMatching(/zvkyg|nujwj/),
        });
      }),
    );
  });

  test.each(LOW_ORDER_MONTGOMERY)("that is a point of low order cannot be sealed to: %s", async (point) => {
    const recipient = await parseRecipient(encodeBech32("age", Buffer.from(point, "hex")));
    expect(await codeOf(seal(plaintext, [recipient]))).toBe("UNUSABLE_RECIPIENT");
  });

  test("that is no ML-KEM key, or whose X25519 part is of low order, cannot be sealed to", async () => {
    const { recipient } = await generateIdentity("hybrid");
    const [identity] = await parseIdentityFile((await generateIdentity("hybrid")).identity);
    expect(String(await identity?.recipient())).not.toBe(recipient);
    const unreduced = await parseRecipient(encodeBech32("age1pq", Buffer.alloc(1216, 0xff)));
    expect(await codeOf(seal(plaintext, [unreduced]))).toBe("UNUSABLE_RECIPIENT");
    const lowOrder = await parseRecipient(encodeBech32("age1pq", Buffer.alloc(1216)));
    expect(await codeOf(seal(plaintext, [lowOrder]))).toBe("UNUSABLE_RECIPIENT");
  });

  test("that is there twice counts once", async () => {
    for (const kind of KINDS) {
      const { recipient } = await generateIdentity(kind);
      const message = await seal(plaintext, [await parseRecipient(recipient), await parseRecipient(recipient)]);
      expect(readHeader(message).stanzas).toHaveLength(1);
    }
  });
});

describe("an identity file", () => {
  test("holds several identities of both kinds, comments and empty lines, in either kind of lines", async () => {
    const text = `# created: today\n\n${IDENTITY}\n#${IDENTITY}\n${HYBRID_IDENTITY}\n`;
    const utf16 = Buffer.from(`\uFEFF${text}`, "utf16le");
    const quoted = text.replaceAll(/^/gm, "> ");
    for (const form of [text, text.replaceAll("\n", "\r\n"), text.trimEnd(), Buffer.from(text), utf16, quoted]) {
      expect((await parseIdentityFile(form)).map(({ kind }) => kind)).toEqual(["x25519", "hybrid"]);
    }
  });

  test.each([
    ["nothing", "", ""],
    ["only comments", "# created: today\n", ""],
    ["lower case", IDENTITY.toLowerCase(), "line 1"],
    ["mixed case", `# x\n${IDENTITY.slice(0, -1)}x`, "line 2"],
    ["a wrong checksum", `${IDENTITY.slice(0, -1)}Q`, "line 1"],
    ["a key of 31 bytes", encodeBech32("age-secret-key-", Buffer.alloc(31)).toUpperCase(), "line 1"],
    ["a key of 33 bytes", encodeBech32("age-secret-key-pq-", Buffer.alloc(33)).toUpperCase(), "line 1"],
    ["a recipient", RECIPIENT, "line 1"],
    ["an SSH key", "-----BEGIN OPENSSH PRIVATE KEY-----\n", "line 1"],
    ["over 1 MiB", "#".repeat(1024 * 1024 + 1), "1 MiB"],
  ])("is refused with %s", async (_, text, where) => {
    await expect(parseIdentityFile(text)).rejects.toMatchObject({
      code: "MALFORMED_KEY",
      message: expect.stringContaining(where),
    });
  });

  test("leaves nothing of itself in the error", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (at) => {
        const index = 20 + (at % (IDENTITY.length - 20));
        const text = `${IDENTITY.slice(0, index)}*${IDENTITY.slice(index)}`;
        const error: unknown = await parseIdentityFile(text).catch((reason: unknown) => reason);
        const { message = "", hint = "", cause } = error instanceof SealingError ? error : {};
        expect([message, hint, String(cause)].join()).not.toMatch(/GFPYY|JZGFP/);
        expect(message).not.toBe("");
      }),
    );
  });
});

describe("a stanza for age's own keys", () => {
  const lengthOf = { x25519: 32, hybrid: 1120 } as const;
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replaceAll("=", "");

  test.each(KINDS)("of the wrong shape makes the message malformed: %s", async (kind) => {
    const { identity, recipient } = await generateIdentity(kind);
    const fileKey = randomBytes(16);
    const [stanza] = await (await parseRecipient(recipient)).wrapFileKey(fileKey);
    if (stanza === undefined) throw new Error("no stanza");
    const [argument = ""] = stanza.args;
    for (const changed of [
      { ...stanza, args: [] },
      { ...stanza, args: [argument, "more"] },
      { ...stanza, args: [`${argument}=`] },
      { ...stanza, args: [base64(randomBytes(lengthOf[kind] - 1))] },
      { ...stanza, args: [base64(randomBytes(lengthOf[kind] + 1))] },
      { ...stanza, body: stanza.body.subarray(1) },
      { ...stanza, body: Buffer.concat([stanza.body, Buffer.alloc(1)]) },
    ]) {
      const message = Buffer.concat([encodeHeader([changed], fileKey), sealPayload(fileKey, plaintext)]);
      expect(await codeOf(open(message, await parseIdentityFile(identity)))).toBe("MALFORMED_MESSAGE");
    }
  });

  test.each(LOW_ORDER_MONTGOMERY)("whose share is of low order makes the message malformed: %s", async (point) => {
    for (const kind of KINDS) {
      const { identity, recipient } = await generateIdentity(kind);
      const fileKey = randomBytes(16);
      const [stanza] = await (await parseRecipient(recipient)).wrapFileKey(fileKey);
      if (stanza === undefined) throw new Error("no stanza");
      const share = Buffer.from(stanza.args[0] ?? "", "base64");
      Buffer.from(point, "hex").copy(share, share.length - 32);
      const header = encodeHeader([{ ...stanza, args: [base64(share)] }], fileKey);
      const message = Buffer.concat([header, sealPayload(fileKey, plaintext)]);
      await expect(open(message, await parseIdentityFile(identity))).rejects.toMatchObject({
        code: "MALFORMED_MESSAGE",
        message: expect.stringContaining("is a point of low order") as string,
      });
    }
  });

  test.each(KINDS)("for another key is told with the reason: %s", async (kind) => {
    const [mine, theirs] = [await generateIdentity(kind), await generateIdentity(kind)];
    const message = await seal(plaintext, [await parseRecipient(theirs.recipient)]);
    const identities = await parseIdentityFile(`${mine.identity}\n${IDENTITY}`);
    await expect(open(message, identities)).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
      message: expect.stringMatching(
        kind === "hybrid"
          ? /age1pq1…\) is not the key of the one recipient of its kind; age1zvkyg\w+ is not one of the recipients: none is/
          : /; age1zvkyg\w+ is not the key of the one recipient of its kind$/,
      ),
    });
  });
});
