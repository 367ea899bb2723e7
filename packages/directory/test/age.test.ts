import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AGE_PLUGIN_TEST, hybridPeer, makeSshKey, runOk, temporaryFolder } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { Directory } from "../src/index.ts";

const directory = new Directory({ env: {}, cacheFolder: null });
const keygen = hybridPeer("age-keygen");

/** A recipient that age itself made. */
const makeRecipient = async (...flags: string[]): Promise<string> => {
  const file = (await runOk(keygen.path, flags)).toString();
  return /^# public key: (\S+)$/m.exec(file)?.[1] ?? "";
};

describe.skipIf(keygen.missing)(`recipients made by ${keygen.label}`, () => {
  test.each([
    ["age-x25519", []],
    ["age-hybrid", ["-pq"]],
  ])("are %s keys, and their own fingerprint", async (type, flags) => {
    const recipient = await makeRecipient(...flags);
    const [entry] = await directory.resolve(recipient);
    expect(entry).toMatchObject({ name: recipient, keys: [{ type, fingerprint: recipient, unusable: null }] });
  });

  test("stand in a file beside SSH keys, in the file's order", async () => {
    using folder = temporaryFolder();
    const { publicKey } = await makeSshKey({ folder: folder.path, type: "ed25519", comment: "me" });
    const recipients = [await makeRecipient(), await makeRecipient()];
    const path = join(folder.path, "team.keys");
    writeFileSync(path, `# the team\n${recipients[0]}\r\n${publicKey}\n\n  ${recipients[1]}\n`);
    const [entry] = await directory.resolve(path);
    expect(entry?.keys.map(({ line, type }) => [line, type])).toEqual([
      [2, "age-x25519"],
      [3, "ssh-ed25519"],
      [5, "age-x25519"],
    ]);
  });

  test("are refused where a character is wrong", async () => {
    const recipient = await makeRecipient();
    const last = recipient.at(-1) === "q" ? "p" : "q";
    await expect(directory.resolve(recipient.slice(0, -1) + last)).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });

  test("are refused where they are cut off, and not taken for somebody's account", async () => {
    const recipient = await makeRecipient();
    for (const length of [4, 5, 30, 39, 40, 61]) {
      await expect(directory.resolve(recipient.slice(0, length))).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
    }
    await expect(directory.resolve("age1chen")).rejects.toMatchObject({
      hint: expect.stringContaining("for the GitHub user write github:age1chen"),
    });
    await expect(directory.resolve("age1yubikey1qgq")).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });
});

describe("keys of age plugins", () => {
  const { recipient, identity } = AGE_PLUGIN_TEST;

  test("are those that somebody writes", async () => {
    const [entry] = await directory.resolve(recipient);
    expect(entry).toMatchObject({
      name: recipient,
      keys: [{ type: "age-plugin-test", fingerprint: recipient, unusable: null, key: { plugin: "test" } }],
    });
    const [other] = await directory.resolve(identity);
    expect(other).toMatchObject({ name: "an identity of age-plugin-test", keys: [{ fingerprint: null }] });
  });

  test("are refused where a character is wrong", async () => {
    for (const text of [`${recipient.slice(0, -1)}q`, `${identity.slice(0, -1)}Q`, identity.toLowerCase()])
      await expect(directory.resolve(text)).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });

  test("are not age's own tagged ones", async () => {
    const tagged = "age1tag1qwe0kafsjrar4txm6heqnhpfuggzr0gvznz7fvygxrlq90u5mq2pysxtw6h";
    const [entry] = await directory.resolve(tagged);
    expect(entry?.keys).toMatchObject([{ type: "age-tag", fingerprint: tagged, unusable: null }]);
    await expect(directory.resolve(tagged.slice(0, -1))).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });

  test("are not used where a file names them", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "team.keys");
    writeFileSync(path, `${recipient}\n`);
    const [entry] = await directory.resolve(path);
    expect(entry?.keys).toMatchObject([
      { key: { plugin: "test" }, unusable: expect.stringContaining("that you name yourself") },
    ]);
  });
});
