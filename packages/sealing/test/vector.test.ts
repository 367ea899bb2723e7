import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readPrivateKey, type Ed25519PublicKey } from "@git-vault/keys";
import { peer, runOk, temporaryFolder } from "@git-vault/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { writeFileSync } from "node:fs";
import { encodeHeader, parseHeader } from "../src/age/header.ts";
import { hkdf } from "../src/crypto/index.ts";
import { open, SshIdentity } from "../src/index.ts";
import { wrapToEd25519 } from "../src/age/ssh-stanzas.ts";
import { montgomeryOfEdwards } from "../src/crypto/montgomery.ts";
import { x25519, x25519PublicKey, x25519ScalarOfSeed } from "../src/crypto/x25519.ts";
import { openPayload, sealPayload } from "./whole.ts";

const KEY_PATH = new URL("vectors/age-test-key-ed25519", import.meta.url);
const TEXT = readFileSync(new URL("vectors/age-ssh-ed25519.json", import.meta.url), "utf8");
const texts = new Map<string, string>(Object.entries<string>(JSON.parse(TEXT)));
const hex = (name: string): Buffer => Buffer.from(texts.get(name) ?? "", "hex");

describe("the age message to age's published Ed25519 key", () => {
  let publicKey: Ed25519PublicKey;
  let seed: Buffer;
  let message: Buffer;

  beforeAll(async () => {
    const key = await readPrivateKey(readFileSync(KEY_PATH)).unlock();
    if (key.type !== "ssh-ed25519") throw new Error("the vector's key is not Ed25519");
    ({ publicKey, seed } = key);
    const stanza = wrapToEd25519(publicKey, hex("fileKey"), hex("ephemeral"));
    message = Buffer.concat([
      encodeHeader([stanza], hex("fileKey")),
      sealPayload(hex("fileKey"), hex("plaintext"), hex("nonce")),
    ]);
  });

  test("has the values of the vector at each step of the sender", () => {
    expect(publicKey.blob).toEqual(hex("blob"));
    expect(montgomeryOfEdwards(publicKey.point)).toEqual(hex("montgomery"));
    expect(x25519PublicKey(hex("ephemeral"))).toEqual(hex("share"));
    expect(x25519(hex("ephemeral"), hex("montgomery"))).toEqual(hex("s0"));
    const tweak = hkdf(Buffer.alloc(0), publicKey.blob, "age-encryption.org/v1/ssh-ed25519");
    expect(tweak).toEqual(hex("tweak"));
    expect(x25519(tweak, hex("s0"))).toEqual(hex("s"));
    const salt = Buffer.concat([hex("share"), hex("montgomery")]);
    expect(hkdf(hex("s"), salt, "age-encryption.org/v1/ssh-ed25519")).toEqual(hex("wrapKey"));
    expect(hkdf(hex("fileKey"), hex("nonce"), "payload")).toEqual(hex("payloadKey"));
  });

  test("has the same secret on the receiver's side", () => {
    const scalar = x25519ScalarOfSeed(seed);
    expect(x25519PublicKey(scalar)).toEqual(hex("montgomery"));
    expect(x25519(scalar, hex("share"))).toEqual(hex("s0"));
  });

  test("is sealed to the vector's bytes", () => {
    const header = parseHeader(message);
    expect(header.stanzas).toEqual([
      { type: "ssh-ed25519", args: ["cp09gQ", hex("share").toString("base64").replace(/=$/, "")], body: hex("body") },
    ]);
    expect(header.mac).toEqual(hex("mac"));
    expect(message.subarray(header.length)).toEqual(Buffer.concat([hex("nonce"), hex("payload")]));
    expect(openPayload(hex("fileKey"), message.subarray(header.length))).toEqual(hex("plaintext"));
  });

  test("is opened with the key file", async () => {
    const { plaintext, format } = await open(message, [new SshIdentity(readPrivateKey(readFileSync(KEY_PATH)))]);
    expect({ text: plaintext.toString(), format }).toEqual({ text: "age", format: "age" });
  });

  const age = peer("age");
  test.skipIf(age.missing)(`is opened by ${age.label}`, async () => {
    using folder = temporaryFolder();
    const keyPath = `${folder.path}/key`;
    writeFileSync(keyPath, readFileSync(KEY_PATH), { mode: 0o600 });
    expect(await runOk(age.path, ["-d", "-i", keyPath], { input: message })).toEqual(hex("plaintext"));
  });

  test("is tagged with the start of the digest of the blob", () => {
    const digest = createHash("sha256").update(hex("blob")).digest();
    expect(digest.subarray(0, 4).toString("base64")).toBe(`${texts.get("tag")}==`);
  });
});
