import { temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { wrapToRsa } from "../src/age/ssh-stanzas.ts";
import { open, seal, SshRecipient, type Identity } from "../src/index.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

/*
 * Checks that sound messages never meet, each with the words of its own refusal.
 */

const secret = Buffer.from("a secret");
let folder: TemporaryFolder;
let ed25519: TestKey;

beforeAll(async () => {
  folder = temporaryFolder();
  ed25519 = await makeTestKey({ type: "ed25519", folder: folder.path });
});
afterAll(() => folder.remove());

test("an identity that gives a vault's password in another length is refused", async () => {
  const message = await seal(secret, [ed25519.recipient], { format: "ssh-vault" });
  const identity: Identity = { unwrapFileKey: async () => Buffer.alloc(16) };
  await expect(open(message, [identity])).rejects.toMatchObject({
    code: "MALFORMED_MESSAGE",
    message: "malformed message: its message key is 16 bytes instead of 32",
  });
});

test("no identity is tried on armor without its end line", async () => {
  const message = (await seal(secret, [ed25519.recipient])).toString();
  const identity = { unwrapFileKey: vi.fn<Identity["unwrapFileKey"]>(async () => null) };
  await expect(open(Buffer.from(message.replace(/-----END.*\n$/, "")), [identity])).rejects.toMatchObject({
    code: "MALFORMED_MESSAGE",
  });
  expect(identity.unwrapFileKey).not.toHaveBeenCalled();
  await expect(open(Buffer.from(message), [identity])).rejects.toMatchObject({ code: "NO_IDENTITY_MATCHED" });
  expect(identity.unwrapFileKey).toHaveBeenCalledOnce();
});

test("an RSA key is sealed to from 2048 bits, or from 1024 where weak ones are allowed, to 8192", async () => {
  const { publicKey } = await makeTestKey({ type: "rsa", bits: 2048, name: "bounds", folder: folder.path });
  if (publicKey.type !== "ssh-rsa") throw new Error("expected an RSA key");
  for (const [least, allowWeak] of [
    [2048, false],
    [1024, true],
  ] as const) {
    const of = (bits: number) => () => new SshRecipient({ ...publicKey, bits }, { allowWeak });
    for (const bits of [least, 8192]) expect(of(bits)().publicKey).toMatchObject({ bits });
    for (const bits of [least - 1, 8193]) expect(of(bits)).toThrow(`to seal to, got one of ${bits} bits`);
  }
});

test("a file key of another length in an RSA stanza is refused by the identity itself", async () => {
  const rsa = await makeTestKey({ type: "rsa", bits: 2048, folder: folder.path });
  if (rsa.publicKey.type !== "ssh-rsa") throw new Error("expected an RSA key");
  const identity = rsa.identity();
  const sound = await wrapToRsa(rsa.publicKey, Buffer.alloc(16, 7));
  const long = await wrapToRsa(rsa.publicKey, Buffer.alloc(17, 7));
  await expect(identity.unwrapFileKey([long])).rejects.toMatchObject({
    code: "MALFORMED_MESSAGE",
    message: "malformed message: an ssh-rsa recipient holds a file key that is not 16 bytes",
  });
  expect(await identity.unwrapFileKey([long, sound])).toEqual(Buffer.alloc(16, 7));
});
