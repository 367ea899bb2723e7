import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import { makeSshKey, temporaryFolder, type TemporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { receive, share, type Shared, type ShareOptions } from "../src/index.ts";
import { failureOf } from "./hands.ts";

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeSshKey({ folder: folder.path, name: "weak", type: "rsa", bits: 1024 });
  await makeSshKey({ folder: folder.path, name: "ecdsa", type: "ecdsa" });
});
afterAll(() => folder.remove());

const shareWith = async (name: string, options: Partial<ShareOptions>): Promise<Shared> => {
  const to = await new Directory().resolve(join(folder.path, `${name}.pub`));
  return share({ secret: Buffer.from("secret"), to, ...options });
};

describe("an RSA key of 1024 bits", () => {
  test("is not sealed to, and the error says how it could be", async () => {
    const error = await failureOf(shareWith("weak", {}));
    expect(error).toMatchObject({ code: "NO_USABLE_KEY" });
    expect(error).toMatchObject({ subject: "a weak key", hint: expect.stringMatching(/or seal to the weak one$/) });
  });

  test.each(["age", "ssh-vault"] as const)(
    "is sealed to in the format of %s where that is asked for, and opens it",
    async (format) => {
      const { message, sealedTo, notSealedTo } = await shareWith("weak", { format, allowWeak: true });
      expect([sealedTo.length, notSealedTo.length]).toEqual([1, 0]);
      const { plaintext } = await receive(message, {
        home: folder.path,
        keyFiles: [join(folder.path, "weak")],
        passphrase: () => Promise.reject(new Error("it has none")),
      });
      expect(plaintext.toString()).toBe("secret");
    },
  );
});

describe("a weak key that is no recipient for another reason", () => {
  test("is not sealed to, though weak keys are allowed", async () => {
    const line = readFileSync(join(folder.path, "weak.pub"), "utf8");
    writeFileSync(join(folder.path, "authority.pub"), `cert-authority ${line}`);
    const error = await failureOf(shareWith("authority", { allowWeak: true }));
    expect(error).toMatchObject({ code: "NO_USABLE_KEY" });
    expect(error.hint).not.toContain("weak");
  });
});

describe("a key that can only sign", () => {
  test("is not sealed to, whatever is asked for", async () => {
    const error = await failureOf(shareWith("ecdsa", { allowWeak: true }));
    expect(error).toMatchObject({ code: "NO_USABLE_KEY" });
    expect(error.hint).not.toContain("weak");
  });
});
