import { randomBytes } from "node:crypto";
import { armor, Decrypter, Encrypter, Stanza } from "age-encryption";
import { temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { open, seal } from "../src/index.ts";
import { makeTestKey, type TestKey } from "./keys.ts";

/*
 * typage knows no SSH keys but takes recipients and identities of other kinds, such as ours.
 */

let folder: TemporaryFolder;
let keys: TestKey[];

beforeAll(async () => {
  folder = temporaryFolder();
  keys = [
    await makeTestKey({ type: "ed25519", folder: folder.path }),
    await makeTestKey({ type: "rsa", bits: 3072, folder: folder.path }),
  ];
});
afterAll(() => folder.remove());

const CHUNK = 64 * 1024;

describe.each([0, 1, 148, CHUNK - 1, CHUNK, CHUNK + 1, 256 * CHUNK, 256 * CHUNK + 1])(
  "beside typage, a message of %i bytes",
  (size) => {
    const plaintext = randomBytes(size);

    test("that typage wrote to our recipients is opened by us", async () => {
      const encrypter = new Encrypter();
      for (const { recipient } of keys) {
        encrypter.addRecipient({
          wrapFileKey: async (fileKey) =>
            (await recipient.wrapFileKey(Buffer.from(fileKey))).map(
              ({ type, args, body }) => new Stanza([type, ...args], body),
            ),
        });
      }
      const message = await encrypter.encrypt(plaintext);
      for (const { identity } of keys) {
        expect((await open(message, [identity()])).plaintext.equals(plaintext)).toBe(true);
        expect((await open(Buffer.from(armor.encode(message)), [identity()])).plaintext.equals(plaintext)).toBe(true);
      }
    });

    test("that we wrote is opened by typage with our identities", async () => {
      const recipients = keys.map(({ recipient }) => recipient);
      const message = (await seal(plaintext, recipients)).toString();
      for (const { identity } of keys) {
        const decrypter = new Decrypter();
        decrypter.addIdentity({
          unwrapFileKey: (stanzas) =>
            identity().unwrapFileKey(
              stanzas.map(({ args: [type = "", ...args], body }) => ({ type, args, body: Buffer.from(body) })),
            ),
        });
        expect(Buffer.from(await decrypter.decrypt(armor.decode(message))).equals(plaintext)).toBe(true);
      }
    });
  },
);
