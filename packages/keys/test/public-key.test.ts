import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import {
  KeyError,
  encodePublicKey,
  parsePublicKey,
  readPublicKeys,
  whyUnusable,
  type SshPublicKey,
} from "../src/index.ts";
import { sameKey } from "../src/public/public-key.ts";
import { wireMpint, wireString } from "../src/wire.ts";
import { makeKey, peerFingerprint, sshKeygen, type MadeKey } from "./make-key.ts";
import { expect, keyErrorOf } from "./matchers.ts";

const vector = (name: string): string => join(import.meta.dirname, "vectors", name);
const points = JSON.parse(readFileSync(vector("ed25519-points.json"), "utf8")) as { point: string; verdict: string }[];

const ed25519Line = (point: Uint8Array): string =>
  `ssh-ed25519 ${Buffer.concat([wireString("ssh-ed25519"), wireString(point)]).toString("base64")}`;
const soundPoint = Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex");
const soundLine = ed25519Line(soundPoint);
const soundBase64 = soundLine.split(" ")[1] ?? "";

const rsaLine = (...fields: readonly Buffer[]): string =>
  `ssh-rsa ${Buffer.concat([wireString("ssh-rsa"), ...fields]).toString("base64")}`;
const e65537 = Buffer.of(1, 0, 1);
/**
 * A number of so many bits, odd unless told otherwise; it needs not be a product of two primes to
 * be parsed.
 */
const modulus = (bits: number, last = 1): Buffer => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0x5a);
  bytes[0] = 1 << ((bits - 1) % 8);
  bytes[bytes.length - 1] = last;
  return bytes;
};

describe.skipIf(sshKeygen.missing)(`public keys of ${sshKeygen.label}`, () => {
  const folder = temporaryFolder();
  const made = new Map<string, MadeKey>();
  const kinds = [
    ["ed25519", undefined],
    ["rsa", 1024],
    ["rsa", 2048],
    ["rsa", 3072],
    ["rsa", 4096],
    ["ecdsa", 256],
    ["ecdsa", 384],
    ["ecdsa", 521],
  ] as const;
  const names = kinds.map(([type, bits]) => `${type}${bits ?? ""}`);

  beforeAll(async () => {
    for (const [type, bits] of kinds) {
      const name = `${type}${bits ?? ""}`;
      made.set(name, await makeKey(folder.path, name, { type, ...(bits && { bits }), comment: `the ${name} key` }));
    }
    await runOk(sshKeygen.path, ["-q", "-t", "ed25519", "-N", "", "-f", join(folder.path, "ca")]);
    for (const name of ["ed25519", "rsa2048", "ecdsa256"]) {
      await runOk(sshKeygen.path, ["-q", "-s", join(folder.path, "ca"), "-I", "id", join(folder.path, `${name}.pub`)]);
    }
    for (const name of ["sk-ed25519", "sk-ecdsa"]) {
      writeFileSync(join(folder.path, `${name}.pub`), readFileSync(vector(`${name}.pub`)));
      await runOk(sshKeygen.path, ["-q", "-s", join(folder.path, "ca"), "-I", "id", join(folder.path, `${name}.pub`)]);
    }
  });
  afterAll(() => folder.remove());

  test.each(names)("%s has the fingerprint that ssh-keygen prints, and its comment", async (name) => {
    const [entry] = readPublicKeys(made.get(name)?.publicLine ?? "");
    expect(entry?.fingerprint).toBe(await peerFingerprint(join(folder.path, `${name}.pub`)));
    expect(entry?.comment).toBe(`the ${name} key`);
    expect(entry?.line).toBe(1);
  });

  test.each(["ed25519", "rsa1024", "rsa2048", "rsa3072", "rsa4096"])(
    "%s encodes to the very line it was parsed from",
    (name) => {
      const line = made.get(name)?.publicLine ?? "";
      const key = parsePublicKey(line);
      expect(encodePublicKey(key)).toBe(line);
      expect(readPublicKeys(`${line}\n`)[0]?.key).toEqual(key);
    },
  );

  test.each([1024, 2048, 3072, 4096])("an RSA key of %i bits knows its size", (bits) => {
    const key = parsePublicKey(made.get(`rsa${bits}`)?.publicLine ?? "");
    expect(key).toMatchObject({ type: "ssh-rsa", bits, exponent: e65537 });
  });

  test("RSA under 2048 bits parses, and is unusable", () => {
    const [entry] = readPublicKeys(made.get("rsa1024")?.publicLine ?? "");
    expect(entry?.key?.type).toBe("ssh-rsa");
    expect(entry?.unusable).toBe("RSA of 1024 bits is under the minimum of 2048");
  });

  test.each(["ecdsa256", "ecdsa384", "ecdsa521"])("%s is refused by name", async (name) => {
    const line = made.get(name)?.publicLine ?? "";
    const type = line.split(" ")[0] ?? "";
    expect(readPublicKeys(line)[0]).toMatchObject({ type, key: null, unusable: "ECDSA keys can only sign" });
    await expect(() => parsePublicKey(line)).toFailWith(
      "UNSUPPORTED_KEY",
      `${type} keys cannot open or receive messages: ECDSA`,
    );
  });

  test.each(["sk-ed25519", "sk-ecdsa"])("%s is refused by name and has its fingerprint", async (name) => {
    const line = readFileSync(vector(`${name}.pub`), "utf8");
    const [entry] = readPublicKeys(line);
    expect(entry).toMatchObject({ key: null, unusable: "FIDO keys can only sign", comment: "token" });
    expect(entry?.fingerprint).toBe(await peerFingerprint(vector(`${name}.pub`)));
    await expect(() => parsePublicKey(line)).toFailWith("UNSUPPORTED_KEY", `${line.split(" ")[0]} keys cannot`);
  });

  test.each(["ed25519", "rsa2048", "ecdsa256", "sk-ed25519", "sk-ecdsa"])(
    "a certificate of %s is refused and has the fingerprint of the key in it",
    async (name) => {
      const path = join(folder.path, `${name}-cert.pub`);
      const line = readFileSync(path, "utf8");
      const [entry] = readPublicKeys(line);
      expect(entry).toMatchObject({ key: null, unusable: "certificates can only sign" });
      expect(entry?.fingerprint).toBe(await peerFingerprint(path));
      await expect(() => parsePublicKey(line)).toFailWith("UNSUPPORTED_KEY", "certificates can only sign");
    },
  );
});

describe("a public key line", () => {
  test.each([
    ["no options", ""],
    ["a plain option", "no-pty "],
    ["several options", "restrict,pty\t"],
    ["a quoted command with blanks", 'command="echo hello world",no-pty '],
    ["quotes inside quotes", String.raw`command="say \"ssh-rsa AAAA\" now" `],
    ["a comma and a number sign in quotes", 'environment="A=#1, 2" '],
    ["a quoted cert-authority", 'command="x,cert-authority,y" '],
    ["blanks before", "  \t"],
  ])("may begin with %s", (_, options) => {
    const key = parsePublicKey(`${options}${soundLine}   two words  `);
    expect(key).toMatchObject({ type: "ssh-ed25519", point: soundPoint, comment: "two words" });
  });

  test("may be without a comment", () => {
    expect(encodePublicKey(parsePublicKey(soundLine))).toBe(soundLine);
  });

  test.each(["cert-authority", 'from="a b",cert-authority', "CERT-AUTHORITY,no-pty"])(
    "that makes the key an authority (%s) is unusable",
    async (options) => {
      expect(readPublicKeys(`${options} ${soundLine}`)[0]?.unusable).toMatch("certificate authority");
      await expect(() => parsePublicKey(`${options} ${soundLine}`)).toFailWith(
        "UNSUPPORTED_KEY",
        "certificate authority",
      );
    },
  );

  test("loses the control characters and direction marks of its comment", () => {
    expect(parsePublicKey(`${soundLine} a\u001b[31mb\u202ec\u0085d\u2028e`).comment).toBe("a[31mbcde");
  });

  test.each([
    ["nothing", "", "empty line"],
    ["a comment", "# a comment", "not an SSH public key"],
    ["two lines", `${soundLine}\n${soundLine}`, "several lines"],
    ["a lone type", "ssh-ed25519", "ends too early"],
    ["base64 with padding too many", soundLine.replace(/$/, "="), "canonical base64"],
    ["URL-safe base64", `ssh-rsa ${"_".repeat(40)}`, "canonical base64"],
    ["loose bits in base64", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==".replace("IA==", "IB=="), "canonical base64"],
    [
      "an inner type that differs",
      soundLine.replace("ssh-ed25519", "ssh-rsa"),
      "the key itself has another type than the line says",
    ],
    ["no fields", `ssh-ed25519 ${wireString("ssh-ed25519").toString("base64")}`, "ends too early"],
    ["a point of 31 bytes", ed25519Line(soundPoint.subarray(1)), "expected a point of 32 bytes, got 31"],
    [
      "bytes after the key",
      `ssh-ed25519 ${Buffer.concat([Buffer.from(soundBase64, "base64"), Buffer.of(0)]).toString("base64")}`,
      "1 bytes are left over",
    ],
    ["an RSA number that is negative", rsaLine(wireString(e65537), wireString(modulus(2048))), "negative"],
    [
      "an RSA number with a zero byte too many",
      rsaLine(wireString(Buffer.of(0, 1, 0, 1)), wireMpint(modulus(2048))),
      "not in its shortest form",
    ],
    ["an RSA number that is zero", rsaLine(wireString(""), wireMpint(modulus(2048))), "zero"],
    ["an RSA number that is a zero byte", rsaLine(wireString(Buffer.of(0)), wireMpint(modulus(2048))), "shortest form"],
    [
      "an ECDSA key without its point",
      `ecdsa-sha2-nistp256 ${wireString("ecdsa-sha2-nistp256").toString("base64")}`,
      "ends too",
    ],
    [
      "bytes after an ECDSA key",
      `ecdsa-sha2-nistp256 ${Buffer.concat(["ecdsa-sha2-nistp256", "nistp256", "point", ""].map(wireString)).toString("base64")}`,
      "4 bytes are left over",
    ],
    ["a line over 8 KiB", `${soundLine} ${"x".repeat(8192)}`, "too long"],
    ["prose", "the quick brown fox", "not an SSH public key"],
  ])("with %s is malformed", async (_, line, message) => {
    await expect(() => parsePublicKey(line)).toFailWith("MALFORMED_KEY", message);
  });

  test("of a type not known here is told apart from garbage", async () => {
    const line = `ssh-future@example.org ${Buffer.concat([wireString("ssh-future@example.org"), Buffer.of(1)]).toString("base64")}`;
    expect(readPublicKeys(line)[0]).toMatchObject({
      type: "ssh-future@example.org",
      key: null,
      unusable: "this type of key is unknown",
    });
    await expect(() => parsePublicKey(line)).toFailWith("UNSUPPORTED_KEY", "these keys cannot");
  });

  test("that is no string is a TypeError", () => {
    expect(() => parsePublicKey(7 as unknown as string)).toThrow(TypeError);
  });
});

const whyUnusableRsa = (e: Buffer, n: Buffer): string | null =>
  whyUnusable(parsePublicKey(rsaLine(wireMpint(e), wireMpint(n))));

describe("an RSA public key", () => {
  test.each([
    ["2047 bits", e65537, modulus(2047), "RSA of 2047 bits is under the minimum of 2048"],
    ["8193 bits", e65537, modulus(8193), "RSA of 8193 bits is over the maximum of 8192"],
    ["an even modulus", e65537, modulus(2048, 2), "its RSA modulus is even"],
    ["the exponent 1", Buffer.of(1), modulus(2048), "its RSA exponent is 1"],
    ["the exponent 2", Buffer.of(2), modulus(2048), "its RSA exponent is even"],
    ["an exponent of 65 bits", modulus(65), modulus(2048), "its RSA exponent of 65 bits is over the maximum of 64"],
    ["2048 bits", e65537, modulus(2048), null],
    ["8192 bits", e65537, modulus(8192), null],
    ["the exponent 3", Buffer.of(3), modulus(2048), null],
    ["an exponent of 64 bits", modulus(64), modulus(2048), null],
  ])("with %s is rightly usable or not", (_, e, n, expected) => {
    expect(whyUnusableRsa(e, n)).toBe(expected);
  });

  test.each([1023, 16_385])("of %i bits does not parse", async (bits) => {
    const line = rsaLine(wireMpint(e65537), wireMpint(modulus(bits)));
    await expect(() => parsePublicKey(line)).toFailWith("UNSUPPORTED_KEY", `RSA of ${bits} bits`);
    expect(readPublicKeys(line)[0]).toMatchObject({ type: "ssh-rsa", key: null });
    expect(readPublicKeys(line)[0]?.unusable).toMatch(`RSA of ${bits} bits`);
    expect(readPublicKeys(line)[0]?.fingerprint).toMatch(/^SHA256:/);
  });
});

describe("an Ed25519 public key", () => {
  test.each(points.filter(({ verdict }) => verdict === "sound"))("with the point $point is sound", ({ point }) => {
    const line = ed25519Line(Buffer.from(point, "hex"));
    expect(encodePublicKey(parsePublicKey(line))).toBe(line);
  });

  test.each(points.filter(({ verdict }) => verdict !== "sound"))(
    "with the point $point is $verdict",
    async ({ point, verdict }) => {
      const line = ed25519Line(Buffer.from(point, "hex"));
      await expect(() => parsePublicKey(line)).toFailWith(
        "MALFORMED_KEY",
        verdict.replace("not canonical", "not in canonical"),
      );
    },
  );
});

describe("a text of public keys", () => {
  test("is read line by line, and a bad line stops nothing", () => {
    const text = `\u{FEFF}# keys\r\n\r\n${soundLine} one\r\nnonsense CANARY\n  ${soundLine} two\n\t\nssh-rsa CANARY three`;
    const entries = readPublicKeys(text);
    expect(entries.map(({ line, type, comment }) => [line, type, comment])).toEqual([
      [3, "ssh-ed25519", "one"],
      [4, "unknown", ""],
      [5, "ssh-ed25519", "two"],
      [7, "ssh-rsa", "three"],
    ]);
    expect(entries[1]).toMatchObject({ fingerprint: null, key: null, unusable: "this line is not an SSH public key" });
    expect(entries[3]?.unusable).toMatch("malformed ssh-rsa key");
    expect(entries.map(({ unusable }) => unusable).join(" ")).not.toMatch("CANARY");
    const [one, two] = [entries[0]?.key, entries[2]?.key];
    expect(one && two && sameKey(one, two)).toBe(true);
  });

  test.each(["", "\n\n", "# nothing\n"])("may hold no key: %j", (text) => {
    expect(readPublicKeys(text)).toEqual([]);
  });

  test("may have many lines up to 1 MiB", async () => {
    const line = `${soundLine}\n`;
    const most = Math.floor((1024 * 1024) / line.length);
    expect(readPublicKeys(line.repeat(20))).toHaveLength(20);
    await expect(() => readPublicKeys(line.repeat(most + 1))).toFailWith(
      "MALFORMED_KEY",
      "expected at most 1048576 characters",
    );
  });

  test.each([
    ["binary data", "ssh-rsa \0\u0001", "binary"],
    ["an OpenSSH private key", "-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY\n", "got a private key"],
    ["a PEM private key", "\n-----BEGIN RSA PRIVATE KEY-----\nCANARY\n", "got a private key"],
    ["a PuTTY private key", "PuTTY-User-Key-File-3: ssh-ed25519\n", "got a private key"],
    ["an age identity", "# created\nAGE-SECRET-KEY-1CANARY\n", "got a private key"],
  ])("that is %s is refused whole", async (_, text, message) => {
    await expect(() => readPublicKeys(text)).toFailWith("MALFORMED_KEY", message);
  });
});

const keyOrError = async (line: string): Promise<KeyError | SshPublicKey> => {
  try {
    return parsePublicKey(line);
  } catch {
    return await keyErrorOf(() => parsePublicKey(line));
  }
};

describe("whatever comes", () => {
  const anyLine = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => `ssh-rsa ${Buffer.from(bytes).toString("base64")}`),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => ed25519Line(bytes)),
    fc.tuple(fc.nat({ max: soundLine.length }), fc.string()).map(([at, text]) => soundLine.slice(0, at) + text),
  );

  test("a line parses and encodes to a line that parses the same, or throws a KeyError", async () => {
    await fc.assert(
      fc.asyncProperty(anyLine, async (line) => {
        const key = await keyOrError(line);
        const outcome = key instanceof KeyError ? key.code : parsePublicKey(encodePublicKey(key));
        expect(["MALFORMED_KEY", "UNSUPPORTED_KEY", key]).toContainEqual(outcome);
      }),
      { numRuns: 500 },
    );
  });

  test("a canonical line encodes to the same bytes", () => {
    const odd = fc.uint8Array({ minLength: 128, maxLength: 600 }).map((bytes) => {
      const magnitude = Buffer.from(bytes);
      magnitude[0] = (magnitude[0] ?? 0) | 0x80;
      return magnitude;
    });
    const comment = fc.stringMatching(/^[!-~]+( [!-~]+)*$/);
    fc.assert(
      fc.property(odd, fc.constantFrom(e65537, Buffer.of(3), Buffer.of(0xff, 1)), comment, (n, e, text) => {
        const line = `${rsaLine(wireMpint(e), wireMpint(n))} ${text}`;
        expect(encodePublicKey(parsePublicKey(line))).toBe(line);
      }),
    );
  });

  test("every truncation and every changed character of a line is an error, or gives the same key", async () => {
    for (let at = 0; at < soundLine.length; at += 1) {
      expect((await keyErrorOf(() => parsePublicKey(soundLine.slice(0, at)))).code).toBe("MALFORMED_KEY");
      const changed = `${soundLine.slice(0, at)}!${soundLine.slice(at + 1)}`;
      expect((await keyErrorOf(() => parsePublicKey(changed))).code).toBe("MALFORMED_KEY");
    }
  });
});
