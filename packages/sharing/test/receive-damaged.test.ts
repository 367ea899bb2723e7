import { isVaultError } from "@git-vault/core";
import { readPublicKeys } from "@git-vault/keys";
import { makeSshKey, temporaryFolder, type SshKey, type TemporaryFolder } from "@git-vault/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { receive, share, type Received } from "../src/index.ts";
import { CANARY, failureOf } from "./hands.ts";

const secret = Buffer.from(`${CANARY} of a secret`);
let folder: TemporaryFolder;
let mine: SshKey;
/** In the age format. */
let message: Buffer;
/** In ssh-vault's. */
let vault: Buffer;

const receiveIt = (text: Uint8Array, path: string = mine.privateKeyPath): Promise<Received> =>
  receive(text, {
    home: folder.path,
    keyFiles: [path],
    passphrase: async () => {
      throw new Error("no passphrase was to be asked for");
    },
  });

beforeAll(async () => {
  folder = temporaryFolder();
  mine = await makeSshKey({ type: "ed25519", folder: folder.path, name: "mine" });
  const to = [{ name: "me", source: "here", keys: readPublicKeys(mine.publicKey) }];
  message = (await share({ secret, to })).message;
  vault = (await share({ secret, to, format: "ssh-vault" })).message;
});
afterAll(() => folder.remove());

describe("a message that was damaged on its way", () => {
  test.each([
    ["quoted in a reply", (text: string) => `On Monday Alice wrote:\n\n${text.replaceAll(/^/gm, "> ")}\nThanks!\n`],
    ["fenced in a chat", (text: string) => `here you are:\n\`\`\`\n${text}\`\`\`\n`],
    ["with other line ends and a byte order mark", (text: string) => `\ufeff${text.replaceAll("\n", "\r\n")}`],
    ["indented by non-breaking spaces", (text: string) => text.replaceAll(/^/gm, "\u00a0\u00a0")],
  ])("is opened %s, in either format", async (_, damage) => {
    for (const whole of [message, vault]) {
      const damaged = Buffer.from(damage(whole.toString()));
      expect(damaged).not.toEqual(whole);
      expect((await receiveIt(damaged)).plaintext).toEqual(secret);
    }
  });

  test("is opened in UTF-16", async () => {
    expect((await receiveIt(Buffer.from(`\ufeff${message.toString()}`, "utf16le"))).plaintext).toEqual(secret);
  });

  test("asks for the passphrase as for a whole one", async () => {
    const key = await makeSshKey({ type: "ed25519", folder: folder.path, passphrase: "open sesame" });
    const to = [{ name: "me", source: "here", keys: readPublicKeys(key.publicKey) }];
    const quoted = (await share({ secret, to })).message.toString().replaceAll(/^/gm, "> ");
    const asked: number[] = [];
    const { plaintext } = await receive(Buffer.from(quoted), {
      home: folder.path,
      keyFiles: [key.privateKeyPath],
      passphrase: async ({ attempt }) => {
        asked.push(attempt);
        return Buffer.from(attempt === 1 ? "wrong" : "open sesame");
      },
    });
    expect(plaintext).toEqual(secret);
    expect(asked).toEqual([1, 2]);
  });

  test("lists what was tried where none of the keys opens it", async () => {
    const { privateKeyPath } = await makeSshKey({ type: "ed25519", folder: folder.path, name: "other" });
    const quoted = Buffer.from(message.toString().replaceAll(/^/gm, "> "));
    const error = await failureOf(receiveIt(quoted, privateKeyPath));
    expect(error.code).toBe("NO_IDENTITY_MATCHED");
    expect(error.hint).toContain(`tried ${privateKeyPath}`);
  });

  test("is refused where it is no message", async () => {
    for (const text of ["", "\n", CANARY, "{}", `${CANARY}\n`.repeat(1000)]) {
      expect((await failureOf(receiveIt(Buffer.from(text)))).code).toBe("UNKNOWN_FORMAT");
    }
  });

  test("is refused where it was cut off", async () => {
    for (const whole of [message, vault]) {
      const half = whole.subarray(0, whole.length / 2);
      expect((await failureOf(receiveIt(half))).code).toBe("MALFORMED_MESSAGE");
    }
  });

  test("is refused after any one character of it changed", async () => {
    for (const whole of [message, vault]) {
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
          const changed = Buffer.from(whole);
          changed.writeUInt8((changed[at] ?? 0) ^ change, at);
          const result = await receiveIt(changed).catch((error: unknown) => error);
          // What stands between the characters, such as a line's end, may change and be mended.
          const opened = isVaultError(result) ? { plaintext: secret } : result;
          expect(opened).toMatchObject({ plaintext: secret });
        }),
        { numRuns: 100 },
      );
    }
  });

  test("ends in a typed error for any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        const { code } = await failureOf(receiveIt(bytes));
        expect(["UNKNOWN_FORMAT", "MALFORMED_MESSAGE"]).toContain(code);
      }),
    );
  });

  test("is refused where it is not bytes", async () => {
    // @ts-expect-error -- what a caller without types may give
    await expect(receiveIt(CANARY)).rejects.toThrow(new TypeError("message: expected a Uint8Array, got string"));
  });
});
