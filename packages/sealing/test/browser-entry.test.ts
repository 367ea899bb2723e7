import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "@git-vault/testkit";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";
import { browserSources } from "../../../scripts/sources.mjs";
import * as browserBytes from "../../core/src/bytes/browser.ts";
import * as bytes from "../../core/src/bytes/index.ts";
import * as browser from "../src/crypto/browser.ts";
import * as node from "../src/crypto/index.ts";
import { scrypt } from "../src/crypto/scrypt.ts";
import { makeTestKey } from "./keys.ts";

/*
 * What browsers have in the place of node:crypto and of Buffer gives the same. That the whole of it
 * works in real browsers is shown by the tests of apps/page.
 */

const hex = (value: Uint8Array | null): string | null => value && Buffer.from(value).toString("hex");

test("hashes, HKDF, HMAC and scrypt are those of Node", async () => {
  for (const length of [0, 1, 32, 200]) {
    const [key, message] = [randomBytes(length), randomBytes(300 - length)];
    expect(hex(browser.hmac(key, message))).toBe(hex(node.hmac(key, message)));
    expect(hex(browser.hkdf(key, message, "info", 44))).toBe(hex(node.hkdf(key, message, "info", 44)));
    expect(hex(browser.hkdf(key, message, message))).toBe(hex(node.hkdf(key, message, message)));
    expect(hex(browserBytes.sha256Of(message))).toBe(hex(bytes.sha256Of(message)));
    expect(hex(await browser.scrypt(key, message, 4))).toBe(hex(await scrypt(key, message, 4)));
  }
  expect(hex(browserBytes.sha256Of("é"))).toBe(hex(bytes.sha256Of("é")));
});

test("ChaCha20-Poly1305 opens what the other sealed, and nothing else", () => {
  const [key, nonce, associated] = [randomBytes(32), randomBytes(12), randomBytes(9)];
  for (const length of [0, 1, 64, 1000]) {
    const plaintext = randomBytes(length);
    const sealed = node.sealAead("chacha20-poly1305", key, nonce, plaintext, associated);
    expect(browser.sealAead("chacha20-poly1305", key, nonce, plaintext, associated)).toEqual(sealed);
    expect(browser.openAead("chacha20-poly1305", key, nonce, sealed, associated)).toEqual(plaintext);
    expect(browser.openAead("chacha20-poly1305", key, nonce, sealed)).toBeNull();

    const [ours, theirs] = [Buffer.alloc(length + 20), Buffer.alloc(length + 20)];
    expect(browser.sealChunk(key, nonce, plaintext, ours, 3)).toBe(node.sealChunk(key, nonce, plaintext, theirs, 3));
    expect(ours).toEqual(theirs);
    const chunk = ours.subarray(3, length + 19);
    const out = Buffer.alloc(length + 2);
    expect(browser.openChunk(key, nonce, chunk, out, 2)).toBe(true);
    expect(out.subarray(2)).toEqual(plaintext);
    chunk[0] = (chunk[0] ?? 0) ^ 1;
    out.fill(0);
    expect(browser.openChunk(key, nonce, chunk, out, 2)).toBe(false);
    expect(out.every((byte) => byte === 0)).toBe(true);
  }
});

test("X25519 shares the same secret, and refuses points of low order", () => {
  const [mine, theirs] = [browser.generateX25519(), randomBytes(32)];
  expect(browser.x25519PublicKey(mine)).toEqual(node.x25519PublicKey(mine));
  const point = node.x25519PublicKey(theirs);
  expect(browser.x25519(mine, point)).toEqual(node.x25519(mine, point));
  expect(browser.x25519(browser.publicScalar(mine), point)).toEqual(node.x25519(node.publicScalar(mine), point));
  expect(browser.x25519(mine, Buffer.alloc(32))).toBeNull();
});

test("RSA-OAEP of WebCrypto opens with node:crypto, under its label alone", async () => {
  using folder = temporaryFolder();
  const { publicKey, identity } = await makeTestKey({ type: "rsa", bits: 2048, folder: folder.path });
  if (publicKey.type !== "ssh-rsa") throw new Error("expected an RSA key");
  const stanza = {
    type: "ssh-rsa",
    args: [bytes.sha256Of(publicKey.blob).toString("base64", 0, 4).replace(/=+$/, "")],
  };
  const label = Buffer.from("age-encryption.org/v1/ssh-rsa");
  const fileKey = randomBytes(16);
  const body = await browser.encryptOaep(publicKey, fileKey, label);
  expect(await identity().unwrapFileKey([{ ...stanza, body }])).toEqual(fileKey);
  const other = await browser.encryptOaep(publicKey, fileKey);
  expect(await identity().unwrapFileKey([{ ...stanza, body: other }])).toBeNull();
});

test("bytes are compared whole", () => {
  const some = browser.randomBytes(16);
  expect(browser.timingSafeEqual(some, Buffer.from(some))).toBe(true);
  expect(browser.timingSafeEqual(some, some.with(15, (some[15] ?? 0) ^ 1))).toBe(false);
  expect(() => browser.timingSafeEqual(some, some.subarray(1))).toThrow(RangeError);
});

test("a browser gets no module of Node, and nothing of OpenPGP or private keys", async () => {
  const external: string[] = [];
  const bundle = await rolldown({
    input: fileURLToPath(new URL("../src/browser.ts", import.meta.url)),
    platform: "browser",
    plugins: [browserSources],
    external: (name) => name.startsWith("node:") && external.push(name) > 0,
  });
  const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
  expect(external).toEqual([]);
  const files = output.flatMap((chunk) => ("modules" in chunk ? Object.keys(chunk.modules) : [])).join("\n");
  expect(files).toContain("ssh-stanzas");
  expect(files).not.toMatch(/openpgp|ssh-vault|private|sshpk|ssh-unwrap|rsa-oaep/);
});

test("the faces of both sides have the same functions", () => {
  const names = (side: object): string[] => Object.keys(side).toSorted();
  expect(names(browser)).toEqual([...names(node), "scrypt"].toSorted());
  expect(names(browserBytes)).toEqual(names(bytes));
});
