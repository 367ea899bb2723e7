import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOk, temporaryFolder } from "@git-vault/testkit";
import { afterAll, beforeAll, describe, test } from "vitest";
import { readPrivateKey } from "../src/index.ts";
import { makeKey, puttygen, sshKeygen, type MadeKey } from "./make-key.ts";
import { expect, keyErrorOf } from "./matchers.ts";

const passphrase = "pässwörd ✓ 鍵";
const utf8 = Buffer.from(passphrase);

describe.skipIf(puttygen.missing || sshKeygen.missing)(`PuTTY private keys of ${puttygen.label}`, () => {
  const folder = temporaryFolder();
  const made = new Map<string, MadeKey>();
  const passphraseFile = join(folder.path, "passphrase");

  beforeAll(async () => {
    writeFileSync(passphraseFile, passphrase);
    made.set("ed25519", await makeKey(folder.path, "ed25519", { comment: "me@hère" }));
    made.set("rsa2048", await makeKey(folder.path, "rsa2048", { type: "rsa", bits: 2048, comment: "me@hère" }));
    made.set("rsa3072", await makeKey(folder.path, "rsa3072", { type: "rsa", bits: 3072, comment: "me@hère" }));
    made.set("ecdsa", await makeKey(folder.path, "ecdsa", { type: "ecdsa" }));
  });
  afterAll(() => folder.remove());

  let count = 0;
  const ppk = async (name: string, version: number, encrypted = false): Promise<Buffer> => {
    const output = join(folder.path, `${(count += 1)}.ppk`);
    const protection = encrypted ? ["--new-passphrase", passphraseFile] : [];
    const input = made.get(name)?.path ?? "";
    await runOk(puttygen.path, [
      input,
      "-O",
      "private",
      "-o",
      output,
      "--ppk-param",
      `version=${version}`,
      ...protection,
    ]);
    return readFileSync(output);
  };

  test.each([
    ["ed25519", 2],
    ["ed25519", 3],
    ["rsa2048", 2],
    ["rsa2048", 3],
    ["rsa3072", 3],
  ])("%s in version %i opens without a passphrase", async (name, version) => {
    const bytes = await ppk(name, version);
    const publicLine = made.get(name)?.publicLine ?? "";
    for (const content of [bytes, Buffer.from(bytes.toString("latin1").replaceAll("\n", "\r\n"), "latin1")]) {
      const file = readPrivateKey(content);
      expect(file).toMatchObject({ format: "putty", encrypted: false });
      expect(file.publicKey?.blob.toString("base64")).toBe(publicLine.split(" ")[1]);
      expect(file.publicKey?.comment).toBe("me@hère");
      await expect(await file.unlock()).toBelongTo(publicLine);
    }
  });

  test.each(["ed25519", "rsa2048", "rsa3072"])(
    "%s in version 2 opens with its passphrase and no other",
    async (name) => {
      const file = readPrivateKey(await ppk(name, 2, true));
      const publicLine = made.get(name)?.publicLine ?? "";
      expect(file).toMatchObject({ format: "putty", encrypted: true });
      expect(file.publicKey?.blob.toString("base64")).toBe(publicLine.split(" ")[1]);
      await expect(await file.unlock(utf8)).toBelongTo(publicLine);
      await expect(() => file.unlock(Buffer.from("CANARY"))).toFailWith("WRONG_PASSPHRASE", /^(?!.*CANARY)/);
      await expect(() => file.unlock()).toFailWith("PASSPHRASE_REQUIRED");
    },
  );

  test("an encrypted key in version 3 is refused with the command that converts it", async () => {
    const bytes = await ppk("ed25519", 3, true);
    const error = await keyErrorOf(() => readPrivateKey(bytes));
    expect(error.code).toBe("UNSUPPORTED_KEY");
    expect(error.message).toMatch("Argon2");
    expect(error.hint).toMatch("puttygen KEY.ppk -O private-openssh-new -o KEY");
  });

  test("that command makes a key that opens", async () => {
    const input = join(folder.path, "convert.ppk");
    writeFileSync(input, await ppk("ed25519", 3, true));
    const output = join(folder.path, "converted");
    const protection = ["--old-passphrase", passphraseFile, "--new-passphrase", passphraseFile];
    await runOk(puttygen.path, [input, "-O", "private-openssh-new", "-o", output, ...protection]);
    await expect(await readPrivateKey(readFileSync(output)).unlock(utf8)).toBelongTo(
      made.get("ed25519")?.publicLine ?? "",
    );
  });

  test("an ECDSA key is refused by name", async () => {
    const bytes = await ppk("ecdsa", 3);
    await expect(() => readPrivateKey(bytes)).toFailWith("UNSUPPORTED_KEY", "ecdsa-sha2-nistp256 keys cannot");
  });

  test.each([2, 3])("any header or MAC that was changed in version %i is refused", async (version) => {
    const text = (await ppk("ed25519", version)).toString("latin1");
    const unlock = (from: string | RegExp, to: string) => (): unknown => {
      const changed = text.replace(from, to);
      expect(changed).not.toBe(text);
      return readPrivateKey(Buffer.from(changed, "latin1")).unlock();
    };
    await expect(unlock("Comment: me", "Comment: CANARY")).toFailWith("MALFORMED_KEY", "its MAC does not fit");
    await expect(unlock(/MAC: [0-9a-f]{8}/, "MAC: 00000000")).toFailWith("MALFORMED_KEY", "its MAC does not fit");
    await expect(unlock(/MAC: [0-9a-f]{8}/, "MAC: ")).toFailWith("MALFORMED_KEY", "expected a MAC of");
    await expect(unlock("Encryption: none", "Encryption: CANARY")).toFailWith("UNSUPPORTED_KEY", "cipher that is not");
    await expect(unlock(/File-.: ssh-ed25519/, `File-${version}: ssh-rsa`)).toFailWith("MALFORMED_KEY", "another type");
    await expect(unlock(/File-.: ssh-ed25519/, `File-${version}: CANARY`)).toFailWith("UNSUPPORTED_KEY", "not known");
    await expect(unlock(/File-./, "File-1")).toFailWith("UNSUPPORTED_KEY", "version of the format");
    await expect(unlock("Public-Lines: 2", "Public-Lines: 99")).toFailWith("MALFORMED_KEY", "Public-Lines");
    await expect(unlock("Public-Lines: 2", "Public-Lines: 1")).toFailWith("MALFORMED_KEY");
    await expect(unlock("Public-Lines: 2", "Public-Lines: -1")).toFailWith("MALFORMED_KEY", "a number of lines");
    await expect(unlock(/$/, "\nCANARY")).toFailWith("MALFORMED_KEY", "something follows");
  });

  test("a private part that is another key's is refused", async () => {
    const other = await makeKey(folder.path, "other");
    made.set("other", other);
    const [one, two] = [
      (await ppk("ed25519", 2, true)).toString("latin1"),
      (await ppk("other", 2, true)).toString("latin1"),
    ];
    const mixed = one.slice(0, one.indexOf("Private-Lines")) + two.slice(two.indexOf("Private-Lines"));
    await expect(() => readPrivateKey(Buffer.from(mixed, "latin1")).unlock(utf8)).toFailWith("WRONG_PASSPHRASE");
  });
});
