import { randomBytes } from "node:crypto";
import { cases, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { messagesIn, open, recoverMessage, seal, type Identity } from "../src/index.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

let folder: TemporaryFolder;
let ed25519: TestKey;
let rsa: TestKey;
let identities: Identity[];

beforeAll(async () => {
  folder = temporaryFolder();
  ed25519 = await makeTestKey({ type: "ed25519", folder: folder.path });
  rsa = await makeTestKey({ type: "rsa", bits: 2048, folder: folder.path });
  identities = [ed25519.identity(), rsa.identity()];
});
afterAll(() => folder.remove());

const FORMS = ["age", "ssh-vault for Ed25519", "ssh-vault for RSA"] as const;
type Form = (typeof FORMS)[number];

const make = async (form: Form, plaintext: Uint8Array): Promise<string> => {
  const key = form === "ssh-vault for RSA" ? rsa : ed25519;
  const message = await seal(plaintext, [key.recipient], { format: form === "age" ? "age" : "ssh-vault" });
  return message.toString();
};

const lines = (text: string, change: (line: string) => string): string =>
  text
    .split("\n")
    .map((line) => change(line))
    .join("\n");

/** What happens to text on its way, each as a name and a function. */
const DAMAGES: readonly (readonly [string, (text: string) => string])[] = [
  ["nothing", (text) => text],
  ["a byte order mark", (text) => `\uFEFF${text}`],
  ["CRLF", (text) => text.replaceAll("\n", "\r\n")],
  ["CR", (text) => text.replaceAll("\n", "\r")],
  ["Unicode line ends", (text) => text.replaceAll("\n", "\u2028")],
  ["indentation", (text) => lines(text, (line) => `    ${line}`)],
  ["trailing space", (text) => lines(text, (line) => `${line} \t`)],
  ["non-breaking space", (text) => lines(text, (line) => `\u00A0${line}\u00A0`)],
  ["quotation", (text) => lines(text, (line) => `> ${line}`)],
  ["nested quotation", (text) => lines(text, (line) => `>> > ${line}`)],
  ["a code fence", (text) => `\`\`\`\n${text}\n\`\`\``],
  ["a code fence with a language", (text) => `\`\`\`text\n${text}\n\`\`\``],
  ["code marks", (text) => `\`${text.trimEnd()}\``],
  ["zero-width characters", (text) => text.replaceAll(/.{10}/gu, "$&\u200B")],
  ["blank lines around", (text) => `\n\n${text}\n\n`],
  ["blank lines between", (text) => text.replaceAll("\n", "\n\n")],
  ["text around", (text) => `Hi Bob,\nhere is the key:\n\n${text}\n\nCheers\nAlice\n`],
  ["words before on the line", (text) => `the key: ${text}`],
  ["a sentence right after", (text) => `${text.trimEnd()}\nThanks, and see you tomorrow.`],
];

const apply = (text: string, indexes: readonly number[]): string =>
  indexes.reduce((damaged, index) => DAMAGES[index % DAMAGES.length]?.[1](damaged) ?? damaged, text);

describe.each(FORMS)("a message in the format %s", (form) => {
  test.each(DAMAGES)("is recovered to the very text after: %s", async (_, damage) => {
    for (const size of [0, 1, 30, 31, 32, 148, 1000]) {
      const text = await make(form, randomBytes(size));
      const recovered = recoverMessage(Buffer.from(damage(text))).toString();
      // What can be read as it came is given as it came.
      const isWhole = await open(Buffer.from(damage(text)), identities).then(
        () => true,
        () => false,
      );
      expect(recovered).toBe(isWhole ? damage(text) : text);
    }
  });

  test("is recovered from any of those together", async () => {
    const plaintext = randomBytes(148);
    const text = await make(form, plaintext);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 4 }), async (indexes) => {
        const recovered = recoverMessage(Buffer.from(apply(text, indexes)));
        expect((await open(recovered, identities)).plaintext).toEqual(plaintext);
        expect(recoverMessage(recovered)).toEqual(recovered);
      }),
      { numRuns: cases(50, 500) },
    );
  });

  test("is recovered from lines of another length, and from one line", async () => {
    for (const size of [0, 32, 148, 149, 150]) {
      const plaintext = randomBytes(size);
      const text = await make(form, plaintext);
      const parts = /^(-+BEGIN[^\n]*\n)?([\s\S]*?)(\n-+END.*\n)?$/.exec(text) ?? [];
      const [, begin = "", body = "", end = ""] = parts;
      for (const columns of [40, 50, 63, 72, 76, 100_000]) {
        const wrapped = (body.replaceAll("\n", "").match(new RegExp(`.{1,${columns}}`, "gu")) ?? []).join("\n");
        const narrow = lines(body, (line) => line.replaceAll(new RegExp(`.{${columns}}(?=.)`, "gu"), "$&\n"));
        for (const changed of [wrapped, narrow, wrapped.replaceAll("\n", " ")]) {
          const recovered = recoverMessage(Buffer.from(`> ${begin}${changed}${end}\n\nCheers, Alice`));
          expect((await open(recovered, identities)).plaintext).toEqual(plaintext);
        }
      }
      const oneLine = recoverMessage(Buffer.from(text.replaceAll("\n", " ")));
      expect((await open(oneLine, identities)).plaintext).toEqual(plaintext);
    }
  });

  test("that is whole is never changed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (plaintext) => {
        const text = Buffer.from(await make(form, plaintext));
        expect(recoverMessage(text)).toEqual(text);
      }),
      { numRuns: 30 },
    );
  });

  test("is recovered from UTF-16, as Windows writes it", async () => {
    const plaintext = randomBytes(148);
    const text = `\uFEFF${(await make(form, plaintext)).replaceAll("\n", "\r\n")}`;
    expect((await open(recoverMessage(Buffer.from(text, "utf16le")), identities)).plaintext).toEqual(plaintext);
  });

  test("is among those of a text in the alphabet for addresses, whatever its lines begin and end with", async () => {
    for (let count = 0; count < 100; count += 1) {
      const text = await make(form, randomBytes(300));
      const damaged = lines(text, (line) => {
        const [start = ""] = /^-.*|^SSH-VAULT;[^;]*;|/.exec(line) ?? [];
        return start + line.slice(start.length).replaceAll("+", "-").replaceAll("/", "_");
      });
      const found = Array.from(messagesIn(Buffer.from(damaged)), (message) => message.toString());
      expect(found).toContain(text);
    }
  });

  test("that somebody changed is not repaired", async () => {
    const text = await make(form, randomBytes(148));
    const at = text.length - (form === "age" ? 80 : 10);
    const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
    const opened = open(recoverMessage(Buffer.from(`> ${changed}`)), identities);
    await expect(opened).rejects.toMatchObject({ name: "SealingError" });
  });
});

describe("recovering", () => {
  test("takes the first message that is whole out of a thread", async () => {
    const [first, second] = [await make("age", Buffer.from("first")), await make("age", Buffer.from("second"))];
    const cut = first.slice(0, 120);
    const thread = `Alice:\n${cut}\nBob: that was cut\n${lines(second, (line) => `> ${line}`)}\n${first}`;
    expect(recoverMessage(Buffer.from(thread)).toString()).toBe(second);
  });

  test("passes over a message that lost a line, to one that is whole", async () => {
    const [lost, whole] = [await make("age", randomBytes(400)), await make("age", Buffer.from("whole"))];
    const thread = `${lost.replace(/\n[^-]{64}\n/, "\n")}\nAgain:\n${whole}`;
    expect(recoverMessage(Buffer.from(thread)).toString()).toBe(whole);
  });

  test("finds a vault behind a hundred that are none", async () => {
    for (const form of ["ssh-vault for Ed25519", "ssh-vault for RSA"] as const) {
      const whole = await make(form, Buffer.from("whole"));
      const cut = whole.slice(0, 60).replaceAll("\n", "");
      const thread = `${`${cut}\n`.repeat(100)}${whole}`;
      expect(recoverMessage(Buffer.from(thread)).toString().trim()).toBe(whole.trim());
    }
  });

  test("undoes the dashes that an editor joined", async () => {
    const text = await make("age", Buffer.from("dashes"));
    expect(recoverMessage(Buffer.from(text.replaceAll("--", "\u2014"))).toString()).toBe(text);
  });

  test("leaves a binary message alone", async () => {
    const message = await seal(randomBytes(500), [ed25519.recipient], { armor: false });
    expect(recoverMessage(message)).toEqual(message);
    expect(recoverMessage(message.subarray(0, 100))).toEqual(message.subarray(0, 100));
  });

  test("gives back what it does not recognise, for any bytes", () => {
    const marks = ["", "SSH-VAULT;", "SSH-VAULT;AES256;", "BEGIN AGE ENCRYPTED FILE", "END AGE ENCRYPTED FILE"];
    fc.assert(
      fc.property(fc.constantFrom(...marks), fc.uint8Array({ maxLength: 200 }), (mark, bytes) => {
        const input = Buffer.concat([Buffer.from(mark), bytes]);
        expect(recoverMessage(input)).toEqual(input);
      }),
    );
  });

  test("does not choke on a large text made to make it search", () => {
    for (const unit of [
      "SSH-VAULT;",
      "SSH-VAULT;AES256;a;b;",
      "AAAA ",
      "BEGIN AGE ENCRYPTED FILE ",
      "\n\n",
      "> ",
      "` ",
      "BEGIN ",
    ]) {
      const input = Buffer.from(`SSH-VAULT;AES256;x;${unit.repeat(cases(10_000, 50_000))}`);
      expect(recoverMessage(input).equals(input)).toBe(true);
    }
  });
});
