import { createHash, randomBytes } from "node:crypto";
import { cases, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { open, readHeader, seal, SealingError, sshVaultFingerprint } from "../src/index.ts";
import { rsaKeyObject } from "../src/crypto/rsa-oaep.ts";
import { encodeVault, parseVault } from "../src/ssh-vault/format.ts";
import { LOW_ORDER_MONTGOMERY } from "./low-order.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

let folder: TemporaryFolder;
let ed25519: TestKey;
let rsa: TestKey;
const plaintext = randomBytes(148);
const texts = { ed25519: "", rsa: "" };

beforeAll(async () => {
  folder = temporaryFolder();
  ed25519 = await makeTestKey({ type: "ed25519", folder: folder.path });
  rsa = await makeTestKey({ type: "rsa", bits: 3072, folder: folder.path });
  texts.ed25519 = (await seal(plaintext, [ed25519.recipient], { format: "ssh-vault" })).toString();
  texts.rsa = (await seal(plaintext, [rsa.recipient], { format: "ssh-vault" })).toString();
});
afterAll(() => folder.remove());

const KINDS = ["ed25519", "rsa"] as const;
const keyOf = (kind: (typeof KINDS)[number]): TestKey => (kind === "rsa" ? rsa : ed25519);

/** The text without line ends. */
const flat = (kind: (typeof KINDS)[number]): string => texts[kind].replaceAll("\n", "");

const rewrap = (text: string, columns: number, lineEnd: string): string =>
  (text.match(new RegExp(`.{1,${columns}}`, "gu")) ?? []).join(lineEnd);

const codeOf = (text: string): string => {
  try {
    parseVault(text);
    return "";
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    return error.code;
  }
};

const flipped = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte, index) => (index === 20 ? byte ^ 1 : byte)));

describe.each(KINDS)("a vault for a key of type %s", (kind) => {
  test("opens in lines of any length and with any line end", async () => {
    // The first line holds at least SSH-VAULT;, by which the format is told.
    for (const columns of [10, 17, 63, 65, 76, 100_000]) {
      for (const lineEnd of ["\n", "\r\n"]) {
        const text = `\n \n${rewrap(flat(kind), columns, lineEnd)}\r\n\n`;
        expect(await open(Buffer.from(text), [keyOf(kind).identity()])).toMatchObject({ plaintext });
        expect(encodeVault(parseVault(text))).toBe(texts[kind]);
      }
    }
  });

  test("is read as one stanza", () => {
    const { format, stanzas } = readHeader(Buffer.from(texts[kind]));
    const [stanza] = stanzas;
    expect({ format, count: stanzas.length }).toEqual({ format: "ssh-vault", count: 1 });
    expect(stanza?.type).toBe(kind === "rsa" ? "AES256" : "CHACHA20-POLY1305");
    expect(stanza?.args[0]).toBe(sshVaultFingerprint(keyOf(kind).publicKey));
    expect(stanza?.args).toHaveLength(kind === "rsa" ? 1 : 2);
    expect(stanza?.body).toHaveLength(kind === "rsa" ? 384 : 60);
  });

  test("is malformed with a field too many, too few or empty", () => {
    const text = flat(kind);
    expect(codeOf(`${text};`)).toBe("MALFORMED_MESSAGE");
    expect(codeOf(`${text};QUJD`)).toBe("MALFORMED_MESSAGE");
    const fields = text.split(";");
    for (const index of fields.keys()) {
      expect(codeOf(fields.toSpliced(index, 1).join(";"))).toBe("MALFORMED_MESSAGE");
      expect(codeOf(fields.with(index, "").join(";"))).toBe("MALFORMED_MESSAGE");
    }
  });

  test("is malformed with base64 that is not canonical, or of another alphabet", () => {
    const [head, data] = [flat(kind).slice(0, -4), flat(kind).slice(-4)];
    for (const changed of [data.slice(0, 3), `${data}=`, `${data}A`, "-_-_", "AA=A", "AB==", "A A=", "AAA\0"]) {
      expect(codeOf(head + changed)).toBe("MALFORMED_MESSAGE");
    }
  });

  test("is malformed with data shorter than a nonce and a tag", () => {
    const head = flat(kind).slice(0, flat(kind).lastIndexOf(";") + 1);
    expect(codeOf(head + Buffer.alloc(27).toString("base64"))).toBe("MALFORMED_MESSAGE");
    expect(codeOf(head + Buffer.alloc(28).toString("base64"))).toBe("");
  });

  test("is malformed with another algorithm", () => {
    for (const name of ["AES128", "aes256", "CHACHA20", ""]) {
      expect(codeOf(flat(kind).replace(/^SSH-VAULT;[^;]*/, `SSH-VAULT;${name}`))).toBe("MALFORMED_MESSAGE");
    }
  });

  test("either is refused or opens to what was sealed, after a change of one character", async () => {
    const identity = keyOf(kind).identity();
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 0, max: 127 }), async (at, code) => {
        const index = at % texts[kind].length;
        const text = texts[kind].slice(0, index) + String.fromCharCode(code) + texts[kind].slice(index + 1);
        const result: unknown = await open(Buffer.from(text), [identity]).catch((error: unknown) => error);
        expect(result instanceof SealingError ? { plaintext } : result).toMatchObject({ plaintext });
      }),
      { numRuns: cases(60, 500) },
    );
  });

  test("is tampered with where the password or the data was changed", async () => {
    const vault = parseVault(texts[kind]);
    for (const changed of [
      { ...vault, data: flipped(vault.data) },
      { ...vault, stanza: { ...vault.stanza, body: flipped(vault.stanza.body) } },
    ]) {
      await expect(open(Buffer.from(encodeVault(changed)), [keyOf(kind).identity()])).rejects.toMatchObject({
        code: "TAMPERED_MESSAGE",
      });
    }
  });

  test("names its fingerprint where no identity matches", async () => {
    const other = keyOf(kind === "rsa" ? "ed25519" : "rsa").identity();
    await expect(open(Buffer.from(texts[kind]), [other])).rejects.toMatchObject({
      code: "NO_IDENTITY_MATCHED",
      message: expect.stringContaining(sshVaultFingerprint(keyOf(kind).publicKey)),
    });
  });
});

describe("a vault for an Ed25519 key", () => {
  test("is malformed with a fingerprint of another shape", () => {
    const fields = flat("ed25519").split(";");
    const digest = fields[2]?.slice(7) ?? "";
    for (const changed of [digest, `MD5:${digest}`, `SHA256:${digest}=`, `SHA256:${digest.slice(1)}`, "SHA256:"]) {
      expect(codeOf(fields.with(2, changed).join(";"))).toBe("MALFORMED_MESSAGE");
    }
  });

  test.each(LOW_ORDER_MONTGOMERY)("is malformed with a public key of low order: %s", async (point) => {
    const text = flat("ed25519").split(";").with(3, Buffer.from(point, "hex").toString("base64")).join(";");
    await expect(open(Buffer.from(text), [ed25519.identity()])).rejects.toMatchObject({ code: "MALFORMED_MESSAGE" });
  });

  test("holds a password of exactly 60 bytes and a public key of 32", () => {
    const fields = flat("ed25519").split(";");
    for (const length of [0, 31, 33]) {
      expect(codeOf(fields.with(3, Buffer.alloc(length).toString("base64")).join(";"))).toBe("MALFORMED_MESSAGE");
    }
    for (const length of [0, 57, 63]) {
      expect(codeOf(fields.with(4, Buffer.alloc(length).toString("base64")).join(";"))).toBe("MALFORMED_MESSAGE");
    }
  });
});

describe("a vault for an RSA key", () => {
  test("is malformed with a fingerprint of another shape", () => {
    const text = flat("rsa");
    const fingerprint = sshVaultFingerprint(rsa.publicKey);
    for (const changed of [`AB${fingerprint.slice(2)}`, fingerprint.replaceAll(":", ""), fingerprint.slice(3)]) {
      expect(codeOf(text.replace(fingerprint, changed))).toBe("MALFORMED_MESSAGE");
    }
  });

  test("holds a password as long as the modulus", async () => {
    const vault = parseVault(texts.rsa);
    const changed = { ...vault, stanza: { ...vault.stanza, body: randomBytes(256) } };
    await expect(open(Buffer.from(encodeVault(changed)), [rsa.identity()])).rejects.toMatchObject({
      code: "MALFORMED_MESSAGE",
    });
  });
});

test("any bytes after the first field are malformed", () => {
  fc.assert(
    fc.property(fc.string(), (noise) => {
      expect(codeOf(`SSH-VAULT;${noise}`)).toBe("MALFORMED_MESSAGE");
    }),
  );
});

test("what is written parses to the same fields", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 28, maxLength: 300 }), fc.boolean(), (bytes, isRsa) => {
      const data = Buffer.from(bytes);
      const stanza = isRsa
        ? { type: "AES256", args: [sshVaultFingerprint(rsa.publicKey)], body: randomBytes(256) }
        : {
            type: "CHACHA20-POLY1305",
            args: [sshVaultFingerprint(ed25519.publicKey), randomBytes(32).toString("base64")],
            body: randomBytes(60),
          };
      expect(parseVault(encodeVault({ stanza, data }))).toEqual({ stanza, data });
    }),
  );
});

test("the fingerprint of an Ed25519 key is the one that ssh-keygen prints", () => {
  expect(sshVaultFingerprint(ed25519.publicKey)).toBe(ed25519.publicKey.fingerprint);
});

test("the fingerprint of an RSA key is the MD5 of its SubjectPublicKeyInfo", () => {
  if (rsa.publicKey.type !== "ssh-rsa") throw new Error("not an RSA key");
  const der = rsaKeyObject(rsa.publicKey).export({ format: "der", type: "spki" });
  const pairs = [...createHash("md5").update(der).digest()].map((byte) => byte.toString(16).padStart(2, "0"));
  expect(sshVaultFingerprint(rsa.publicKey)).toBe(pairs.join(":"));
});
