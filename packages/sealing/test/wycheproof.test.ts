import { createPrivateKey, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { parsePublicKey, type RsaPrivateKey } from "@git-vault/keys";
import { describe, expect, test } from "vitest";
import { hkdf, openAead, sealAead } from "../src/crypto/index.ts";
import { decryptOaep, encryptOaepSync } from "../src/crypto/rsa-oaep.ts";
import { montgomeryOfEdwards } from "../src/crypto/montgomery.ts";
import { x25519 } from "../src/crypto/x25519.ts";

/** The fields that all vectors share, besides those of one kind, which are bytes in hex. */
type Vector<Fields extends string> = Readonly<Record<Fields, string>> & {
  readonly tcId: number;
  readonly flags?: readonly string[];
  readonly result: "valid" | "invalid" | "acceptable";
};
type Group<Fields extends string> = { readonly tests: readonly Vector<Fields>[] };

const groupsOf = (name: string) =>
  JSON.parse(readFileSync(new URL(`vectors/wycheproof/${name}.json`, import.meta.url), "utf8"));
const vectorsOf = <Fields extends string>(name: string): readonly Vector<Fields>[] => {
  const [{ tests }]: [Group<Fields>] = groupsOf(name);
  return tests;
};
const hex = (text: string): Buffer => Buffer.from(text, "hex");

const P = 2n ** 255n - 19n;
const power = (base: bigint, exponent: bigint): bigint => {
  if (exponent === 0n) return 1n;
  const half = power((base * base) % P, exponent >> 1n);
  return (exponent & 1n) === 1n ? (half * base) % P : half;
};
const littleEndian = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes.toReversed()).toString("hex")}`);

/**
 * The Edwards y-coordinate (u - 1) / (u + 1) of a Montgomery u-coordinate (RFC 7748 section 4.1),
 * as an SSH public key.
 */
const edwardsOf = (u: Buffer): Buffer => {
  const value = (littleEndian(u) & (2n ** 255n - 1n)) % P;
  const y = ((value + P - 1n) * power(value + 1n, P - 2n)) % P;
  return Buffer.from(hex(y.toString(16).padStart(64, "0")).toReversed());
};
const sshLine = (point: Buffer): string =>
  `ssh-ed25519 ${Buffer.concat([hex("0000000b7373682d6564323535313900000020"), point]).toString("base64")}`;

describe("X25519 as Wycheproof tests it", () => {
  const vectors = vectorsOf<"public" | "private" | "shared">("x25519");
  const has = (flag: string) => vectors.filter(({ flags = [] }) => flags.includes(flag));

  test.each(vectors)("gives the shared secret, or none for a point of low order: $tcId $flags", (vector) => {
    const isZero = vector.flags?.includes("ZeroSharedSecret") === true;
    const secret = x25519(hex(vector.private), hex(vector.public));
    expect(secret?.toString("hex") ?? null).toBe(isZero ? null : vector.shared);
  });

  test("covers points of low order, of the twist and in non-canonical form", () => {
    expect(
      [has("ZeroSharedSecret"), has("Twist"), has("NonCanonicalPublic")].map(({ length }) => length >= 19),
    ).toEqual([true, true, true]);
    expect(vectors.filter(({ shared }) => /^0+$/.test(shared))).toEqual(has("ZeroSharedSecret"));
  });

  const isUnusable = ({ flags = [] }: (typeof vectors)[number]): boolean =>
    flags.includes("Twist") || flags.includes("LowOrderPublic");

  test.each(vectors.filter(isUnusable))(
    "takes its point as no SSH key, of the twist or of low order: $tcId $flags",
    (vector) => {
      expect(() => parsePublicKey(sshLine(edwardsOf(hex(vector.public))))).toThrow(
        expect.objectContaining({ name: "KeyError" }),
      );
    },
  );

  test.each(vectors.filter((vector) => !isUnusable(vector)))(
    "takes its point as an SSH key and back: $tcId $flags",
    (vector) => {
      const point = edwardsOf(hex(vector.public));
      expect(parsePublicKey(sshLine(point))).toMatchObject({ type: "ssh-ed25519", point });
      expect(x25519(hex(vector.private), montgomeryOfEdwards(point))?.toString("hex")).toBe(vector.shared);
    },
  );
});

test.each(vectorsOf<"publicKey">("ed25519"))("an Ed25519 key of Wycheproof's is taken: $publicKey", ({ publicKey }) => {
  expect(parsePublicKey(sshLine(hex(publicKey)))).toMatchObject({ point: hex(publicKey) });
});

describe.each(["chacha20-poly1305", "aes-256-gcm"] as const)("%s as Wycheproof tests it", (aead) => {
  const vectors = vectorsOf<"key" | "iv" | "aad" | "msg" | "ct" | "tag">(aead);

  test.each(vectors)("opens what is valid and nothing else: $tcId $flags $result", (vector) => {
    const [key, nonce, associated, message] = [hex(vector.key), hex(vector.iv), hex(vector.aad), hex(vector.msg)];
    const sealed = hex(vector.ct + vector.tag);
    const opened = openAead(aead, key, nonce, sealed, associated);
    expect(opened?.toString("hex") ?? null).toBe(vector.result === "valid" ? vector.msg : null);
    expect(sealAead(aead, key, nonce, message, associated).equals(sealed)).toBe(vector.result === "valid");
  });
});

test.each(vectorsOf<"ikm" | "salt" | "info" | "okm">("hkdf-sha256"))(
  "HKDF gives the first 32 bytes that Wycheproof expects: $tcId $flags",
  ({ ikm, salt, info, okm }) => {
    const output = hkdf(hex(ikm), hex(salt), hex(info));
    expect(output).toHaveLength(32);
    expect(output.toString("hex", 0, okm.length / 2)).toBe(okm);
  },
);

type OaepGroup = Group<"msg" | "ct" | "label"> & { readonly keySize: number; readonly privateKeyPkcs8: string };
const OAEP_GROUPS: readonly OaepGroup[] = groupsOf("rsa-oaep-sha256");

describe.each(OAEP_GROUPS)("RSA-OAEP of $keySize bits as Wycheproof tests it", ({ privateKeyPkcs8, tests }) => {
  const key = createPrivateKey({ key: hex(privateKeyPkcs8), format: "der", type: "pkcs8" });
  const { n = "", e = "" } = createPublicKey(key).export({ format: "jwk" });
  const [modulus, exponent] = [Buffer.from(n, "base64url"), Buffer.from(e, "base64url")];
  const blank = { blob: Buffer.alloc(0), fingerprint: "", comment: "" };
  const publicKey = { type: "ssh-rsa", modulus, exponent, bits: modulus.length * 8, ...blank } as const;
  const privateKey: RsaPrivateKey = { type: "ssh-rsa", publicKey, key };

  test.each(tests)("decrypts what is valid and nothing else: $tcId $flags $result", ({ result, msg, ct, label }) => {
    const message = decryptOaep(privateKey, hex(ct), hex(label));
    expect(message?.toString("hex") ?? null).toBe(result === "valid" ? msg : null);
  });

  const valid = tests.filter(({ result }) => result === "valid");
  test.each(valid)("decrypts under its label what is encrypted again: $tcId $flags", ({ msg, label }) => {
    const sealed = encryptOaepSync(publicKey, hex(msg), hex(label));
    expect(sealed).toHaveLength(modulus.length);
    expect(decryptOaep(privateKey, sealed, hex(label))?.toString("hex")).toBe(msg);
    expect(decryptOaep(privateKey, sealed, hex(`${label}00`))).toBeNull();
  });
});
